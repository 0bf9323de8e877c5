// One accepted connection in its worker thread: reads requests strictly, asks the route's handler, writes the replies.
// Threads: one worker for each; what is shared is in Core.
// Nothing leaves run(): what goes wrong with the peer ends the connection, what goes wrong in a handler is answered and
// told.
#pragma once

#include "web/chunked.hpp"
#include "web/core.hpp"
#include "web/reply.hpp"
#include "web/transport.hpp"

#include <Poco/Net/TCPServerConnection.h>

#include <memory>
#include <string>
#include <string_view>

namespace pbx::web {

class Connection final : public Poco::Net::TCPServerConnection {
public:
    Connection(const Poco::Net::StreamSocket& socket, Core& core);
    void run() override;

private:
    enum class Next { request, end };
    // Of a request that is being worked on, for its answer and its line in the log.
    struct Exchange {
        std::string requestId;
        std::string client;
        std::string_view method = "-";
        std::string_view path = "-";
        std::string_view route = "-";
        SteadyTime started;
        std::size_t requestBytes = 0;
        bool http11 = true;
        bool keepAlive = false;
    };

    void refuse(Admission admission);
    void serveAll();
    Next serveOne();
    bool awaitRequest();
    bool readHead(HeadScanner& scanner);
    Moved readMore(char* buffer, std::size_t size, SteadyTime deadline, bool& late);
    Next answerHead(const Head& head, Exchange& exchange);
    bool readBody(const Head& head, std::size_t limit, std::string& body, BodyBudget::Share& share,
                  const Exchange& exchange);
    bool readLength(std::uint64_t length, std::string_view early, std::string& body, BodyBudget::Share& share,
                    const Exchange& exchange);
    bool readChunks(std::size_t limit, std::string_view early, std::string& body, BodyBudget::Share& share,
                    const Exchange& exchange);
    bool refuseBody(int status, std::string_view reason, const Exchange& exchange);
    Reply callHandler(const Head& head, const Route& route, std::string body, Credentials credentials,
                      const Exchange& exchange);
    Next park(Parked parked, const Exchange& exchange);
    // The request was read to its end: the connection may go on.
    Next reply(Response response, const Exchange& exchange, bool headOnly);
    // It was not: the answer is the connection's last word.
    void replyAndClose(Response response, const Exchange& exchange);
    Exchange newExchange() const;
    ReplyContext contextOf(const Exchange& exchange, bool keepAlive, bool headOnly) const;
    static void logAccess(const Core& core, const Exchange& exchange, int status, std::size_t bytes);

    // The socket becomes the parking's, which may close it at once; so this one is no longer in the list of the live.
    void finish(std::string bytes);
    void tell(std::string bytes); // hands the socket over, or counts that there was no room for it

    Core& core_;
    Address peer_;
    std::unique_ptr<Transport> transport_; // gone when parking has it
    std::string in_;                       // the head being read, and what came with it
    std::string carry_;                    // what belongs to the next request
    LiveConnections::Entry entry_;
    bool first_ = true;
};

} // namespace pbx::web
