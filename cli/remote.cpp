#include "cli/remote.hpp"

#include "base/text.hpp"
#include "cli/output.hpp"
#include "cli/text.hpp"
#include "cli/words.hpp"
#include "ops/catalogue/directory.hpp"
#include "ops/catalogue/live.hpp"
#include "ops/json.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <limits>
#include <ostream>

namespace pbx::cli {
namespace {

constexpr std::int32_t itemsByDefault = 1000;

// "wrapup_seconds: must be ..." in the words of the command line.
[[noreturn]] void refuseOption(const Command& command, const Error& error) {
    const auto option = error.field().empty() ? std::nullopt : optionOfField(command, error.field());
    if (!option) throw error;
    throw Error(ErrorCode::invalidArgument,
                *option + error.text().substr(std::min(error.text().size(), error.field().size())));
}

void readValues(const ops::Field& field, const std::vector<std::string>& values, void* owner) {
    const std::string what(field.name);
    void* made = field.make(owner);
    if (!field.list) return readText(field, what, values.front(), made);
    if (values.size() == 1 && values.front().empty()) return;
    for (std::size_t i = 0; i < values.size(); ++i)
        readText(field, what + '[' + std::to_string(i) + ']', values[i], field.append(made));
}

SecretString secretFor(const ops::Field& field, const Parsed& parsed, const Console& console) {
    const auto option = kebab(field.name) + "-file";
    if (const auto file = parsed.value(option)) return readSecretOption(console, "--" + option, *file);
    if (!console.interactive)
        throw Error(ErrorCode::invalidArgument, "--" + option + " is missing, and there is no terminal to ask on");
    const auto whose = parsed.positional ? parsed.positional : parsed.value("login");
    return askNewSecret(console, std::string(field.name) + (whose ? " of " + terminalText(*whose) : ""));
}

// All pages of a list, kept until all are there: a table needs every row for its widths.
class Pages {
public:
    Pages(const Command& command, Client& client, const ops::CommonParams& common)
        : operation_(*command.operation), client_(client), common_(common) {}

    // `most` items at most.
    void fetch(ops::Value params, std::size_t most) {
        std::size_t count = 0;
        for (;;) {
            const auto wanted = std::min<std::size_t>(most - count, pageSize);
            *static_cast<std::int32_t*>(params.type().find("limit")->make(params.get())) =
                static_cast<std::int32_t>(wanted);
            pages_.push_back(client_.call(operation_, params, common_));
            count += itemCount(pages_.back());
            const auto* next = static_cast<const std::string*>(field("next").get(pages_.back().get()));
            if (!next || itemCount(pages_.back()) == 0) return;
            if (count >= most) {
                more_ = true;
                return;
            }
            *static_cast<std::string*>(params.type().find("after")->make(params.get())) = *next;
        }
    }

    const ops::Value& last() const { return pages_.back(); }
    bool more() const noexcept { return more_; }
    std::vector<const void*> items() const {
        std::vector<const void*> out;
        for (const auto& page : pages_) {
            const void* list = field("items").get(page.get());
            for (std::size_t i = 0; i < itemCount(page); ++i) out.push_back(field("items").item(list, i));
        }
        return out;
    }
    const ops::TypeDesc& itemType() const { return field("items").object(); }

    // As the JSON face would answer it, had it no limit a page: `as_of`, `stale` and `next` of the last page.
    std::string json() const {
        const auto& last = pages_.back();
        std::string all = "{\"items\":[";
        bool first = true;
        for (const auto* item : items()) {
            if (!first) all += ',';
            first = false;
            ops::appendJson(all, itemType(), item);
        }
        all += ']';
        for (const std::string_view name : {"next", "as_of", "stale"}) {
            const auto* value = field(name).get(last.get());
            if (!value) continue;
            all.append(",\"").append(name).append("\":");
            appendScalar(all, field(name), value);
        }
        return all + '}';
    }

private:
    static constexpr std::size_t pageSize = 500;

    static void appendScalar(std::string& out, const ops::Field& described, const void* value) {
        if (described.kind == ops::Kind::boolean) {
            out += *static_cast<const bool*>(value) ? "true" : "false";
            return;
        }
        out += '"';
        appendJsonEscaped(out, cellText(described, value));
        out += '"';
    }
    const ops::Field& field(std::string_view name) const { return *operation_.result().find(name); }
    std::size_t itemCount(const ops::Value& page) const { return field("items").size(field("items").get(page.get())); }

    const ops::Operation& operation_;
    Client& client_;
    const ops::CommonParams& common_;
    std::vector<ops::Value> pages_;
    bool more_ = false;
};

void sayStale(const Console& console, const ops::Value& answer) {
    const auto* stale = answer.type().find("stale");
    const auto* asOf = answer.type().find("as_of");
    if (!stale || !asOf) return;
    const auto* flag = static_cast<const bool*>(stale->get(answer.get()));
    if (flag && *flag)
        console.err << "pbxctl: warning: this may be behind: the link to Asterisk is down or not in step (as of "
                    << cellText(*asOf, asOf->get(answer.get())) << ")\n";
}

int runPaged(const Command& command, const Parsed& parsed, const Console& console, ops::Value params) {
    std::size_t most = itemsByDefault;
    if (const auto limit = parsed.value("limit")) {
        const auto number = wholeNumber("limit", *limit);
        if (number < 1) throw Error(ErrorCode::invalidArgument, "--limit: must be 1 or more");
        most = static_cast<std::size_t>(number);
    }
    if (parsed.has("all")) {
        if (parsed.has("limit")) throw Error(ErrorCode::invalidArgument, "--all and --limit exclude each other");
        most = std::numeric_limits<std::size_t>::max();
    }
    const auto settings = clientSettings(parsed, console);
    const auto common = commonOf(parsed, settings);
    Client client(settings);
    Pages pages(command, client, common);
    pages.fetch(std::move(params), most);
    if (settings.form == Form::json)
        writeJson(console, pages.json());
    else if (settings.form == Form::csv)
        writeCsv(console, tableOf(pages.itemType(), pages.items()));
    else {
        writeItems(console, pages.itemType(), pages.items());
        if (console.outTerminal && pages.items().empty()) console.err << "nothing to list\n";
    }
    sayStale(console, pages.last());
    if (pages.more() && !parsed.has("limit"))
        console.err << "pbxctl: there is more than these " << most << " items; --all lists them\n";
    return 0;
}

std::chrono::seconds patienceOf(const ops::Value& params) {
    const auto* wait = params.type().find("wait_seconds");
    const auto* value = wait ? static_cast<const std::int32_t*>(wait->get(params.get())) : nullptr;
    return std::chrono::seconds(value ? *value : 0);
}

// "PJSIP/Via-Talk_101" → "via-talk-101": what a name with us may look like.
std::string slugOf(std::string_view asteriskName) {
    const auto slash = asteriskName.rfind('/');
    std::string out;
    for (const char c : asteriskName.substr(slash == std::string_view::npos ? 0 : slash + 1)) {
        const bool kept = std::isalnum(static_cast<unsigned char>(c)) != 0;
        if (kept)
            out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        else if (!out.empty() && !out.ends_with('-'))
            out += '-';
    }
    while (out.ends_with('-')) out.pop_back();
    return out;
}

// The server that has what is to be adopted; it must be among what belongs to nobody.
std::string serverOf(Client& client, std::string_view kind, const std::string& name,
                     const std::optional<std::string>& server) {
    std::vector<std::string> found;
    ops::PageParams page;
    page.limit = ops::maxPage;
    do {
        const auto answer = client.call<ops::SystemUnmapped>(page, {});
        for (const auto& row : answer.items)
            if (row.kind == kind && row.name == name && (!server || row.server == *server)) found.push_back(row.server);
        page.after = answer.next;
    } while (page.after);
    if (found.empty())
        throw Refusal(ErrorCode::notFound,
                      "no " + std::string(kind) + " \"" + terminalText(name) + "\" that belongs to nobody" +
                          (server ? " on " + terminalText(*server) : ""),
                      {}, "pbxctl system unmapped lists those that there are");
    if (found.size() > 1)
        throw Error(ErrorCode::invalidArgument, "--server: several servers have it; name one of " + found[0] + ", " +
                                                    found[1] + (found.size() > 2 ? ", ..." : ""));
    return found.front();
}

template <class Op>
void createAdopted(Client& client, const Console& console, const Command& adopt, typename Op::Params params,
                   const ops::CommonParams& common) {
    try {
        ops::validate(Op::Params::describe(), &params);
    } catch (const Error& error) {
        refuseOption(adopt, error);
    }
    auto row = client.call<Op>(std::move(params), common);
    writeValue(console, client.settings().form, ops::Value::of(std::move(row)));
}

} // namespace

ops::Value paramsOf(const Command& command, const Parsed& parsed, const Console& console) {
    auto params = command.operation->makeParams();
    const bool paged = isPaged(*command.operation);
    try {
        const auto* subject = subjectOf(*command.operation);
        for (const auto& field : params.type().fields) {
            if (field.limits.secret) continue;
            if (paged && field.name == "limit") continue; // over all pages; each page's is set when it is asked for
            if (&field == subject && parsed.positional)
                readValues(field, {*parsed.positional}, params.get());
            else if (const auto given = parsed.values.find(kebab(field.name)); given != parsed.values.end())
                readValues(field, given->second, params.get());
        }
        ops::CommonParams common;
        common.tenant = parsed.value("tenant");
        common.idempotencyKey = parsed.value("idempotency-key");
        ops::validate(ops::CommonParams::describe(), &common);
        // Last: nobody is asked for a password only to be told that the rest was wrong.
        for (const auto& field : params.type().fields)
            if (field.limits.secret && (!field.optional || parsed.value(kebab(field.name) + "-file")))
                *static_cast<std::string*>(field.make(params.get())) = secretFor(field, parsed, console).reveal();
        ops::validate(params.type(), params.get());
    } catch (const Error& error) {
        refuseOption(command, error);
    }
    return params;
}

ops::CommonParams commonOf(const Parsed& parsed, const ClientSettings& settings) {
    ops::CommonParams common;
    common.tenant = settings.tenant;
    common.idempotencyKey = parsed.value("idempotency-key");
    return common;
}

int runOperation(const Command& command, const Parsed& parsed, const Console& console) {
    auto params = paramsOf(command, parsed, console);
    if (isPaged(*command.operation)) return runPaged(command, parsed, console, std::move(params));
    const auto settings = clientSettings(parsed, console);
    Client client(settings);
    const auto answer = client.call(*command.operation, params, commonOf(parsed, settings), patienceOf(params));
    writeValue(console, settings.form, answer);
    sayStale(console, answer);
    return 0;
}

int runAdopt(const Parsed& parsed, const Console& console) {
    const auto queue = parsed.value("queue");
    const auto interface = parsed.value("interface");
    if (queue.has_value() == interface.has_value())
        throw Error(ErrorCode::invalidArgument, "name either --queue or --interface; see pbxctl asterisk adopt --help");
    const auto settings = clientSettings(parsed, console);
    if (!settings.tenant) throw Error(ErrorCode::invalidArgument, "--tenant is missing: whose shall it be?");
    const std::vector<std::string> path{"asterisk", "adopt"};
    const auto& adopt = *findCommand(path);
    const auto& asteriskName = queue ? *queue : *interface;
    const auto name = parsed.value("name").value_or(slugOf(asteriskName));
    const auto title = parsed.value("title").value_or(name);
    Client client(settings);
    const auto common = commonOf(parsed, settings);
    const auto server = serverOf(client, queue ? "queue" : "interface", asteriskName, parsed.value("server"));
    if (queue)
        createAdopted<ops::QueueCreate>(client, console, adopt,
                                        {.name = name,
                                         .title = title,
                                         .server = server,
                                         .asteriskName = asteriskName,
                                         .department = parsed.value("department"),
                                         .wrapupSeconds = {}},
                                        common);
    else
        createAdopted<ops::AgentCreate>(client, console, adopt,
                                        {.name = name,
                                         .title = title,
                                         .server = server,
                                         .interface = asteriskName,
                                         .department = parsed.value("department")},
                                        common);
    return 0;
}

} // namespace pbx::cli
