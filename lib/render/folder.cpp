#include "render/folder.hpp"

#include "base/error.hpp"
#include "render/diff.hpp"
#include "storage/hash.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

namespace pbx::render {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view manifestName = ".pbxd-manifest";
constexpr std::string_view customName = "custom";

[[noreturn]] void refuseSystem(const std::string& what, const fs::path& path, int error) {
    throw Error(ErrorCode::unavailable, what + " " + path.string() + ": " + std::strerror(error));
}

std::optional<std::string> contentOf(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) return std::nullopt;
    return std::string(std::istreambuf_iterator<char>(in), {});
}

// What was written there, by name, with its hash; nullopt: the folder is not ours.
std::optional<std::map<std::string, std::string>> manifestOf(const fs::path& folder) {
    const auto text = contentOf(folder / manifestName);
    if (!text) return std::nullopt;
    std::map<std::string, std::string> out;
    for (std::string_view rest = *text; !rest.empty();) {
        const auto end = rest.find('\n');
        const auto line = rest.substr(0, end);
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        const auto blank = line.find(' ');
        if (blank != std::string_view::npos) out.emplace(line.substr(blank + 1), line.substr(0, blank));
    }
    return out;
}

std::string manifestText(const Files& files) {
    std::string out;
    for (const auto& [name, text] : files) out += storage::hashText({text}) + ' ' + name + '\n';
    return out;
}

void writeFile(const fs::path& path, std::string_view text) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
    if (fd < 0) refuseSystem("cannot write", path, errno);
    int failure = ::fchmod(fd, 0640) == 0 ? 0 : errno; // whatever the umask
    while (!text.empty() && failure == 0) {
        const auto wrote = ::write(fd, text.data(), text.size());
        if (wrote < 0 && errno != EINTR) failure = errno;
        if (wrote > 0) text.remove_prefix(static_cast<std::size_t>(wrote));
    }
    if (failure == 0 && ::fsync(fd) != 0) failure = errno;
    ::close(fd);
    if (failure != 0) refuseSystem("cannot write", path, failure);
}

void sync(const fs::path& folder) {
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) refuseSystem("cannot open", folder, errno);
    const int failure = ::fsync(fd) == 0 ? 0 : errno;
    ::close(fd);
    if (failure != 0) refuseSystem("cannot write", folder, failure);
}

// As `like` belongs to, where that is somebody else: pbxctl may run as root for Asterisk's user.
void giveTo(const fs::path& path, const struct stat& like) {
    if (like.st_uid == ::geteuid() && like.st_gid == ::getegid()) return;
    if (::lchown(path.c_str(), like.st_uid, like.st_gid) != 0) refuseSystem("cannot give away", path, errno);
}

void copyOwned(const fs::path& from, const fs::path& to) {
    fs::copy(from, to, fs::copy_options::recursive | fs::copy_options::copy_symlinks);
    const auto give = [&](const fs::path& source, const fs::path& target) {
        struct stat like {};
        if (::lstat(source.c_str(), &like) != 0) refuseSystem("cannot read", source, errno);
        if (!S_ISLNK(like.st_mode) && ::chmod(target.c_str(), like.st_mode & 07777) != 0)
            refuseSystem("cannot write", target, errno);
        giveTo(target, like);
    };
    give(from, to);
    for (const auto& entry : fs::recursive_directory_iterator(from))
        give(entry.path(), to / fs::relative(entry.path(), from));
}

// Refuses a folder that is not ours, or in which somebody worked since.
void checkBefore(const fs::path& folder, const Files& files, bool force) {
    const auto manifest = manifestOf(folder);
    std::vector<std::string> foreign, touched;
    for (const auto& entry : fs::directory_iterator(folder)) {
        const auto name = entry.path().filename().string();
        if (name == customName || name == manifestName) continue;
        if (!manifest || !manifest->contains(name)) {
            foreign.push_back(name);
            continue;
        }
        const auto text = contentOf(entry.path());
        const auto wanted = files.find(name);
        const bool same = text && wanted != files.end() && *text == wanted->second;
        if (text && !same && storage::hashText({*text}) != manifest->at(name)) touched.push_back(name);
    }
    const auto list = [](std::vector<std::string> names) {
        std::ranges::sort(names);
        std::string out;
        for (std::size_t i = 0; i < std::min<std::size_t>(names.size(), 5); ++i) out += (i ? ", " : "") + names[i];
        return out + (names.size() > 5 ? " and " + std::to_string(names.size() - 5) + " more" : "");
    };
    if (!foreign.empty())
        throw Error(ErrorCode::conflict, folder.string() + " holds what was not rendered (" + list(foreign) +
                                             "): give an empty folder, or move them into its folder custom/");
    if (!touched.empty() && !force)
        throw Error(ErrorCode::conflict, "changed by hand since it was rendered: " + list(touched) + " in " +
                                             folder.string() +
                                             "; move the changes into custom/, or overwrite them by --force");
}

void fillFolder(const fs::path& fresh, const Files& files, const fs::path* before) {
    if (::mkdir(fresh.c_str(), 0750) != 0) refuseSystem("cannot make", fresh, errno);
    for (const auto& [name, text] : files) writeFile(fresh / name, text);
    writeFile(fresh / manifestName, manifestText(files));
    if (before) {
        struct stat like {};
        if (::stat(before->c_str(), &like) != 0) refuseSystem("cannot read", *before, errno);
        for (const auto& entry : fs::directory_iterator(fresh)) giveTo(entry.path(), like);
        if (fs::exists(*before / customName)) copyOwned(*before / customName, fresh / customName);
        if (::chmod(fresh.c_str(), like.st_mode & 0770) != 0) refuseSystem("cannot write", fresh, errno);
        giveTo(fresh, like);
    }
    sync(fresh);
}

void changePlaces(const fs::path& folder, const fs::path& fresh, const fs::path& old) {
    if (::renameat2(AT_FDCWD, fresh.c_str(), AT_FDCWD, folder.c_str(), RENAME_EXCHANGE) != 0)
        refuseSystem("cannot put into place", folder, errno);
    sync(folder.parent_path());
    fs::remove_all(old);
    if (::rename(fresh.c_str(), old.c_str()) != 0) refuseSystem("cannot keep", old, errno);
}

// The targets of #include (not #tryinclude) in a file.
std::vector<std::string> includesOf(const std::string& text) {
    std::vector<std::string> out;
    for (std::string_view rest = text; !rest.empty();) {
        const auto end = rest.find('\n');
        auto line = rest.substr(0, end);
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        constexpr std::string_view directive = "#include";
        if (!line.starts_with(directive)) continue;
        line.remove_prefix(directive.size());
        constexpr std::string_view marks = " \t\"<>\r";
        const auto first = line.find_first_not_of(marks);
        if (first == std::string_view::npos) continue;
        out.emplace_back(line.substr(first, line.find_last_not_of(marks) - first + 1));
    }
    return out;
}

class Checking {
public:
    explicit Checking(const fs::path& folder) : folder_(folder) {}

    std::vector<std::string> run(const Machine& machine) {
        const auto manifest = manifestOf(folder_);
        if (!manifest) {
            say(folder_.string() + " was not rendered: run pbxctl asterisk render --out there");
            return std::move(faults_);
        }
        checkMode(folder_, "the folder");
        for (const auto& [name, hash] : *manifest) {
            const auto text = contentOf(folder_ / name);
            if (!text) {
                say(name + " is missing or cannot be read: render again");
                continue;
            }
            if (storage::hashText({*text}) != hash)
                say(name + " was changed by hand: move the change into custom/" + name + " and render again");
            checkMode(folder_ / name, name);
            checkIncludes(name, *text);
        }
        if (fs::is_directory(folder_ / customName))
            for (const auto& entry : fs::recursive_directory_iterator(folder_ / customName)) {
                const auto name = fs::relative(entry.path(), folder_).string();
                if (entry.is_regular_file())
                    if (const auto text = contentOf(entry.path())) checkIncludes(name, *text);
                if (!entry.is_symlink()) checkMode(entry.path(), name);
            }
        checkSecrets(machine);
        checkLogFolders(machine.directories.log);
        return std::move(faults_);
    }

private:
    void say(std::string fault) { faults_.push_back(std::move(fault)); }

    void checkMode(const fs::path& path, const std::string& name) {
        struct stat info {};
        if (::lstat(path.c_str(), &info) != 0) return;
        if ((info.st_mode & 0007) != 0 || (info.st_mode & 0020) != 0)
            say(name + " can be " + ((info.st_mode & 0022) != 0 ? "changed" : "read") +
                " by others and may hold secrets: chmod " + (S_ISDIR(info.st_mode) ? "0750" : "0640") + ' ' +
                path.string());
    }

    void checkIncludes(const std::string& name, const std::string& text) {
        for (const auto& target : includesOf(text)) {
            const fs::path path = fs::path(target).is_absolute() ? fs::path(target) : folder_ / target;
            const bool pattern = target.find_first_of("*?[") != std::string::npos;
            if (!pattern && !fs::exists(path))
                say(name + " includes " + target + ", which is not there: Asterisk will not read " + name +
                    "; make it, or say #tryinclude");
        }
    }

    // Asterisk makes neither and complains of each call.
    void checkLogFolders(const std::string& configured) {
        const fs::path log = configured.empty() ? "/var/log/asterisk" : configured;
        if (!fs::is_directory(log)) return; // on another machine
        for (const auto* name : {"cdr-custom", "cel-custom"})
            if (!fs::is_directory(log / name))
                say((log / name).string() + " is missing: Asterisk would write no records of calls; make it, for "
                                            "Asterisk's user");
    }

    void checkSecrets(const Machine& machine) {
        if (const auto text = contentOf(folder_ / "extensions.conf")) {
            constexpr std::string_view mark = "/route/";
            for (auto at = text->find(mark); at != std::string::npos; at = text->find(mark, at)) {
                at += mark.size();
                const auto token = std::string_view(*text).substr(at, text->find('?', at) - at);
                if (token == machine.agiToken.reveal()) continue;
                say("extensions.conf has another FastAGI token than agi_token_file: pbxd would not answer; render "
                    "again");
                break;
            }
        }
        const auto text = contentOf(folder_ / "manager.conf");
        if (!text) return;
        checkAccount(*text, machine.amiUser, machine.amiSecret, "secret_file");
        if (!machine.sysSecret.empty()) checkAccount(*text, machine.sysUser, machine.sysSecret, "sys_secret_file");
    }

    void checkAccount(const std::string& text, const std::string& user, const SecretString& secret,
                      const std::string& setting) {
        const auto section = text.find('[' + user + ']');
        std::string wanted = "\nsecret = ";
        for (const char c : secret.reveal()) wanted.append(c == ';' ? "\\;" : std::string(1, c));
        wanted.push_back('\n');
        const auto found = section == std::string::npos ? section : text.find(wanted, section);
        const auto next = section == std::string::npos ? section : text.find("\n[", section);
        if (found == std::string::npos || found > next)
            say("manager.conf has no account " + user + " with the secret of " + setting +
                ": pbxd could not log in; render again");
    }

    const fs::path folder_;
    std::vector<std::string> faults_;
};

// Every file that is there or shall be, by name: what it holds, and what it shall hold (null: gone).
template <class Use>
void eachFile(const fs::path& folder, const Files& files, Use use) {
    std::set<std::string> names;
    for (const auto& [name, text] : files) names.insert(name);
    if (const auto manifest = manifestOf(folder))
        for (const auto& [name, hash] : *manifest) names.insert(name);
    for (const auto& name : names) {
        const auto wanted = files.find(name);
        use(name, contentOf(folder / name), wanted == files.end() ? nullptr : &wanted->second);
    }
}

fs::path resolved(const std::string& path) {
    std::error_code error;
    auto out = fs::weakly_canonical(fs::absolute(path), error);
    if (error) refuseSystem("cannot find", path, error.value());
    return out;
}

} // namespace

void writeFolder(const std::string& path, const Files& files, bool force) {
    try {
        const auto folder = resolved(path); // a link is followed: what it names is replaced
        const fs::path fresh = folder.string() + ".pbxd-new", old = folder.string() + ".pbxd-old";
        const bool exists = fs::exists(folder);
        if (exists) checkBefore(folder, files, force);
        fs::remove_all(fresh); // of a run that was broken off
        fillFolder(fresh, files, exists ? &folder : nullptr);
        if (exists)
            changePlaces(folder, fresh, old);
        else if (::rename(fresh.c_str(), folder.c_str()) != 0)
            refuseSystem("cannot put into place", folder, errno);
        sync(folder.parent_path());
    } catch (const fs::filesystem_error& e) {
        refuseSystem("cannot write", e.path1(), e.code().value());
    }
}

void restoreFolder(const std::string& path) {
    try {
        const auto folder = resolved(path);
        const fs::path old = folder.string() + ".pbxd-old", refused = folder.string() + ".pbxd-refused";
        if (!fs::exists(old))
            throw Error(ErrorCode::conflict, "there is no " + old.string() + " that could be put back into place");
        changePlaces(folder, old, refused);
        sync(folder.parent_path());
    } catch (const fs::filesystem_error& e) {
        refuseSystem("cannot write", e.path1(), e.code().value());
    }
}

std::vector<std::string> changedFiles(const std::string& path, const Files& files) {
    const auto folder = resolved(path);
    std::vector<std::string> out;
    eachFile(folder, files,
             [&](const std::string& name, const std::optional<std::string>& before, const std::string* after) {
                 if (!before || !after || *before != *after) out.push_back(name);
             });
    return out;
}

std::string compareFolder(const std::string& path, const Files& files) {
    const auto folder = resolved(path);
    std::string out;
    eachFile(folder, files,
             [&](const std::string& name, const std::optional<std::string>& before, const std::string* after) {
                 out += unifiedDiff(name, before.value_or(""), after ? *after : "");
             });
    return out;
}

std::vector<std::string> checkFolder(const std::string& path, const Machine& machine) {
    try {
        return Checking(resolved(path)).run(machine);
    } catch (const fs::filesystem_error& e) {
        refuseSystem("cannot read", e.path1(), e.code().value());
    }
}

} // namespace pbx::render
