// Counts operator new: the hot path must not allocate once the reader has grown.
#include "ami/session.hpp"
#include "ami_support.hpp"
#include "base/random.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace {
std::atomic<std::uint64_t> allocations{0};

void* counted(std::size_t size) {
    ++allocations;
    if (void* p = std::malloc(size ? size : 1)) return p;
    throw std::bad_alloc();
}
} // namespace

void* operator new(std::size_t size) { return counted(size); }
void* operator new[](std::size_t size) { return counted(size); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }

using namespace pbx::ami;
using namespace pbx::ami::test;

namespace {

std::size_t readAll(Reader& reader, std::string_view bytes, std::size_t piece) {
    std::size_t messages = 0;
    while (!bytes.empty()) {
        bytes.remove_prefix(reader.feed(bytes.substr(0, piece)));
        while (true) {
            const auto item = reader.next();
            if (item.kind == Reader::Item::Kind::needMore) break;
            messages += item.kind == Reader::Item::Kind::message;
        }
    }
    return messages;
}

TEST(Allocation, TheCounterCounts) {
    const auto before = allocations.load();
    delete new int(1);
    EXPECT_EQ(allocations - before, 1U);
}

TEST(Allocation, ReaderTakesNoneOnceWarm) {
    const std::string bytes = readFixture(fixtureDir() / "22/s13_originate.s2c.ami");
    Reader reader;
    const auto messages = readAll(reader, bytes, 4096);
    ASSERT_GT(messages, 100U);
    const std::string again = bytes.substr(bytes.find('\n') + 1);
    for (const std::size_t piece : {1U, 100U, 4096U, 65536U}) {
        const auto before = allocations.load();
        ASSERT_EQ(readAll(reader, again, piece), messages);
        EXPECT_EQ(allocations - before, 0U) << piece;
    }
}

TEST(Allocation, SessionTakesNoneForAnEvent) {
    pbx::initRandom();
    std::uint64_t events = 0;
    const pbx::SteadyTime now{};
    SessionSettings settings;
    settings.user = "pbxd";
    settings.secret = pbx::SecretString("secret");
    settings.plainLogin = settings.transportIsTls = true;
    Session session(
        std::move(settings), [&](const Message&) { ++events; }, now);
    session.receive(std::string("Asterisk Call Manager/11.0.0\r\n"), now);
    const std::string login(session.output());
    const auto at = login.find("ActionID: ") + 10;
    session.receive("Response: Success\r\nActionID: " + login.substr(at, login.find('\r', at) - at) +
                        "\r\n\r\nEvent: FullyBooted\r\nPrivilege: system,all\r\n\r\n",
                    now);
    ASSERT_TRUE(session.ready());

    std::string bytes = readFixture(fixtureDir() / "22/s01_answered_caller_hangs_up.s2c.ami");
    bytes.erase(0, bytes.find('\n') + 1);
    session.receive(bytes, now);
    ASSERT_GT(events, 100U);
    const auto before = allocations.load();
    session.receive(bytes, now);
    EXPECT_EQ(allocations - before, 0U);
}

} // namespace
