// What Asterisk's own call records say of an attempt: the file of cdr_custom.conf (asterisk/cdr_custom.conf), read as
// it grows, from 256 KiB before its end on. Only rows of our own channels are kept, the newest 4096. Threads: one.
// Nothing fails: a file that is not there, or a row that is none, tells nothing.
#pragma once

#include "domain/callback.hpp"

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace pbx::callbacks {

class CdrFile {
public:
    explicit CdrFile(std::string path) : path_(std::move(path)) {}

    // By the attempt's channel id. A row tells that somebody answered, not whether he pressed a key.
    std::optional<domain::CallbackOutcome> outcome(const std::string& channelId);

private:
    void readMore();
    void readFrom(int file);
    void take(std::string_view line);
    void keep(std::string id, domain::CallbackOutcome outcome);

    const std::string path_;
    std::optional<ino_t> inode_; // of the file that offset_ is of
    off_t offset_ = 0;
    bool skipping_ = false; // up to the first whole line
    std::string rest_;      // the begin of a line whose end is not written yet
    std::map<std::string, domain::CallbackOutcome> known_;
    std::deque<std::string> order_; // of known_, oldest first
};

} // namespace pbx::callbacks
