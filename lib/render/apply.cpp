#include "render/apply.hpp"

#include "base/error.hpp"
#include "render/folder.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <thread>

namespace pbx::render {
namespace {

using Ms = std::chrono::milliseconds;

constexpr Ms pause{200};

// Which of Asterisk's parts read a file, in the order in which they are to read anew. Source: loader.c (reload_classes)
// for the names without ".so", the modules' own reload functions for the others. A file without a part is read when
// Asterisk starts.
struct Reader {
    std::string_view file, part;
};
constexpr std::array readers{Reader{"acl.conf", "acl"},
                             Reader{"logger.conf", "logger"},
                             Reader{"http.conf", "http"},
                             Reader{"udptl.conf", "udptl"},
                             Reader{"indications.conf", "indications"},
                             Reader{"extconfig.conf", "extconfig"},
                             Reader{"manager.conf", "manager"},
                             Reader{"features.conf", "features"},
                             Reader{"cdr.conf", "cdr"},
                             Reader{"cel.conf", "cel"},
                             Reader{"cdr_custom.conf", "cdr_custom.so"},
                             Reader{"cel_custom.conf", "cel_custom.so"},
                             Reader{"musiconhold.conf", "res_musiconhold.so"},
                             Reader{"rtp.conf", "res_rtp_asterisk.so"},
                             Reader{"res_odbc.conf", "res_odbc.so"},
                             Reader{"func_odbc.conf", "func_odbc.so"},
                             Reader{"pjsip.conf", "res_pjsip.so"},
                             Reader{"pjsip.conf", "res_pjsip_authenticator_digest.so"},
                             Reader{"pjsip.conf", "res_pjsip_endpoint_identifier_ip.so"},
                             Reader{"pjsip.conf", "res_pjsip_outbound_registration.so"},
                             Reader{"queues.conf", "app_queue.so"},
                             Reader{"queuerules.conf", "app_queue.so"},
                             Reader{"extensions.conf", "pbx_config.so"}};
// Without these there is no call centre: that they are not there is no matter of a restart.
constexpr std::array<std::string_view, 3> needed{"res_pjsip.so", "app_queue.so", "pbx_config.so"};

bool within(const std::vector<std::string>& names, std::string_view name) {
    return std::ranges::find(names, name) != names.end();
}

[[noreturn]] void refuse(const std::string& what, const std::string& words) {
    throw Error(ErrorCode::conflict, what + (words.empty() ? "" : ": " + words));
}

// Names of sections made from a template: "[viatalk-101](pbxd-phone)".
std::set<std::string> sectionsOf(const Files& files, std::string_view file, std::string_view base) {
    std::set<std::string> out;
    const auto found = files.find(std::string(file));
    if (found == files.end()) return out;
    const auto end = "](" + std::string(base) + ")";
    for (std::string_view rest = found->second; !rest.empty();) {
        const auto line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        if (line.starts_with('[') && line.ends_with(end)) out.emplace(line.substr(1, line.size() - 1 - end.size()));
    }
    return out;
}

class Applying {
public:
    Applying(const Ask& ask, Ms patience) : ask_(ask), patience_(patience) {}

    // Asterisk's own reader of such files, which follows their includes: what it cannot read it would not take.
    void parse(const std::vector<std::string>& names) {
        for (const auto& name : names) {
            if (!name.ends_with(".conf")) continue;
            // No section is called so: the content stays where it is.
            const auto answer =
                ask_(ami::Action("GetConfigJSON").set("Filename", name).set("Category", "pbxd-no-such"));
            if (!answer.ok && answer.text.find("invalid") != std::string::npos)
                refuse("Asterisk cannot read " + name + " (look into its custom/ part)", answer.text);
        }
    }

    // Answers what is read at Asterisk's start alone.
    std::vector<std::string> reload(const std::vector<std::string>& names) {
        std::vector<std::string> restart;
        for (const auto& name : names)
            if (std::ranges::none_of(readers, [&](const Reader& reader) { return reader.file == name; }))
                restart.push_back(name);
        std::set<std::string_view> done;
        for (const auto& reader : readers)
            if (within(names, reader.file) && done.insert(reader.part).second && !reloadPart(reader.part) &&
                !within(restart, reader.file))
                restart.emplace_back(reader.file);
        return restart;
    }

    void requireInForce(const Files& files) {
        requireStamp(stampOf(files));
        auto endpoints = sectionsOf(files, "pjsip.conf", "pbxd-phone");
        endpoints.merge(sectionsOf(files, "pjsip.conf", "pbxd-trunk"));
        requireAll(endpoints, "PJSIPShowEndpoints", "ObjectName", "phone or trunk");
        requireAll(sectionsOf(files, "queues.conf", "pbxd-queue"), "QueueSummary", "Queue", "queue");
    }

private:
    // False: that part is not loaded, and will be when Asterisk starts anew.
    bool reloadPart(std::string_view part) {
        for (const auto until = std::chrono::steady_clock::now() + patience_;;) {
            const auto answer = ask_(ami::Action("Reload").set("Module", part));
            if (answer.ok) return true;
            const bool busy = answer.text.find("in progress") != std::string::npos;
            if (busy && std::chrono::steady_clock::now() < until) {
                std::this_thread::sleep_for(pause);
                continue;
            }
            const bool absent = answer.text == "No such module" || answer.text == "Module not initialized" ||
                                answer.text == "Module does not support reload";
            if (absent && std::ranges::find(needed, part) == needed.end()) return false;
            refuse("Asterisk did not reload " + std::string(part), answer.text);
        }
    }

    void requireStamp(const std::string& stamp) {
        const auto answer = ask_(ami::Action("ShowDialPlan").set("Context", stampContext).set("Extension", stamp));
        if (!answer.ok)
            refuse("Asterisk did not take the new dialplan (its log has the reason; look into custom/extensions.conf)",
                   answer.text);
    }

    // PJSIP makes its objects behind the answer to a reload.
    void requireAll(const std::set<std::string>& wanted, std::string_view action, std::string_view key,
                    std::string_view what) {
        if (wanted.empty()) return;
        for (const auto until = std::chrono::steady_clock::now() + patience_;;) {
            auto missing = wanted;
            const auto answer = ask_(ami::Action(action));
            for (const auto& item : answer.items)
                if (const auto name = item.find(key); name != item.end()) missing.erase(name->second);
            if (missing.empty()) return;
            if (std::chrono::steady_clock::now() >= until)
                refuse("Asterisk has no " + std::string(what) + ' ' + *missing.begin() +
                           " after the reload; its log has the reason",
                       answer.ok ? "" : answer.text);
            std::this_thread::sleep_for(pause);
        }
    }

    const Ask& ask_;
    const Ms patience_;
};

Answer::Fields fieldsOf(const ami::Message& message) {
    Answer::Fields out;
    for (const auto& header : message.headers()) out.emplace(header.key, header.value);
    return out;
}

// The folder of before, read by Asterisk again. Answers what is to be said of it.
std::string takeBack(Applying& asterisk, const std::string& folder, const std::vector<std::string>& names) {
    try {
        restoreFolder(folder);
    } catch (const Error& error) {
        return "; and the files of before could not be put back: " + error.text();
    }
    const auto kept = "; the refused files are in " + folder + ".pbxd-refused, those of before in place again";
    try {
        asterisk.reload(names);
        return kept + " and in force";
    } catch (const Error& error) {
        return kept + ", but Asterisk did not read them: " + error.text();
    }
}

} // namespace

void Answer::add(const ami::Message& item) { items.push_back(fieldsOf(item)); }

std::optional<Error> Answer::end(const ami::Result& result) {
    if (!result.message) return result.error();
    ok = result.ok();
    text = result.message->get("Message");
    fields = fieldsOf(*result.message);
    return std::nullopt;
}

Applied apply(const std::string& folder, const Files& files, const ApplyOptions& options, const Ask& ask) {
    Applied out{changedFiles(folder, files), {}};
    const bool write = !out.changed.empty();
    if (!write && !options.reread) return out;
    std::vector<std::string> names = out.changed;
    if (!write)
        for (const auto& [name, text] : files) names.push_back(name);

    ask(ami::Action("Ping")); // before anything is written: without Asterisk nothing is applied
    if (write) writeFolder(folder, files, options.force);
    Applying asterisk(ask, options.patience);
    try {
        asterisk.parse(names);
        const auto restart = asterisk.reload(names);
        asterisk.requireInForce(files);
        if (write) out.needRestart = restart;
        return out;
    } catch (const Error& error) {
        if (!write) throw;
        throw Error(error.code(), error.text() + takeBack(asterisk, folder, names)).because(error.cause());
    }
}

} // namespace pbx::render
