// Reads a SOAP request that has passed the guard: envelope, header, one operation of the catalogue.
// Threads: a Reader is used by one thread at a time; Readers gives each request its own.
// read throws pbx::Error; what is known of the envelope by then is in `envelope`, so that the fault fits the client.
#pragma once

#include "base/guarded.hpp"
#include "ops/operation.hpp"
#include "soap-server/encoder.hpp"

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace pbx::soap {

struct Envelope {
    Version version = Version::soap11;
    std::optional<FaultCode> code; // of a fault that is not simply the error's
};

struct Request {
    const ops::Operation* operation;
    std::string_view name; // "queueList"
    ops::Value params;
    ops::CommonParams common;
};

// One gSOAP context (164 kB), used again and again.
class Reader {
public:
    Reader();
    ~Reader();
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    Request read(std::string_view body, Envelope& envelope);

private:
    struct Context;
    std::unique_ptr<Context> context_;
};

// As many readers as requests are read at once; some are kept for the next ones.
class Readers {
public:
    static constexpr std::size_t kept = 16;

    Request read(std::string_view body, Envelope& envelope);

private:
    Guarded<std::vector<std::unique_ptr<Reader>>> idle_;
};

} // namespace pbx::soap
