// Replaces this program's operator delete by one that looks for the marker in what is given back.
#include "base/secret.hpp"

#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <gtest/gtest.h>
#include <malloc.h>
#include <new>
#include <ostream>

namespace {

constexpr char longMarker[] = "marker-of-a-secret-that-needs-the-heap-0123456789";
constexpr char shortMarker[] = "shortmark"; // fits into the string object itself
std::atomic<int> leaked{0};

bool holds(const void* memory, std::size_t size, const char* marker) {
    return ::memmem(memory, size, marker, std::strlen(marker)) != nullptr;
}

void giveBack(void* memory) noexcept {
    if (!memory) return;
    // The first bytes of freed memory may be the allocator's, so the middle of the marker is looked for.
    if (holds(memory, ::malloc_usable_size(memory), "needs-the-heap")) leaked.fetch_add(1);
    std::free(memory);
}

} // namespace

void* operator new(std::size_t size) {
    if (void* memory = std::calloc(1, size ? size : 1)) return memory;
    throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { giveBack(memory); }
void operator delete(void* memory, std::size_t) noexcept { giveBack(memory); }

using pbx::SecretString;

template <class T>
concept Streamable = requires(std::ostream& out, const T& value) { out << value; };
template <class T>
concept Comparable = requires(const T& a, const T& b) { a == b; };
static_assert(!Streamable<SecretString> && !Comparable<SecretString>);
static_assert(!std::is_convertible_v<SecretString, std::string> &&
              !std::is_convertible_v<SecretString, std::string_view>);
static_assert(std::is_nothrow_move_constructible_v<SecretString> && std::is_nothrow_move_assignable_v<SecretString>);

TEST(SecretString, TheProbeOfThisTestSeesALeak) {
    leaked = 0;
    { const std::string plain(longMarker); }
    EXPECT_GE(leaked, 1);
}

TEST(SecretString, LeavesNothingOnTheHeap) {
    std::string source(longMarker);
    leaked = 0;
    {
        SecretString first(std::move(source));
        SecretString second(first);
        SecretString third(std::move(first));
        EXPECT_TRUE(first.empty()); // NOLINT(bugprone-use-after-move): that is what is tested
        SecretString fourth;
        fourth = second;
        fourth = std::move(third);
        fourth = SecretString();
        EXPECT_TRUE(fourth.empty());
        EXPECT_EQ(second.reveal(), longMarker);
    }
    EXPECT_EQ(leaked, 0);
}

TEST(SecretString, LeavesNothingInsideAMovedFromOrDeadObject) {
    alignas(SecretString) std::array<unsigned char, sizeof(SecretString)> place{};
    auto* secret = new (place.data()) SecretString(std::string(shortMarker));
    ASSERT_TRUE(holds(place.data(), place.size(), shortMarker)) << "the string no longer keeps short text inside";
    SecretString taken(std::move(*secret));
    EXPECT_EQ(taken.reveal(), shortMarker);
    EXPECT_FALSE(holds(place.data(), place.size(), shortMarker));
    *secret = std::move(taken);
    EXPECT_FALSE(holds(&taken, sizeof taken, shortMarker)); // NOLINT(bugprone-use-after-move)
    EXPECT_EQ(secret->reveal(), shortMarker);
    secret->~SecretString();
    EXPECT_FALSE(holds(place.data(), place.size(), shortMarker));
}

TEST(SecretString, SurvivesAssignmentToItself) {
    SecretString secret{std::string(shortMarker)};
    auto& same = secret;
    secret = same;
    EXPECT_EQ(secret.reveal(), shortMarker);
}
