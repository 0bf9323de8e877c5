#include "base/ids.hpp"

#include <gtest/gtest.h>
#include <unordered_set>

using namespace pbx;

static_assert(!std::is_convertible_v<TenantId, QueueId> && !std::is_constructible_v<TenantId, QueueId>);
static_assert(!std::is_convertible_v<std::string, TenantId>, "an id is made on purpose");
static_assert(!std::is_convertible_v<TenantId, std::string>);

TEST(Id, IsAValueWithOrderAndHash) {
    const TenantId a("a"), b("b");
    EXPECT_LT(a, b);
    EXPECT_EQ(a, TenantId("a"));
    EXPECT_TRUE(TenantId().empty());
    EXPECT_EQ((std::unordered_set<TenantId>{a, b, TenantId("a")}).size(), 2U);
}
