#include "callbacks/cdr_file.hpp"

#include "callbacks/originate.hpp"

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace pbx::callbacks {
namespace {

using domain::CallbackOutcome;

constexpr off_t tailBytes = 256 * 1024;
constexpr std::size_t mostBytes = 1024 * 1024; // at one look
constexpr std::size_t longestLine = 16 * 1024;
constexpr std::size_t mostKept = 4096;

// As asterisk/cdr_custom.conf orders them.
constexpr std::size_t columns = 18, uniqueid = 1, dcontext = 7, dstchannel = 9, disposition = 16;

// Each field in quotes, a quote in it doubled; empty: not such a line.
std::vector<std::string> fieldsOf(std::string_view line) {
    std::vector<std::string> out;
    std::size_t at = 0;
    while (at < line.size()) {
        if (line[at] != '"') return {};
        std::string field;
        for (++at;; ++at) {
            if (at >= line.size()) return {};
            if (line[at] != '"')
                field += line[at];
            else if (at + 1 < line.size() && line[at + 1] == '"')
                field += line[at++];
            else
                break;
        }
        out.push_back(std::move(field));
        if (++at == line.size()) return out;
        if (line[at++] != ',') return {};
    }
    return {};
}

std::optional<CallbackOutcome> outcomeOf(std::string_view text) {
    if (text == "ANSWERED") return CallbackOutcome::reached;
    if (text == "BUSY") return CallbackOutcome::busy;
    if (text == "NO ANSWER") return CallbackOutcome::noAnswer;
    if (text == "FAILED" || text == "CONGESTION") return CallbackOutcome::unreachable;
    return std::nullopt;
}

class File {
public:
    explicit File(const std::string& path) : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
    ~File() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    int get() const noexcept { return descriptor_; }

private:
    const int descriptor_;
};

} // namespace

std::optional<CallbackOutcome> CdrFile::outcome(const std::string& channelId) {
    if (path_.empty()) return std::nullopt;
    readMore();
    const auto found = known_.find(channelId);
    return found == known_.end() ? std::nullopt : std::optional(found->second);
}

void CdrFile::readMore() {
    const File file(path_);
    struct ::stat now {};
    if (file.get() < 0 || ::fstat(file.get(), &now) != 0 || !S_ISREG(now.st_mode)) return;
    if (inode_ != now.st_ino || now.st_size < offset_) { // the first look, or it was rotated
        inode_ = now.st_ino;
        offset_ = std::max<off_t>(0, now.st_size - tailBytes);
        skipping_ = offset_ > 0;
        rest_.clear();
    }
    if (now.st_size > offset_) readFrom(file.get());
}

void CdrFile::readFrom(int file) {
    std::array<char, 64 * 1024> buffer;
    for (std::size_t total = 0; total < mostBytes;) {
        const auto got = ::pread(file, buffer.data(), buffer.size(), offset_);
        if (got <= 0) break;
        offset_ += got;
        total += static_cast<std::size_t>(got);
        rest_.append(buffer.data(), static_cast<std::size_t>(got));
        std::size_t from = 0;
        for (std::size_t end; (end = rest_.find('\n', from)) != std::string::npos; from = end + 1) {
            if (!std::exchange(skipping_, false)) take(std::string_view(rest_).substr(from, end - from));
        }
        rest_.erase(0, from);
        if (rest_.size() > longestLine) { // nothing that cdr_custom writes
            rest_.clear();
            skipping_ = true;
        }
    }
}

void CdrFile::take(std::string_view line) {
    const auto fields = fieldsOf(line);
    // The half that waits in the queue has dialled the agent; the other went on from the gate into its tenant's
    // context.
    if (fields.size() != columns || fields[dcontext] == queueContext || fields[dstchannel].empty()) return;
    const auto channel = domain::parseCallbackChannelId(fields[uniqueid]);
    const auto outcome = outcomeOf(fields[disposition]);
    if (channel && outcome) keep(domain::callbackChannelId(channel->id, channel->attempt), *outcome);
}

void CdrFile::keep(std::string id, CallbackOutcome outcome) {
    const auto [place, fresh] = known_.try_emplace(id, outcome);
    if (!fresh) {
        if (outcome == CallbackOutcome::reached) place->second = outcome; // one row for each telephone that rang
        return;
    }
    order_.push_back(std::move(id));
    if (order_.size() <= mostKept) return;
    known_.erase(order_.front());
    order_.pop_front();
}

} // namespace pbx::callbacks
