-- POSTs the body of $BENCH_REQUEST (a Lua file of mode 0600 that sets path, body, authorization: a secret never stands in
-- argv or the environment) and counts answers that are not 200, which wrk's own report leaves out for 3xx.
dofile(os.getenv("BENCH_REQUEST"))
wrk.method = "POST"
wrk.path = request_path
wrk.body = request_body
wrk.headers["Content-Type"] = "text/xml; charset=utf-8"
if request_authorization then wrk.headers["Authorization"] = request_authorization end

function done(summary, latency, requests)
  io.write(string.format("RESULT rps=%.1f p50_ms=%.3f p99_ms=%.3f failed=%d\n", summary.requests / (summary.duration / 1e6),
    latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
