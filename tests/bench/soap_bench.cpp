// What the SOAP codec costs without HTTP: a trivial call and 100 rows; beside them gSOAP's own serialiser on the same
// rows, and the guard alone.
#include "base/xml_guard.hpp"
#include "ops/catalogue/directory.hpp"
#include "ops/catalogue/live.hpp"
#include "soap-server/codec.hpp"

#include "pbxH.h"

#include <benchmark/benchmark.h>

#include <memory>
#include <stdexcept>
#include <string>

namespace {

using namespace pbx;

struct CannedDoor final : ops::Door {
    struct CannedSession final : ops::Session {
        ops::Outcome call(const ops::Operation& operation, const ops::CommonParams&, ops::Value) override {
            if (operation.name != "call.list") return operation.makeResult();
            return ops::Value::of(rows());
        }
    };
    std::unique_ptr<ops::Session> admit(ops::CallContext) override { return std::make_unique<CannedSession>(); }

    static const ops::CallPage& rows() {
        static const auto page = [] {
            ops::CallPage out;
            for (int i = 0; i < 100; ++i)
                out.items.push_back({.id = "a-1700000000." + std::to_string(i),
                                     .server = "a",
                                     .state = ops::CallState::talking,
                                     .number = "+1 212 555 0" + std::to_string(100 + i),
                                     .name = "Jos\xC3\xA9 & Sons",
                                     .queue = "support",
                                     .agent = "alice",
                                     .startedAt = fromEpochMicros(1'700'000'000'000'000 + i),
                                     .answeredAt = fromEpochMicros(1'700'000'010'000'000 + i),
                                     .durationSeconds = i});
            return out;
        }();
        return page;
    }
};

std::string request(const std::string& body) {
    return "<?xml version=\"1.0\" encoding=\"UTF-8\"?><s:Envelope "
           "xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\">"
           "<s:Body>" +
           body + "</s:Body></s:Envelope>";
}

void call(benchmark::State& state, const std::string& body) {
    pbx::soap::Codec codec;
    CannedDoor door;
    std::size_t bytes = 0;
    for (auto _ : state) {
        auto outcome = codec.handle(body, "text/xml", {}, door);
        const auto& reply = std::get<ops::FaceReply>(outcome);
        if (reply.status != 200) throw std::runtime_error(reply.body);
        bytes = reply.body.size();
    }
    state.counters["reply_bytes"] = static_cast<double>(bytes);
}

const auto trivial = request("<queueGet xmlns=\"urn:pbxd:integration:v1\"><id>support</id></queueGet>");
const auto list = request("<callList xmlns=\"urn:pbxd:integration:v1\"><limit>100</limit></callList>");

void codecTrivial(benchmark::State& state) { call(state, trivial); }
void codec100Rows(benchmark::State& state) { call(state, list); }

void encode100Rows(benchmark::State& state) {
    const auto value = ops::Value::of(CannedDoor::rows());
    for (auto _ : state)
        benchmark::DoNotOptimize(pbx::soap::encodeResult(pbx::soap::Version::soap11, "callList", value));
}

// Build gSOAP's objects from the same rows and let it write them.
void gsoap100Rows(benchmark::State& state) {
    ::soap* soap = soap_new1(SOAP_ENC_PLAIN | SOAP_C_UTFSTRING | SOAP_XML_TREE);
    std::string out;
    soap->user = &out;
    soap->fsend = [](::soap* sending, const char* from, std::size_t count) {
        static_cast<std::string*>(sending->user)->append(from, count);
        return SOAP_OK;
    };
    const auto& rows = CannedDoor::rows();
    for (auto _ : state) {
        out.clear();
        auto* page = soap_new_v1__CallPage(soap);
        for (const auto& row : rows.items) {
            auto* item = soap_new_v1__Call(soap);
            item->id = row.id;
            item->server = row.server;
            item->state = static_cast<v1__CallState>(row.state);
            item->number = row.number;
            item->name = row.name;
            item->queue = row.queue;
            item->agent = row.agent;
            item->started_USCOREat = formatRfc3339(row.startedAt);
            item->answered_USCOREat = formatRfc3339(*row.answeredAt);
            item->duration_USCOREseconds = row.durationSeconds;
            page->items.push_back(item);
        }
        page->as_USCOREof = formatRfc3339(rows.asOf);
        _v1__callListResponse response;
        response.soap_default(soap);
        response.result = page;
        soap_begin_send(soap);
        soap_envelope_begin_out(soap);
        soap_body_begin_out(soap);
        response.soap_put(soap, "v1:callListResponse", "");
        soap_body_end_out(soap);
        soap_envelope_end_out(soap);
        soap_end_send(soap);
        soap_destroy(soap);
        soap_end(soap);
    }
    state.counters["reply_bytes"] = static_cast<double>(out.size());
    soap_free(soap);
}

void guard(benchmark::State& state) {
    const auto body =
        pbx::soap::encodeResult(pbx::soap::Version::soap11, "callList", ops::Value::of(CannedDoor::rows()));
    for (auto _ : state) benchmark::DoNotOptimize(guardXml(body));
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * body.size()));
}

BENCHMARK(codecTrivial);
BENCHMARK(codec100Rows);
BENCHMARK(encode100Rows);
BENCHMARK(gsoap100Rows);
BENCHMARK(guard);

} // namespace
