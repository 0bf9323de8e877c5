#include "base/guarded.hpp"

#include <gtest/gtest.h>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

using namespace pbx;

TEST(Guarded, LosesNoUpdateOfSeveralThreads) {
    Guarded<long> sum(5);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            for (int k = 0; k < 10'000; ++k) sum.with([](long& value) { ++value; });
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(sum.with([](const long& value) { return value; }), 40'005);
}

TEST(Guarded, NeverHandsOutAReference) {
    Guarded<std::string> text("kept");
    using Answer = decltype(text.with([](std::string& value) -> std::string& { return value; }));
    static_assert(!std::is_reference_v<Answer>);
    auto copy = text.with([](std::string& value) -> std::string& { return value; });
    copy += " outside";
    EXPECT_EQ(std::as_const(text).with([](const std::string& value) { return value; }), "kept");
}
