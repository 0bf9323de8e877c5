// pbxctl doctor: what is wrong between pbxd, its database and its Asterisk servers, each with its remedy.
// Threads: the one that runs the command. Nothing is thrown but what the stream and an unknown --server give: what
// fails is a finding. It changes nothing, but for a variable without a value in Asterisk and one FastAGI question.
#pragma once

#include "base/config.hpp"
#include "render/site.hpp"
#include "storage/database.hpp"

#include <optional>
#include <string>
#include <vector>

namespace pbx::cli {

enum class Verdict { ok, warn, fail };

struct Finding {
    Verdict verdict = Verdict::ok;
    std::string check;  // "main: rights"
    std::string text;   // what was seen
    std::string remedy; // empty: all is well
};

class Findings {
public:
    explicit Findings(std::string subject = {}) : subject_(std::move(subject)) {}

    void ok(std::string check, std::string text) { add(Verdict::ok, std::move(check), std::move(text), ""); }
    void warn(std::string check, std::string text, std::string remedy) {
        add(Verdict::warn, std::move(check), std::move(text), std::move(remedy));
    }
    void fail(std::string check, std::string text, std::string remedy) {
        add(Verdict::fail, std::move(check), std::move(text), std::move(remedy));
    }
    void take(Findings&& more) {
        for (auto& finding : more.all_) all_.push_back(std::move(finding));
    }
    const std::vector<Finding>& all() const { return all_; }

private:
    void add(Verdict verdict, std::string check, std::string text, std::string remedy) {
        all_.push_back({verdict, subject_.empty() ? std::move(check) : subject_ + ": " + check, std::move(text),
                        std::move(remedy)});
    }

    std::string subject_; // the Asterisk
    std::vector<Finding> all_;
};

// Answers whether the tables can be read.
bool examineDatabase(Findings& findings, const Config& config, storage::Database& database);
// The second account of the database, the ODBC driver and odbc.ini.
void examineOdbc(Findings& findings, const Config& config, const render::Machine& machine);
// `site`: what is to be in force there; empty where it is not rendered or the tables cannot be read.
void examineAsterisk(Findings& findings, const Config& config, const std::string& server,
                     const std::optional<render::Site>& site);
// FastAGI, as the rendered dialplan asks.
void examineAgi(Findings& findings, const Config& config, const std::string& server);

// "a, b, c" and, of many, how many more.
std::string namesOf(const std::vector<std::string>& names, std::size_t most = 6);

} // namespace pbx::cli
