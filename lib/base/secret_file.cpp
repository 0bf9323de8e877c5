#include "base/secret_file.hpp"

#include "base/error.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace pbx {
namespace {

constexpr std::size_t maxBytes = 1024;
constexpr mode_t allowedBits = 0640;

// What samples, guides and other products ship with ("amp111" is FreePBX's AMI password).
constexpr std::array<std::string_view, 11> wellKnown{"changeme", "change-me", "password", "secret",
                                                     "admin",    "asterisk",  "amp111",   "pbxd",
                                                     "default",  "1234",      "12345678"};

struct Descriptor {
    int fd;
    ~Descriptor() {
        if (fd >= 0) ::close(fd);
    }
};

Error fault(std::string problem) { return Error(ErrorCode::invalidArgument, std::move(problem)); }

void checkFile(int fd) {
    struct stat status {};
    if (::fstat(fd, &status) != 0) throw fault("cannot be examined: " + std::generic_category().message(errno));
    if (!S_ISREG(status.st_mode)) throw fault("is not a regular file; name a file");
    if (status.st_uid != 0 && status.st_uid != ::geteuid())
        throw fault("belongs to user id " + std::to_string(status.st_uid) +
                    ", who could change it; chown it to root or to the user that runs this program (id " +
                    std::to_string(::geteuid()) + ")");
    const mode_t mode = status.st_mode & 07777U;
    if ((mode & ~allowedBits) != 0) {
        std::array<char, 8> octal{};
        std::snprintf(octal.data(), octal.size(), "%04o", static_cast<unsigned>(mode));
        throw fault("has mode " + std::string(octal.data()) + ", so that others can read or change it; chmod 0600 it");
    }
}

// Up to `limit` bytes of a file that is as safe as a secret needs.
std::string readUpTo(const std::string& path, std::size_t limit) {
    // O_NONBLOCK: a FIFO without a writer must not hold up the start.
    const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)};
    if (file.fd < 0) throw fault("cannot be opened: " + std::generic_category().message(errno));
    checkFile(file.fd);

    std::string content(limit, '\0'); // never grows, so that no copy stays behind in freed memory
    std::size_t used = 0;
    while (used < content.size()) {
        const auto got = ::read(file.fd, content.data() + used, content.size() - used);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw fault("cannot be read: " + std::generic_category().message(errno));
        if (got == 0) break;
        used += static_cast<std::size_t>(got);
    }
    content.resize(used);
    return content;
}

} // namespace

SecretString readPrivateFile(const std::string& path, std::size_t limit) {
    SecretString content(readUpTo(path, limit + 1));
    if (content.reveal().size() > limit)
        throw fault("is above " + std::to_string(limit) + " bytes; is this the right file?");
    return content;
}

SecretString readSecretFile(const std::string& path) {
    auto content = readUpTo(path, maxBytes + 3);
    if (content.ends_with('\n')) content.pop_back();
    if (content.ends_with('\r')) content.pop_back();
    const SecretString secret(std::move(content));

    if (secret.empty()) throw fault("is empty; put the secret into it");
    if (secret.reveal().size() > maxBytes) throw fault("is too long; one line of at most 1024 bytes");
    if (hasControl(secret.reveal()))
        throw fault("holds more than one line, control characters or bytes that are not UTF-8; one line of text");
    if (std::any_of(wellKnown.begin(), wellKnown.end(),
                    [&](std::string_view known) { return equalsIgnoreCase(known, secret.reveal()); }))
        throw fault("holds a password that everybody knows; make a random one: openssl rand -hex 24");
    return secret;
}

} // namespace pbx
