// The structured log: one line an event, as text or JSON, written with a single write(2).
// Threads: any; a Log is a cheap value (copies share the destination). Fields are read before the call returns.
// Fails: opening a file throws pbx::Error(unavailable); a line that cannot be written is counted (lostLines), never
// thrown.
#pragma once

#include "base/ids.hpp"
#include "base/time.hpp"

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace pbx {

class SecretString;

enum class LogLevel { error, warning, info, debug };
enum class LogFormat { text, json };

std::string_view logLevelText(LogLevel level);
std::optional<LogLevel> parseLogLevel(std::string_view text);   // "error", "warning", "info", "debug"
std::optional<LogFormat> parseLogFormat(std::string_view text); // "text", "json"

// One key and its value, borrowed for the length of the call. A SecretString is refused by the compiler.
class LogField {
public:
    using Value = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool, UtcTime>;

    LogField(std::string_view key, std::string_view value) : key_(key), value_(value) {}
    LogField(std::string_view key, const std::string& value) : key_(key), value_(std::string_view(value)) {}
    LogField(std::string_view key, const char* value) : key_(key), value_(std::string_view(value ? value : "")) {}
    LogField(std::string_view key, std::same_as<bool> auto value) : key_(key), value_(value) {}
    LogField(std::string_view key, std::signed_integral auto value)
        : key_(key), value_(static_cast<std::int64_t>(value)) {}
    LogField(std::string_view key, std::unsigned_integral auto value)
        requires(!std::same_as<decltype(value), bool>)
        : key_(key), value_(static_cast<std::uint64_t>(value)) {}
    LogField(std::string_view key, double value) : key_(key), value_(value) {}
    LogField(std::string_view key, UtcTime value) : key_(key), value_(value) {}
    template <class Tag>
    LogField(std::string_view key, const Id<Tag>& id) : key_(key), value_(std::string_view(id.str())) {}
    LogField(std::string_view key, const SecretString& secret) = delete;

    std::string_view key() const noexcept { return key_; }
    const Value& value() const noexcept { return value_; }

private:
    std::string_view key_;
    Value value_;
};

using LogFields = std::initializer_list<LogField>;

struct LogOptions {
    LogLevel level = LogLevel::info;
    LogFormat format = LogFormat::text;
    int fd = 2;         // used when `file` is empty; not closed by the log; -1 writes nothing
    std::string file{}; // appended to, made with mode 0640
};

// Event names are dotted lower-case words ("link.up"), keys snake_case; both come from our code, never from outside.
// Values may be anything: they are escaped, and cut after maxValueBytes.
class Log {
public:
    static constexpr std::size_t maxValueBytes = 4096;

    // `clock` must outlive the log and every copy of it.
    Log(const LogOptions& options, const Clock& clock);
    // A log that writes nothing, for tests and tools.
    static Log none();

    // A copy that adds these fields to each line: the request id, the server's name.
    Log with(LogFields fields) const;

    bool on(LogLevel level) const noexcept;
    void error(std::string_view event, LogFields fields = {}) const { write(LogLevel::error, event, fields); }
    void warning(std::string_view event, LogFields fields = {}) const { write(LogLevel::warning, event, fields); }
    void info(std::string_view event, LogFields fields = {}) const { write(LogLevel::info, event, fields); }
    void debug(std::string_view event, LogFields fields = {}) const { write(LogLevel::debug, event, fields); }
    void write(LogLevel level, std::string_view event, LogFields fields) const {
        if (on(level)) writeLine(level, event, fields);
    }

    // For reload; they reach all copies.
    void setLevel(LogLevel level) const noexcept;
    // Opens the file anew (after logrotate moved it away); keeps the old one and throws if that fails.
    void reopen() const;
    std::uint64_t lostLines() const noexcept;

private:
    class Sink;
    Log(std::shared_ptr<Sink> sink, std::string inherited);
    void writeLine(LogLevel level, std::string_view event, LogFields fields) const;

    std::shared_ptr<Sink> sink_;
    std::string inherited_; // the fields of with(), already in the log's format
};

} // namespace pbx
