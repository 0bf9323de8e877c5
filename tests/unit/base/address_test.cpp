#include "base/address.hpp"

#include <gtest/gtest.h>

using namespace pbx;

namespace {

bool inside(std::string_view range, std::string_view address) {
    const auto parsed = AddressRange::parse(range);
    if (!parsed) ADD_FAILURE() << "refused: " << range;
    return parsed && parsed->contains(address);
}

} // namespace

TEST(AddressRange, HoldsWhatItsPrefixSays) {
    EXPECT_TRUE(inside("10.2.0.0/15", "10.2.0.0"));
    EXPECT_TRUE(inside("10.2.0.0/15", "10.3.255.255"));
    EXPECT_FALSE(inside("10.2.0.0/15", "10.4.0.0"));
    EXPECT_FALSE(inside("10.2.0.0/15", "10.1.255.255"));
    EXPECT_TRUE(inside("192.0.2.7", "192.0.2.7"));
    EXPECT_FALSE(inside("192.0.2.7", "192.0.2.6"));
    EXPECT_TRUE(inside("0.0.0.0/0", "203.0.113.9"));
    EXPECT_FALSE(inside("0.0.0.0/0", "2001:db8::1")); // every IPv4 address, and no other
    EXPECT_TRUE(inside("2001:db8::/33", "2001:db8:7fff::1"));
    EXPECT_FALSE(inside("2001:db8::/33", "2001:db8:8000::1"));
    EXPECT_TRUE(inside("::/0", "10.0.0.1"));
}

TEST(AddressRange, TakesAnIpv4AddressInsideIpv6ForTheSame) {
    EXPECT_TRUE(inside("10.0.0.0/8", "::ffff:10.9.8.7"));
    EXPECT_TRUE(inside("::ffff:10.0.0.0/104", "10.9.8.7"));
}

TEST(AddressRange, RefusesWhatIsNoRange) {
    for (const auto* wrong :
         {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8 ", "10.0.0.1/8", "2001:db8::1/64", "::/129",
          "10.0.0", "10.0.0.256", "010.0.0.1x", "localhost", "fe80::1%eth0", "10.0.0.0/8/8"})
        EXPECT_FALSE(AddressRange::parse(wrong)) << wrong;
    EXPECT_FALSE(AddressRange::parse(std::string_view("127.0.0.1\0", 10)));
    EXPECT_FALSE(inside("10.0.0.0/8", "unknown"));
}

TEST(AddressRange, OverlapsWhereOneLiesWithinTheOther) {
    const auto overlap = [](std::string_view a, std::string_view b) {
        const auto one = AddressRange::parse(a), two = AddressRange::parse(b);
        EXPECT_EQ(one->overlaps(*two), two->overlaps(*one)) << a << ' ' << b;
        return one->overlaps(*two);
    };
    EXPECT_TRUE(overlap("192.0.2.0/24", "192.0.2.7"));
    EXPECT_TRUE(overlap("192.0.2.7", "192.0.2.7"));
    EXPECT_TRUE(overlap("0.0.0.0/0", "198.51.100.0/24"));
    EXPECT_TRUE(overlap("192.0.2.7", "::ffff:192.0.2.7"));
    EXPECT_FALSE(overlap("192.0.2.0/28", "192.0.2.16/28"));
    EXPECT_FALSE(overlap("0.0.0.0/0", "2001:db8::/32"));
    EXPECT_FALSE(overlap("192.0.2.6", "192.0.2.7"));
}

TEST(Loopback, IsAllOf127AndOne) {
    for (const auto* yes : {"127.0.0.1", "127.255.0.3", "::1", "::ffff:127.0.0.1"}) EXPECT_TRUE(isLoopback(yes)) << yes;
    for (const auto* no : {"0.0.0.0", "::", "128.0.0.1", "10.0.0.1", "", "localhost"})
        EXPECT_FALSE(isLoopback(no)) << no;
    EXPECT_TRUE(isAddress("::1"));
    EXPECT_FALSE(isAddress("10.0.0.0/8"));
}
