"""What a tenant's own people and programs use: SOAP, XML-RPC and pbxctl, with a token."""
import os
import re
import subprocess
import xmlrpc.client


class Faces:
    def __init__(self, pbxd, tenant, pbxctl, home):
        """Makes an administrator of that tenant and his token. home: folder for pbxctl."""
        self.url, self.pbxctl, self.home = pbxd.url, pbxctl, home
        pbxd.call("user.create", tenant=tenant, login=f"{tenant}-boss", password="correct horse battery staple", role="admin")
        self.token = pbxd.call("token.create", tenant=tenant, name="crm", user=f"{tenant}-boss", operations=["*"])["token"]

    def soap(self, operation, **fields):
        """The states in the answer, and the answer."""
        inner = "".join(f"<{k}>{v}</{k}>" for k, values in fields.items() for v in (values if isinstance(values, list) else [values]))
        body = (f'<?xml version="1.0"?><e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
                f'<{operation} xmlns="urn:pbxd:integration:v1">{inner}</{operation}></e:Body></e:Envelope>')
        done = subprocess.run(["curl", "-s", "-H", f"Authorization: Bearer {self.token}", "-H", "Content-Type: text/xml", "--data-binary", "@-", self.url + "/soap"],
                              input=body, capture_output=True, text=True, timeout=30)
        return re.findall(r"<(?:\w+:)?state>(\w+)<", done.stdout), done.stdout

    def xmlrpc(self, operation, **fields):
        with xmlrpc.client.ServerProxy(self.url + "/RPC2", headers=[("Authorization", f"Bearer {self.token}")]) as server:
            return getattr(server, operation)(fields)

    def cli(self, *words):
        environment = {"PBXCTL_SERVER": self.url, "PBXCTL_TOKEN": self.token, "HOME": self.home, "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
        done = subprocess.run([self.pbxctl, *words], capture_output=True, text=True, timeout=30, env=environment, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise AssertionError(f"pbxctl {' '.join(words)}: exit {done.returncode}: {done.stderr}")
        return done.stdout
