"""zeep loads the committed contract and finds every operation in it, each with one typed result."""
import sys

try:
    import zeep
except ImportError:
    print("SKIPPED: python3-zeep is not installed (scripts/setup)", file=sys.stderr)
    sys.exit(77)

path = sys.argv[1]
with open(path, encoding="utf-8") as file:
    expected = file.read().count("<wsdl:operation ") // 2  # port type and binding
client = zeep.Client(path)
operations = client.wsdl.services["PbxService"].ports["PbxPort"].binding._operations
print(f"{len(operations)} operations of {expected}")
results = [operation.output.signature() for operation in operations.values()]
sys.exit(0 if len(operations) == expected > 0 and all(r.startswith("result: ns0:") for r in results) else 1)
