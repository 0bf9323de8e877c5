#include "base/log.hpp"

#include "base/error.hpp"
#include "base/text.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <fcntl.h>
#include <mutex>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace pbx {
namespace {

constexpr std::array<std::string_view, 4> levelNames{"error", "warning", "info", "debug"};
constexpr std::string_view cutMark = "...";
constexpr int levelOff = -1;

template <class Number>
void appendNumber(std::string& out, Number number) {
    std::array<char, 32> buffer{};
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number);
    out.append(buffer.data(), end.ptr);
}

// At most maxValueBytes, never in the middle of a character.
std::string_view cut(std::string_view value) {
    if (value.size() <= Log::maxValueBytes) return value;
    std::size_t end = Log::maxValueBytes;
    while (end > 0 && (static_cast<unsigned char>(value[end]) & 0xC0U) == 0x80) --end;
    return value.substr(0, end);
}

bool isBare(std::string_view value) {
    if (value.empty()) return false;
    for (const char c : value)
        if (c <= ' ' || c > '~' || c == '"' || c == '\\' || c == '=') return false;
    return true;
}

void appendText(std::string& out, std::string_view value, LogFormat format) {
    const auto shown = cut(value);
    if (format == LogFormat::text && shown.size() == value.size() && isBare(value)) {
        out += value;
        return;
    }
    out += '"';
    appendPrintable(out, shown);
    if (shown.size() != value.size()) out += cutMark;
    out += '"';
}

void appendValue(std::string& out, const LogField::Value& value, LogFormat format) {
    if (const auto* text = std::get_if<std::string_view>(&value)) return appendText(out, *text, format);
    if (const auto* time = std::get_if<UtcTime>(&value)) return appendText(out, formatRfc3339(*time), format);
    if (const auto* flag = std::get_if<bool>(&value)) {
        out += *flag ? "true" : "false";
    } else if (const auto* real = std::get_if<double>(&value)) {
        if (std::isfinite(*real))
            appendNumber(out, *real);
        else
            out += "null"; // JSON has no word for it
    } else if (const auto* whole = std::get_if<std::int64_t>(&value)) {
        appendNumber(out, *whole);
    } else {
        appendNumber(out, std::get<std::uint64_t>(value));
    }
}

void appendFields(std::string& out, LogFields fields, LogFormat format) {
    for (const auto& field : fields) {
        if (format == LogFormat::json) {
            out += ",\"";
            appendPrintable(out, field.key());
            out += "\":";
        } else {
            out += ' ';
            appendPrintable(out, field.key());
            out += '=';
        }
        appendValue(out, field.value(), format);
    }
}

int openFile(const std::string& path) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
    if (fd < 0)
        throw Error(ErrorCode::unavailable, "the log file cannot be opened")
            .because(path + ": " + std::generic_category().message(errno));
    return fd;
}

} // namespace

std::string_view logLevelText(LogLevel level) { return levelNames[static_cast<std::size_t>(level)]; }

std::optional<LogLevel> parseLogLevel(std::string_view text) {
    for (std::size_t i = 0; i < levelNames.size(); ++i)
        if (levelNames[i] == text) return static_cast<LogLevel>(i);
    return std::nullopt;
}

std::optional<LogFormat> parseLogFormat(std::string_view text) {
    if (text == "text") return LogFormat::text;
    if (text == "json") return LogFormat::json;
    return std::nullopt;
}

// Where the lines go. The lock keeps a line that needs more than one write(2) (a full pipe) in one piece.
class Log::Sink {
public:
    Sink() : clock(nullptr), format(LogFormat::text), fd_(-1), level_(levelOff) {}
    Sink(const LogOptions& options, const Clock& theClock)
        : clock(&theClock), format(options.format), file_(options.file),
          fd_(file_.empty() ? options.fd : openFile(file_)),
          level_(fd_ < 0 ? levelOff : static_cast<int>(options.level)) {}
    ~Sink() {
        if (!file_.empty()) ::close(fd_);
    }
    Sink(const Sink&) = delete;
    Sink& operator=(const Sink&) = delete;

    bool on(LogLevel level) const noexcept { return static_cast<int>(level) <= level_.load(std::memory_order_relaxed); }
    void setLevel(LogLevel level) noexcept {
        if (level_.load() != levelOff) level_.store(static_cast<int>(level), std::memory_order_relaxed);
    }

    void reopen() {
        if (file_.empty()) return;
        const int fresh = openFile(file_);
        const std::lock_guard lock(mutex_);
        ::close(std::exchange(fd_, fresh));
    }

    void put(std::string_view line) noexcept {
        const std::lock_guard lock(mutex_);
        while (!line.empty()) {
            const auto written = ::write(fd_, line.data(), line.size());
            if (written < 0 && errno == EINTR) continue;
            if (written <= 0) {
                lost_.fetch_add(1, std::memory_order_relaxed);
                return;
            }
            line.remove_prefix(static_cast<std::size_t>(written));
        }
    }
    std::uint64_t lost() const noexcept { return lost_.load(std::memory_order_relaxed); }

    const Clock* const clock;
    const LogFormat format;

private:
    std::mutex mutex_;
    const std::string file_;
    int fd_;
    std::atomic<int> level_;
    std::atomic<std::uint64_t> lost_{0};
};

Log::Log(const LogOptions& options, const Clock& clock) : sink_(std::make_shared<Sink>(options, clock)) {}
Log::Log(std::shared_ptr<Sink> sink, std::string inherited)
    : sink_(std::move(sink)), inherited_(std::move(inherited)) {}
Log Log::none() { return Log(std::make_shared<Sink>(), {}); }

Log Log::with(LogFields fields) const {
    auto inherited = inherited_;
    appendFields(inherited, fields, sink_->format);
    return Log(sink_, std::move(inherited));
}

bool Log::on(LogLevel level) const noexcept { return sink_->on(level); }
void Log::setLevel(LogLevel level) const noexcept { sink_->setLevel(level); }
void Log::reopen() const { sink_->reopen(); }
std::uint64_t Log::lostLines() const noexcept { return sink_->lost(); }

void Log::writeLine(LogLevel level, std::string_view event, LogFields fields) const {
    const auto format = sink_->format;
    const auto time = formatRfc3339(sink_->clock->now(), Fraction::always);
    std::string line;
    line.reserve(256);
    if (format == LogFormat::json) {
        line += "{\"time\":\"";
        line += time;
        line += "\",\"level\":\"";
        line += logLevelText(level);
        line += "\",\"event\":\"";
        appendPrintable(line, event);
        line += '"';
    } else {
        line += time;
        line += ' ';
        line += logLevelText(level);
        line += ' ';
        appendPrintable(line, event);
    }
    line += inherited_;
    appendFields(line, fields, format);
    line += format == LogFormat::json ? "}\n" : "\n";
    sink_->put(line);
}

} // namespace pbx
