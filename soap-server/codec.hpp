// The SOAP face: one request's body in, one reply's body out. HTTP belongs to the front, the work to the door.
// Threads: any number at once; a FaceWaiting is asked by the parking thread.
// Every pbx::Error becomes a typed fault (1.1 or 1.2, as the request). Other exceptions (out of memory) go on to the
// front, which logs them and answers 500 without their text.
// HTTP status of a fault: 500 in SOAP 1.1, because its clients (JAX-WS, .NET) read the fault of no other; 400 for the
// sender's and 500 for the receiver's in SOAP 1.2; but 401 for `unauthenticated`, so that clients which send
// credentials only when asked do so (PHP, zeep and SOAP::Lite read the fault all the same), and 415 for a body that is
// not XML at all.
#pragma once

#include "ops/door.hpp"
#include "soap-server/encoder.hpp"
#include "soap-server/request.hpp"

#include <string>
#include <string_view>

namespace pbx::soap {

class Codec {
public:
    // `contentType` is the request's header, empty when it had none.
    ops::FaceOutcome handle(std::string_view body, std::string_view contentType, ops::CallContext context,
                            ops::Door& door);

    // An error that the front finds before there is a body to read (too large, busy), as a fault.
    ops::FaceReply refuse(const Error& error, std::string_view contentType, std::string_view requestId) const;

private:
    // What a reply needs to know of its request.
    struct Asked {
        Version version;
        std::optional<FaultCode> code;
        std::string_view name; // of the operation, "queueList"
        std::string requestId;
    };

    ops::FaceOutcome answer(std::string_view body, std::string_view contentType, ops::CallContext context,
                            ops::Door& door, Asked& asked);
    static ops::FaceReply fault(const Asked& asked, const Error& error);
    static ops::FaceReply reply(const Asked& asked, const ops::Value& result);

    Readers readers_;
};

} // namespace pbx::soap
