#include "cli/watch.hpp"

#include "cli/board_feed.hpp"
#include "cli/board_view.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <fcntl.h>
#include <ostream>
#include <poll.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

namespace pbx::cli {
namespace {

constexpr int exitInterrupted = 130; // as a shell gives it after Ctrl-C
constexpr std::size_t columnsWithoutTerminal = 120;

std::string timeOfDay() {
    const std::time_t now = std::time(nullptr);
    std::tm local{};
    ::localtime_r(&now, &local);
    std::array<char, 16> text{};
    std::strftime(text.data(), text.size(), "%H:%M:%S", &local);
    return text.data();
}

void writeAll(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto written = ::write(fd, bytes.data(), bytes.size());
        if (written < 0 && errno != EINTR) return; // the terminal is gone: SIGHUP follows
        if (written > 0) bytes.remove_prefix(static_cast<std::size_t>(written));
    }
}

// The alternate screen without cursor and without echo; whatever happens, the terminal is given back as it was.
class Screen {
public:
    Screen() { enter(); }
    ~Screen() { leave(); }
    Screen(const Screen&) = delete;
    Screen& operator=(const Screen&) = delete;

    void enter() {
        kept_ = ::tcgetattr(STDIN_FILENO, &before_) == 0;
        if (kept_) {
            auto quiet = before_;
            quiet.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
            quiet.c_cc[VMIN] = 0;
            quiet.c_cc[VTIME] = 0;
            ::tcsetattr(STDIN_FILENO, TCSANOW, &quiet);
        }
        writeAll(STDOUT_FILENO, "\x1b[?1049h\x1b[?25l\x1b[2J");
    }
    void leave() {
        writeAll(STDOUT_FILENO, "\x1b[?25h\x1b[?1049l");
        if (kept_) ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
    }
    // One write, and nothing is cleared before it is written over: no flicker.
    void draw(const std::vector<std::string>& lines) {
        std::string frame = "\x1b[H";
        for (std::size_t i = 0; i < lines.size(); ++i) frame += (i ? "\r\n" : "") + lines[i] + "\x1b[K";
        writeAll(STDOUT_FILENO, frame + "\x1b[J");
    }

private:
    termios before_{};
    bool kept_ = false;
};

// The signals that matter come through a descriptor, and to nobody else.
class SignalQueue {
public:
    SignalQueue() {
        ::sigemptyset(&set_);
        for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGTSTP}) ::sigaddset(&set_, signal);
        ::pthread_sigmask(SIG_BLOCK, &set_, &before_);
        fd_ = ::signalfd(-1, &set_, SFD_CLOEXEC | SFD_NONBLOCK);
    }
    ~SignalQueue() {
        ::close(fd_);
        ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }
    SignalQueue(const SignalQueue&) = delete;
    SignalQueue& operator=(const SignalQueue&) = delete;

    int fd() const noexcept { return fd_; }
    int next() const { // 0: none
        signalfd_siginfo info{};
        return ::read(fd_, &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
    }

private:
    sigset_t set_{}, before_{};
    int fd_ = -1;
};

// Wakes the drawing thread; many wakes before it looks are one.
class Waker {
public:
    Waker() {
        if (::pipe2(ends_.data(), O_CLOEXEC | O_NONBLOCK) != 0) throw Error(ErrorCode::internal, "no pipe");
    }
    ~Waker() {
        for (const int end : ends_) ::close(end);
    }
    Waker(const Waker&) = delete;
    Waker& operator=(const Waker&) = delete;
    int fd() const noexcept { return ends_[0]; }
    void wake() const {
        // A full pipe will wake as well.
        [[maybe_unused]] const auto written = ::write(ends_[1], "!", 1);
    }
    void drain() const {
        std::array<char, 256> ignored{};
        while (::read(ends_[0], ignored.data(), ignored.size()) > 0) {
        }
    }

private:
    std::array<int, 2> ends_{-1, -1};
};

// What a signal or a key asks for: an exit code, or to go on.
std::optional<int> handleSignals(const SignalQueue& signals, Screen& screen) {
    while (const int signal = signals.next()) {
        if (signal == SIGWINCH) continue;
        if (signal != SIGTSTP) return signal == SIGINT ? exitInterrupted : 0;
        screen.leave();
        ::raise(SIGSTOP); // until fg
        screen.enter();
    }
    return std::nullopt;
}

std::optional<int> handleKeys() {
    std::array<char, 64> keys{};
    const auto got = ::read(STDIN_FILENO, keys.data(), keys.size());
    for (ssize_t i = 0; i < got; ++i)
        if (keys[static_cast<std::size_t>(i)] == 'q' || keys[static_cast<std::size_t>(i)] == 'Q') return 0;
    return std::nullopt;
}

int follow(const ClientSettings& settings, const std::vector<BoardSubject>& subjects, bool colours) {
    const SignalQueue signals; // before any thread, so that all inherit the mask
    const Waker waker;
    const BoardFeed feed(settings, subjects, [&waker] { waker.wake(); });
    Screen screen;
    for (;;) {
        if (const auto refusal = feed.refusal()) throw *refusal;
        const auto size = terminalSize(STDOUT_FILENO);
        screen.draw(renderBoard(feed.read(), {size.columns, size.rows}, std::chrono::steady_clock::now(), timeOfDay(),
                                colours));
        timespec now{};
        ::clock_gettime(CLOCK_REALTIME, &now);
        const int untilNextSecond = static_cast<int>((1'000'000'000 - now.tv_nsec) / 1'000'000) + 1;
        std::array<pollfd, 3> waits{{{signals.fd(), POLLIN, 0}, {waker.fd(), POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}}};
        ::poll(waits.data(), waits.size(), untilNextSecond);
        waker.drain();
        if (const auto code = handleSignals(signals, screen)) return *code;
        if ((waits[2].revents & (POLLIN | POLLHUP)) != 0)
            if (const auto code = handleKeys()) return *code;
    }
}

int printOnce(Client& client, const std::vector<BoardSubject>& subjects, const Console& console) {
    Board board;
    for (const auto& subject : subjects) board.push_back(loadBoard(client, subject));
    const auto columns = console.outTerminal ? console.columns : columnsWithoutTerminal;
    for (auto line : renderBoard(board, {columns, 0}, std::chrono::steady_clock::now(), timeOfDay(), console.colours)) {
        while (line.ends_with(' ')) line.pop_back();
        console.out << line << '\n';
    }
    return 0;
}

} // namespace

int runWatch(const Parsed& parsed, const Console& console) {
    const bool once = parsed.has("once");
    if (!once && !(console.outTerminal && console.interactive))
        throw Error(ErrorCode::invalidArgument, "watch needs a terminal; --once prints the board and ends");
    const auto settings = clientSettings(parsed, console);
    Client client(settings);
    const auto subjects = boardSubjects(client, parsed.value("queue"));
    if (once) return printOnce(client, subjects, console);
    for (const auto& subject : subjects)
        if (subject.queue) loadBoard(client, subject); // a queue that does not exist is an error, not an empty board
    return follow(settings, subjects, console.colours);
}

} // namespace pbx::cli
