// A folder of its own for each test, gone at the end.
// Threads: one. Fails: throws std::runtime_error when the folder cannot be made.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <sys/stat.h>

namespace pbx::test {

class TempDir {
public:
    TempDir() {
        std::string pattern = (std::filesystem::temp_directory_path() / "pbx-test-XXXXXX").string();
        if (!::mkdtemp(pattern.data())) throw std::runtime_error("no temporary folder");
        path_ = pattern;
    }
    ~TempDir() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;

    std::string at(const std::string& name) const { return (path_ / name).string(); }
    // Writes a file and answers its path.
    std::string write(const std::string& name, const std::string& content, mode_t mode = 0600) const {
        const auto path = at(name);
        std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
        if (::chmod(path.c_str(), mode) != 0) throw std::runtime_error("chmod " + path);
        return path;
    }

private:
    std::filesystem::path path_;
};

inline std::string readAll(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

} // namespace pbx::test
