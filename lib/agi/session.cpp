#include "agi/session.hpp"

#include "agi/command.hpp"

#include <algorithm>
#include <charconv>

namespace pbx::agi {

namespace {

constexpr std::string_view usageEnd = "520 End of proper usage.";

bool isVariableKey(std::string_view key) {
    const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
    return key.size() <= 40 && key.starts_with("agi_") && std::all_of(key.begin(), key.end(), allowed);
}

} // namespace

std::string_view violationName(Violation violation) {
    switch (violation) {
    case Violation::none:
        return "none";
    case Violation::lineTooLong:
        return "line_too_long";
    case Violation::tooManyLines:
        return "too_many_lines";
    case Violation::tooManyBytes:
        return "too_many_bytes";
    case Violation::nulByte:
        return "nul_byte";
    case Violation::badVariable:
        return "bad_variable";
    case Violation::duplicateVariable:
        return "duplicate_variable";
    case Violation::badScript:
        return "bad_script";
    case Violation::unexpectedBytes:
        return "unexpected_bytes";
    case Violation::badResult:
        return "bad_result";
    }
    return "none";
}

void Session::fail(Violation violation) {
    state_ = State::broken;
    violation_ = violation;
    commands_.clear();
    output_.clear();
    partial_.clear();
}

void Session::feed(std::string_view bytes) {
    while (!bytes.empty() && state_ != State::broken && state_ != State::hungUp) {
        const auto end = bytes.find('\n');
        const auto piece = bytes.substr(0, end);
        const auto used = end == bytes.npos ? piece.size() : piece.size() + 1;
        // Whichever rule is broken first, byte by byte: how the bytes were cut into pieces must not matter.
        const auto lineLeft = limits_.lineBytes - partial_.size();
        const auto totalLeft = limits_.totalBytes - total_;
        if (piece.substr(0, std::min(lineLeft, totalLeft)).find('\0') != piece.npos) return fail(Violation::nulByte);
        if (piece.size() > lineLeft && lineLeft <= totalLeft) return fail(Violation::lineTooLong);
        if (used > totalLeft) return fail(Violation::tooManyBytes);
        total_ += used;
        partial_ += piece;
        bytes.remove_prefix(used);
        if (end == bytes.npos) return;
        const std::string line = std::exchange(partial_, {});
        takeLine(line);
    }
}

void Session::takeLine(std::string_view line) {
    if (state_ == State::request) {
        if (line.empty()) return completeRequest();
        if (++lines_ > limits_.lines) return fail(Violation::tooManyLines);
        return takeVariable(line);
    }
    if (line == "HANGUP" && !inUsage_) {
        state_ = State::hungUp;
        commands_.clear();
        output_.clear();
        return;
    }
    // Not while a command is still half written: what comes then was not caused by it.
    if (state_ != State::busy || !output_.empty()) return fail(Violation::unexpectedBytes);
    takeResultLine(line);
}

void Session::takeVariable(std::string_view line) {
    const auto colon = line.find(':');
    if (colon == line.npos || !isVariableKey(line.substr(0, colon))) return fail(Violation::badVariable);
    const auto key = line.substr(0, colon);
    auto value = line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (key == "agi_network_script") {
        if (hasScript_) return fail(Violation::duplicateVariable);
        hasScript_ = true;
        script_ = value;
        return;
    }
    const auto same = [&](const auto& pair) { return pair.first == key; };
    if (std::any_of(request_.variables.begin(), request_.variables.end(), same))
        return fail(Violation::duplicateVariable);
    request_.variables.emplace_back(key, harmless(value));
}

void Session::completeRequest() {
    auto script = parseScript(script_);
    if (!script) return fail(Violation::badScript);
    script_.clear();
    request_.route = std::move(script->route);
    request_.query = std::move(script->query);
    token_ = std::move(script->token);
    std::erase_if(request_.variables, [](const auto& pair) { return pair.first == "agi_request"; });
    state_ = State::idle;
}

void Session::takeResultLine(std::string_view line) {
    if (++lines_ > limits_.lines) return fail(Violation::tooManyLines);
    if (inUsage_) { // the usage text may lack a line end of its own
        if (line.ends_with(usageEnd)) finishResult();
        return;
    }
    int code = 0;
    const auto [next, error] = std::from_chars(line.data(), line.data() + std::min<std::size_t>(3, line.size()), code);
    if (error != std::errc{} || next != line.data() + 3 || code < 100) return fail(Violation::badResult);
    line.remove_prefix(3);
    if (!line.starts_with(' ') && !line.starts_with('-')) return fail(Violation::badResult);
    const bool more = line.front() == '-';
    line.remove_prefix(1);
    if (code < 200) return; // "100 result=0 Trying...": the result is still to come
    result_.code = code;
    if (code == 200) {
        constexpr std::string_view key = "result=";
        if (more || !line.starts_with(key)) return fail(Violation::badResult);
        line.remove_prefix(key.size());
        const auto space = line.find(' ');
        result_.value = harmless(line.substr(0, space));
        const auto open = line.find('(');
        const auto close = line.rfind(')');
        if (open != line.npos && close != line.npos && open < close)
            result_.data = harmless(line.substr(open + 1, close - open - 1));
    }
    if (more) {
        inUsage_ = true;
        return;
    }
    finishResult();
}

void Session::finishResult() {
    results_.push_back(std::exchange(result_, {}));
    inUsage_ = false;
    state_ = State::idle;
    sendNext();
}

bool Session::queue(std::optional<std::string> line) {
    const bool open = state_ == State::idle || state_ == State::busy;
    if (!line || !open || commands_.size() >= limits_.commands) return false;
    commands_.push_back(std::move(*line));
    if (state_ == State::idle) sendNext();
    return true;
}

void Session::sendNext() {
    if (commands_.empty()) return;
    output_ = std::move(commands_.front());
    commands_.pop_front();
    lines_ = 0;
    state_ = State::busy;
}

bool Session::setVariables(const Pairs& variables) {
    if (variables.size() > limits_.commands) return false;
    auto lines = setVariableLines(variables);
    if (!lines || commands_.size() + lines->size() > limits_.commands) return false;
    return std::ranges::all_of(*lines, [&](auto& line) { return queue(std::move(line)); });
}
bool Session::getVariable(std::string_view name) { return queue(getVariableLine(name)); }
bool Session::verbose(std::string_view text, int level) { return queue(verboseLine(text, level)); }

} // namespace pbx::agi
