#include "daemon/file_checks.hpp"

#include "base/error.hpp"
#include "daemon/settings_table.hpp"
#include "link/socket.hpp"
#include "web/front.hpp"

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <string>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace pbx::daemon {
namespace {

std::string errnoText(int number) { return std::generic_category().message(number); }

// The rights of the effective user, as open(2) judges them. Errno's number, or 0.
int accessProblem(const std::string& path, int mode) {
    return ::faccessat(AT_FDCWD, path.c_str(), mode, AT_EACCESS) == 0 ? 0 : errno;
}

bool isFolder(const std::string& path) {
    std::error_code ignored; // absent: the caller says so, with errno's text
    return std::filesystem::is_directory(path, ignored);
}

std::string folderOf(const std::string& path) { return std::filesystem::path(path).parent_path().string(); }

class FileJudge {
public:
    explicit FileJudge(const Config& config) : config_(config) {}

    // Adds a fault about the file or folder `path` that this setting leads to.
    void fault(const std::string& section, std::string_view key, const std::string& path, const std::string& problem,
               std::string remedy) {
        faults_.push_back({config_.where(section, key),
                           "[" + section + "] " + std::string(key) + ": " + path + ' ' + problem, std::move(remedy),
                           false});
    }

    // False: it cannot be read, which has been said.
    bool readable(const std::string& section, std::string_view key) {
        const auto& path = config_.text(section, key);
        if (const int problem = accessProblem(path, R_OK)) {
            fault(section, key, path, "cannot be read: " + errnoText(problem),
                  "name a PEM file that the user of this program may read");
            return false;
        }
        if (!isFolder(path)) return true;
        fault(section, key, path, "is a folder", "name a PEM file");
        return false;
    }

    void writableFolder(const std::string& section, std::string_view key, const std::string& path) {
        const int problem = accessProblem(path, W_OK | X_OK);
        if (problem == 0 && isFolder(path)) return;
        if (problem == 0)
            fault(section, key, path, "is not a folder", "name a folder");
        else
            fault(section, key, path, "cannot be written to: " + errnoText(problem),
                  problem == ENOENT ? "make the folder, owned by the user of this program, mode 0750"
                                    : "name a folder that the user of this program may write to");
    }

    void judgeFront() {
        if (config_.text("http", "tls_certificate").empty() || config_.text("http", "tls_key").empty()) return;
        const bool certificate = readable("http", "tls_certificate");
        if (!readable("http", "tls_key") || !certificate) return;
        const web::TlsSettings pair{config_.text("http", "tls_certificate"), config_.text("http", "tls_key")};
        try {
            web::checkTls(pair);
        } catch (const Error& error) {
            const auto reason = error.cause().empty() ? std::string() : " (" + error.cause() + ")";
            if (error.field() == "tls_certificate")
                fault("http", "tls_certificate", pair.certificateFile, "holds no certificate" + reason,
                      "name a PEM file with the certificate, then its chain");
            else
                fault("http", "tls_key", pair.privateKeyFile, "is not the key of tls_certificate" + reason,
                      "name the PEM file with that certificate's private key, without a passphrase");
        }
    }

    void judgeAuthority(const std::string& section) {
        const auto& path = config_.text(section, "tls_ca");
        if (path.empty() || !config_.flag(section, "tls") || !readable(section, "tls_ca")) return;
        try {
            link::TlsSettings settings;
            settings.caFile = path;
            (void)link::makeTlsContext(settings);
        } catch (const Error& error) {
            fault(section, "tls_ca", path, "holds no certificate (" + error.cause() + ")",
                  "name the PEM file of the authority that signed Asterisk's certificate");
        }
    }

    void judgeFolders() {
        const bool sqlite = config_.text("storage", "backend") == "sqlite";
        const auto& file = config_.text("storage", "sqlite_file");
        if (config_.given("pbxd", "data_dir") || (sqlite && file.empty()))
            writableFolder("pbxd", "data_dir", config_.text("pbxd", "data_dir"));
        if (sqlite && !file.empty()) writableFolder("storage", "sqlite_file", folderOf(file));
    }

    void judgeLog() {
        const auto& path = config_.text("pbxd", "log_file");
        if (path.empty()) return;
        const int problem = accessProblem(path, W_OK);
        if (problem == ENOENT) {
            writableFolder("pbxd", "log_file", folderOf(path));
        } else if (problem != 0) {
            fault("pbxd", "log_file", path, "cannot be written: " + errnoText(problem),
                  "name a file that the user of this program may write");
        } else if (isFolder(path)) {
            fault("pbxd", "log_file", path, "is a folder", "name a file in it");
        }
    }

    std::vector<ConfigFault> take() { return std::move(faults_); }

private:
    const Config& config_;
    std::vector<ConfigFault> faults_;
};

} // namespace

std::vector<ConfigFault> checkFiles(const Config& config) {
    FileJudge judge(config);
    judge.judgeFolders();
    judge.judgeLog();
    judge.judgeFront();
    for (const auto& name : config.names("asterisk")) judge.judgeAuthority("asterisk." + name);
    return judge.take();
}

} // namespace pbx::daemon
