// A bare gSOAP server with its own HTTP, generated from the same contract: what pbxd's SOAP face is measured against.
// Usage: bare_gsoap_server PORT [WORKERS]; 127.0.0.1 only, no login; systemWhoami and queueGet (trivial), queueList and
// callList (100 rows each). Keep-alive without limit; a pool of threads with a context each, as gSOAP's manual has it.
#include "PbxBindingV1.nsmap"
#include "pbxH.h"

#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace {

class Sockets {
public:
    void put(SOAP_SOCKET socket) {
        {
            std::lock_guard lock(mutex_);
            waiting_.push_back(socket);
        }
        filled_.notify_one();
    }
    SOAP_SOCKET take() {
        std::unique_lock lock(mutex_);
        filled_.wait(lock, [&] { return !waiting_.empty(); });
        const auto socket = waiting_.front();
        waiting_.pop_front();
        return socket;
    }

private:
    std::mutex mutex_;
    std::condition_variable filled_;
    std::deque<SOAP_SOCKET> waiting_;
};

void fill(v1__Queue& queue, const std::string& name) {
    queue.id = "q-" + name;
    queue.name = name;
    queue.title = "Customer support & returns";
    queue.server = "a";
    queue.asterisk_USCOREname = "viatalk-" + name;
    queue.department = "care";
    queue.wrapup_USCOREseconds = 10;
    queue.on_USCOREasterisk = true;
    queue.created_USCOREat = "2026-11-22T21:24:38Z";
}

void fill(v1__Call& call, int number) {
    call.id = "a-1700000000." + std::to_string(number);
    call.server = "a";
    call.state = v1__CallState::talking;
    call.number = "+1 212 555 0" + std::to_string(100 + number);
    call.name = "Jos\xC3\xA9 & Sons";
    call.queue = "support";
    call.agent = "alice";
    call.started_USCOREat = "2026-11-22T21:24:38.000001Z";
    call.answered_USCOREat = "2026-11-22T21:24:48.000001Z";
    call.duration_USCOREseconds = number;
}

void answer(soap* soap, const _v1__systemWhoami&, _v1__systemWhoamiResponse& response) {
    response.result = soap_new_v1__Whoami(soap);
    response.result->login = "viatalk-admin";
    response.result->role = v1__Role::admin;
    response.result->tenant = "viatalk";
    response.result->via = "token:bench";
    response.result->operations = {"system.whoami", "queue.get", "call.list"};
}
void answer(soap* soap, const _v1__queueGet& request, _v1__queueGetResponse& response) {
    response.result = soap_new_v1__Queue(soap);
    fill(*response.result, request.id);
}
void answer(soap* soap, const _v1__queueList&, _v1__queueListResponse& response) {
    response.result = soap_new_v1__QueuePage(soap);
    response.result->as_USCOREof = "2026-11-22T21:24:38Z";
    for (int i = 0; i < 100; ++i) {
        response.result->items.push_back(soap_new_v1__Queue(soap));
        fill(*response.result->items.back(), "queue-" + std::to_string(i));
    }
}
void answer(soap* soap, const _v1__callList&, _v1__callListResponse& response) {
    response.result = soap_new_v1__CallPage(soap);
    response.result->as_USCOREof = "2026-11-22T21:24:38Z";
    for (int i = 0; i < 100; ++i) {
        response.result->items.push_back(soap_new_v1__Call(soap));
        fill(*response.result->items.back(), i);
    }
}

// One operation the way gSOAP's generated serve functions do it; a fault stays in soap->error.
template <class Request, class Response>
int serve(soap* soap, const char* request, const char* response) {
    Request in;
    in.soap_default(soap);
    if (!in.soap_in(soap, request, nullptr) || soap_body_end_in(soap) || soap_envelope_end_in(soap) ||
        soap_end_recv(soap))
        return soap->error;
    Response out;
    out.soap_default(soap);
    answer(soap, in, out);
    soap->encodingStyle = nullptr;
    soap_serializeheader(soap);
    out.soap_serialize(soap);
    const auto write = [&] {
        return soap_envelope_begin_out(soap) || soap_putheader(soap) || soap_body_begin_out(soap) ||
               out.soap_put(soap, response, "") || soap_body_end_out(soap) || soap_envelope_end_out(soap);
    };
    if (soap_begin_count(soap)) return soap->error;
    if ((soap->mode & SOAP_IO_LENGTH) && write()) return soap->error;
    if (soap_end_count(soap) || soap_response(soap, SOAP_OK) || write() || soap_end_send(soap)) return soap->error;
    return soap_closesock(soap);
}

int dispatch(soap* soap) {
    soap_peek_element(soap);
    if (!soap_match_tag(soap, soap->tag, "v1:systemWhoami"))
        return serve<_v1__systemWhoami, _v1__systemWhoamiResponse>(soap, "v1:systemWhoami", "v1:systemWhoamiResponse");
    if (!soap_match_tag(soap, soap->tag, "v1:queueGet"))
        return serve<_v1__queueGet, _v1__queueGetResponse>(soap, "v1:queueGet", "v1:queueGetResponse");
    if (!soap_match_tag(soap, soap->tag, "v1:queueList"))
        return serve<_v1__queueList, _v1__queueListResponse>(soap, "v1:queueList", "v1:queueListResponse");
    if (!soap_match_tag(soap, soap->tag, "v1:callList"))
        return serve<_v1__callList, _v1__callListResponse>(soap, "v1:callList", "v1:callListResponse");
    return soap->error = SOAP_NO_METHOD;
}

// All requests of one connection.
void serveConnection(soap* soap) {
    soap->keep_alive = soap->max_keep_alive + 1;
    do {
        if (soap->keep_alive > 0 && soap->max_keep_alive > 0) soap->keep_alive--;
        if (soap_begin_serve(soap)) {
            if (soap->error >= SOAP_STOP) continue;
            break;
        }
        if ((dispatch(soap) || (soap->fserveloop && soap->fserveloop(soap))) && soap->error &&
            soap->error < SOAP_STOP) {
            soap_send_fault(soap);
            break;
        }
        soap_destroy(soap);
        soap_end(soap);
    } while (soap->keep_alive);
    soap_destroy(soap);
    soap_end(soap);
    soap_force_closesock(soap);
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: bare_gsoap_server PORT [WORKERS]\n");
        return 2;
    }
    soap* master = soap_new2(SOAP_IO_KEEPALIVE, SOAP_IO_KEEPALIVE);
    master->bind_flags = SO_REUSEADDR;
    master->max_keep_alive = 1'000'000'000;
    master->recv_timeout = master->send_timeout = 30;
    if (!soap_valid_socket(soap_bind(master, "127.0.0.1", std::atoi(argv[1]), 1024))) {
        soap_print_fault(master, stderr);
        return 1;
    }
    Sockets sockets;
    std::vector<std::thread> workers;
    for (int i = argc > 2 ? std::atoi(argv[2]) : 72; i > 0; --i)
        workers.emplace_back([&sockets, context = soap_copy(master)] {
            for (;;) {
                context->socket = sockets.take();
                serveConnection(context);
            }
        });
    std::printf("listening on %s\n", argv[1]);
    std::fflush(stdout);
    for (;;) {
        const auto socket = soap_accept(master);
        if (soap_valid_socket(socket)) sockets.put(socket);
    }
}
