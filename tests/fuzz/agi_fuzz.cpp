// Any bytes in any pieces into agi::Session, as the request and as the results of commands with any names and values.
// Held: the pieces change nothing, limits hold, no command leaves in more than one line, the token reaches no request,
// what a handler sees is UTF-8 without control characters.
#include "agi/command.hpp"
#include "agi/session.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace pbx::agi;

namespace {

void hold(bool condition, const char* what) {
    if (condition) return;
    std::fprintf(stderr, "does not hold: %s\n", what);
    std::abort();
}

constexpr Limits smallLimits{.lineBytes = 200, .lines = 20, .totalBytes = 2000, .commands = 3};
constexpr std::string_view request = "agi_network: yes\nagi_network_script: route/tokenOfServerOne?did=1\nagi_a: b\n\n";

void holdClean(const std::string& text) { hold(pbx::isUtf8(text) && !pbx::hasControl(text), "text is harmless"); }

std::string describe(Session& session) {
    std::string seen = std::to_string(static_cast<int>(session.state())) + '/';
    seen += violationName(session.violation());
    for (const auto& result : session.takeResults()) {
        holdClean(result.value);
        holdClean(result.data);
        seen += '|' + std::to_string(result.code) + ' ' + result.value + ' ' + result.data;
    }
    hold((session.state() == Session::State::broken) == (session.violation() != Violation::none),
         "broken has a reason");
    if (session.state() == Session::State::request || session.state() == Session::State::broken) return seen;
    const auto& asked = session.request();
    seen += '|' + asked.route;
    hold(asked.variables.size() < smallLimits.lines, "lines are limited");
    for (const auto* pairs : {&asked.query, &asked.variables})
        for (const auto& [name, value] : *pairs) {
            holdClean(name);
            holdClean(value);
            seen += '|' + name + '=' + value;
        }
    // Asterisk's own lines that hold the whole URL; a query may have parameters of these names.
    for (const auto& [name, value] : asked.variables)
        hold(name != "agi_request" && name != "agi_network_script", "the token reaches no request");
    return seen;
}

void feedInPieces(Session& session, std::string_view bytes, std::size_t piece) {
    for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) session.feed(bytes.substr(0, piece));
}

std::string readRequest(std::string_view bytes, std::size_t piece) {
    Session session(smallLimits);
    feedInPieces(session, bytes, piece);
    return describe(session);
}

std::string readResults(std::string_view bytes, std::size_t piece) {
    Session session(smallLimits);
    session.feed(request);
    hold(session.state() == Session::State::idle, "the request is good");
    session.setVariables({{"A", "1"}});
    session.getVariable("B");
    while (!bytes.empty()) {
        session.written(session.output().size());
        // A line at most: the next command is written before its result is read.
        const auto length = std::min({piece, bytes.size(), std::min(bytes.find('\n'), bytes.size() - 1) + 1});
        session.feed(bytes.substr(0, length));
        bytes.remove_prefix(length);
    }
    return describe(session);
}

void command(std::string_view bytes) {
    const auto split = std::min(bytes.find('='), bytes.size());
    const auto name = bytes.substr(0, split);
    const auto value = bytes.substr(std::min(split + 1, bytes.size()));
    for (const auto& line : {setVariableLine(name, value), getVariableLine(name), verboseLine(value, 1)}) {
        if (!line) continue;
        hold(line->size() <= maxCommandBytes, "a command is short enough for Asterisk");
        hold(line->find('\n') == line->size() - 1, "a command is one line");
        hold(line->find('\r') == line->npos && line->find('\0') == line->npos, "no CR, no NUL");
    }
    const auto one = setVariableLine(name, value);
    const auto lines = setVariableLines({{std::string(name), std::string(value)}, {"PBX_DONE", "1"}});
    hold(one.has_value() == lines.has_value(), "what may be sent alone may be sent with others");
    if (!lines) return;
    hold(lines->size() <= 2 && lines->back().find("PBX_DONE") != std::string::npos, "the last one comes last");
    for (const auto& line : *lines) hold(line.find('\n') == line.size() - 1, "a command is one line");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
    const std::size_t piece = 1u + data[1] % 16u;
    switch (data[0] % 3) {
    case 0:
        hold(readRequest(bytes, bytes.size() + 1) == readRequest(bytes, piece), "pieces change nothing");
        break;
    case 1:
        hold(readResults(bytes, bytes.size() + 1) == readResults(bytes, piece), "pieces change nothing");
        break;
    default:
        command(bytes);
    }
    return 0;
}
