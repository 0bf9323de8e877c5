// For the tests of pbxctl: a pbxd of which only the HTTP port and the XML-RPC codec are real, and whole command lines
// run in this process with streams and environment of their own.
// Threads: FakePbxd answers on its own threads; set `answer` before a command runs. Throws when no port is free.
#pragma once

#include "cli/app.hpp"
#include "ops/door.hpp"
#include "xmlrpc-server/codec.hpp"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace pbx::cli::test {

struct SeenRequest {
    std::string path, authorization, body;
};

class FakePbxd {
public:
    using Answer =
        std::function<ops::Outcome(const ops::Operation&, const ops::Value& params, const ops::CommonParams& common)>;
    // `tlsCertificate` and `tlsKey`: PEM files; empty for plain HTTP.
    explicit FakePbxd(const std::string& tlsCertificate = {}, const std::string& tlsKey = {});
    ~FakePbxd();

    std::string url() const;
    std::string host() const; // "127.0.0.1:34567"
    std::vector<SeenRequest> requests() const;

    Answer answer; // empty: the result as made, with nothing set
    // Instead of an answer of the codec: status, content type, body.
    struct Raw {
        int status = 200;
        std::string contentType, body;
    };
    std::optional<Raw> raw;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

struct Finished {
    int code = -1;
    std::string out, err;
};

struct Setting {
    std::map<std::string, std::string, std::less<>> environment;
    std::string input;
    bool terminal = false;
    bool colours = false;
    std::size_t columns = 80;
    std::vector<std::string> answers; // to the questions for secrets, in order; empty: nobody can be asked
    std::vector<std::string>* questions = nullptr;
};

Finished runCli(const std::vector<std::string>& arguments, const Setting& setting);
// With what points to `pbxd` and a token in the environment.
Setting at(const FakePbxd& pbxd);

} // namespace pbx::cli::test
