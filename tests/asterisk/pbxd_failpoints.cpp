// pbxd that kills itself at a fail point, for tests; never shipped. PBX_FAIL_AT=P1 ... P8, or P3:2 for the second time
// that P3 is reached: kill -9, as nothing else leaves nothing done. PBX_FAIL_PID: that process (Asterisk) in its place.
#include "daemon/program.hpp"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string_view>
#include <unistd.h>

int main(int argc, char** argv) {
    using pbx::callbacks::FailPoint;
    const char* text = std::getenv("PBX_FAIL_AT");
    if (!text) return pbx::daemon::runProgram(argc, argv, {});
    const std::string_view at(text);
    if (at.size() < 2 || at[0] != 'P' || at[1] < '1' || at[1] > '8' || (at.size() > 2 && at[2] != ':')) {
        std::cerr << "pbxd-failpoints: PBX_FAIL_AT must be P1 to P8, or P3:2\n";
        return 2;
    }
    static std::atomic<int> left{at.size() > 3 ? std::atoi(text + 3) : 1}; // several threads reach the points
    const char* other = std::getenv("PBX_FAIL_PID");
    const pid_t whom = other ? std::atoi(other) : ::getpid();
    if (whom <= 0) {
        std::cerr << "pbxd-failpoints: PBX_FAIL_PID must be a process\n";
        return 2;
    }
    return pbx::daemon::runProgram(argc, argv, [point = at[1] - '0', whom](FailPoint reached) {
        if (static_cast<int>(reached) == point && --left == 0) ::kill(whom, SIGKILL);
    });
}
