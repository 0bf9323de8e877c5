#include "routing/numbers.hpp"

#include "base/time.hpp"

#include <atomic>
#include <chrono>
#include <gtest/gtest.h>
#include <iostream>
#include <thread>

namespace pbx::routing {
namespace {

struct Spelling {
    std::string text;
    std::string country;
    NumberKind kind;
    std::string expected;
};

TEST(Numbers, EverySpellingBecomesOneText) {
    const std::vector<Spelling> spellings = {
        {"+12125550123", "US", NumberKind::e164, "+12125550123"},
        {"12125550123", "US", NumberKind::e164, "+12125550123"},
        {"2125550123", "US", NumberKind::e164, "+12125550123"},
        {" (212) 555-0123 ", "US", NumberKind::e164, "+12125550123"},
        {"1.212.555.0123", "US", NumberKind::e164, "+12125550123"},
        {"+1 212/555-0123", "US", NumberKind::e164, "+12125550123"},
        {"+12125550123;npdi=yes", "US", NumberKind::e164, "+12125550123"},
        {"011442071838750", "US", NumberKind::e164, "+442071838750"}, // North America's international prefix
        {"00442071838750", "US", NumberKind::e164, "+442071838750"},  // everybody else's
        {"442071838750", "US", NumberKind::e164, "+442071838750"},    // a trunk that sends no plus
        {"02071838750", "GB", NumberKind::e164, "+442071838750"},
        {"442071838750", "GB", NumberKind::e164, "+442071838750"},
        {"+44 (0)20 7183 8750", "GB", NumberKind::e164, "+442071838750"},
        {"(+44) 20 7183 8750", "US", NumberKind::e164, "+442071838750"},
        {"0012125550123", "GB", NumberKind::e164, "+12125550123"},
        {"030 1234567", "DE", NumberKind::e164, "+49301234567"},
        {"06 6982 1234", "IT", NumberKind::e164, "+390669821234"}, // Italy keeps its zero
        {"+12125550123", "", NumberKind::e164, "+12125550123"},    // no country known: only with a plus
        {"+12125550123", "XX", NumberKind::e164, "+12125550123"},
        {"5551234", "US", NumberKind::shortCode, "5551234"},
        {"101", "US", NumberKind::shortCode, "101"},
        {"911", "US", NumberKind::shortCode, "911"},
        {"2001", "DE", NumberKind::shortCode, "2001"}, // an extension, though German numbers can be as short
    };
    for (const auto& s : spellings) {
        const auto number = normalise(s.text, s.country);
        EXPECT_EQ(number.kind, s.kind) << s.text << " in " << s.country;
        EXPECT_EQ(number.text, s.expected) << s.text << " in " << s.country;
    }
}

TEST(Numbers, WithheldIsItsOwnKindHoweverItIsSaid) {
    for (const char* text : {"", "  ", "anonymous", "Anonymous", "ANONYMOUS", "unknown", "<unknown>", "\"Unknown\"",
                             "Restricted", "withheld", "private", "Unavailable", "anonymous.invalid", "<>", "\"\""}) {
        const auto number = normalise(text, "US");
        EXPECT_EQ(number.kind, NumberKind::withheld) << text;
        EXPECT_EQ(number.text, "") << text;
    }
    EXPECT_EQ(normalise("anonymously", "US").kind, NumberKind::malformed);
}

TEST(Numbers, HostileTextIsMalformedAndNothingElse) {
    const std::vector<std::string> hostile = {"+",
                                              "++12125550123",
                                              "12+125550123",
                                              "John Smith",
                                              "1800FLOWERS",
                                              "1800ATTACK",
                                              "s",
                                              "*67",
                                              "#",
                                              std::string("+1212555\0"
                                                          "0123",
                                                          13),
                                              "+12125550123\r\nAction: Originate",
                                              "+12125550123\n",
                                              "\t2125550123",
                                              "+1212555012345678",
                                              "+123456789012345678901",
                                              std::string(64, '1'),
                                              std::string(65, '1'),
                                              std::string(1 << 20, '+'),
                                              std::string(65, ' '),
                                              "\xff\xfe\xfd",
                                              "\xD9\xA3\xD9\xA3\xD9\xA3\xD9\xA3\xD9\xA3\xD9\xA3\xD9\xA3",
                                              "'); DROP TABLE blocklist; --",
                                              "+999123456789",
                                              "+1",
                                              "+44",
                                              ";",
                                              ";+12125550123",
                                              "()",
                                              "-",
                                              "+0",
                                              "000000000000",
                                              "+12125550123@evil",
                                              "sip:+12125550123"};
    for (const auto& text : hostile) {
        const auto number = normalise(text, "US");
        EXPECT_EQ(number.kind, NumberKind::malformed) << text.substr(0, 40);
        EXPECT_EQ(number.text, "") << text.substr(0, 40);
    }
}

TEST(Numbers, EverySingleByteAndEveryPairIsJudged) {
    for (int a = 0; a < 256; ++a)
        for (int b = 0; b < 256; b += 3) {
            const std::string text = {static_cast<char>(a), static_cast<char>(b)};
            const auto number = normalise(text, "US");
            const bool digits = a >= '0' && a <= '9' && b >= '0' && b <= '9';
            if (digits) {
                EXPECT_EQ(number.kind, NumberKind::shortCode) << text;
            }
            EXPECT_NE(number.kind, NumberKind::e164) << text;
        }
}

TEST(Numbers, TypeAndRegionForAllowLists) {
    struct Known {
        const char* text;
        NumberType type;
        const char* region;
    };
    // Ranges from the countries' numbering plans.
    for (const auto& k : std::vector<Known>{{"+442071838750", NumberType::fixed, "GB"},
                                            {"+447400123456", NumberType::mobile, "GB"},
                                            {"+4915123456789", NumberType::mobile, "DE"},
                                            {"+12125550123", NumberType::fixedOrMobile, "US"},
                                            {"+14165550123", NumberType::fixedOrMobile, "CA"},
                                            {"+18005550123", NumberType::tollFree, "US"},
                                            {"+19002345678", NumberType::premium, "US"},
                                            {"+449012345678", NumberType::premium, "GB"},
                                            {"+881612345678", NumberType::mobile, "001"}}) { // Iridium
        const auto number = normalise(k.text, "US");
        EXPECT_EQ(number.kind, NumberKind::e164) << k.text;
        EXPECT_EQ(typeToken(classify(number).type), typeToken(k.type)) << k.text;
        EXPECT_EQ(classify(number).region, k.region) << k.text;
    }
    // Possible, but in no area code that is assigned: still a key, its type not known.
    const auto nobody = normalise("+19995550123", "US");
    EXPECT_EQ(nobody.text, "+19995550123");
    EXPECT_EQ(classify(nobody).type, NumberType::unknown);
    EXPECT_EQ(classify(nobody).region, "");
    EXPECT_EQ(classify(normalise("911", "US")).type, NumberType::unknown);
}

TEST(Numbers, MatchKeysAreTheNumberAndItsPrefixesLongestFirst) {
    EXPECT_EQ(matchKeys(normalise("+4930123", "DE")),
              (std::vector<std::string>{"+4930123", "+493012", "+49301", "+4930", "+493", "+49", "+4"}));
    EXPECT_EQ(matchKeys(normalise("101", "US")), (std::vector<std::string>{"101", "10", "1"}));
    EXPECT_TRUE(matchKeys(normalise("anonymous", "US")).empty());
    EXPECT_TRUE(matchKeys(normalise("x", "US")).empty());
}

TEST(Numbers, NormalisingTwiceChangesNothing) {
    for (const char* text : {"2125550123", "011442071838750", "442071838750", "+390669821234", "101", "5551234"}) {
        const auto once = normalise(text, "US");
        EXPECT_EQ(normalise(once.text, "US"), once) << text;
    }
}

TEST(Numbers, AnExampleIsANumberOfItsCountry) {
    for (const auto* country : {"US", "DE", "UA", "GB", "XX", ""}) {
        const auto example = exampleNumber(country);
        EXPECT_EQ(normalise(example, "US"), (Number{NumberKind::e164, example})) << country;
    }
    EXPECT_TRUE(exampleNumber("DE").starts_with("+49"));
}

TEST(Numbers, ManyThreadsAtOnceGetTheSameAnswers) {
    std::vector<std::thread> threads;
    std::atomic<int> wrong = 0;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&wrong] {
            for (int i = 0; i < 200; ++i) {
                wrong += normalise("(212) 555-0123", "US").text != "+12125550123";
                wrong += normalise("02071838750", "GB").text != "+442071838750";
                wrong += normalise("030 1234567", "DE").text != "+49301234567";
            }
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(wrong, 0);
}

TEST(Numbers, CostIsTold) {
    const SystemClock clock;
    const auto us = [](auto d) { return std::chrono::duration<double, std::micro>(d).count(); };
    const auto cold = clock.steady();
    warmUp("FR");
    std::cout << "first of a country " << us(clock.steady() - cold) << " us\n";
    constexpr int rounds = 2000;
    for (const char* text : {"+33142685300", "33142685300", "01 42 68 53 00", "442071838750", "anonymous"}) {
        const auto start = clock.steady();
        std::size_t size = 0;
        for (int i = 0; i < rounds; ++i) size += normalise(text, "FR").text.size();
        const auto cost = us(clock.steady() - start) / rounds;
        std::cout << text << ": " << cost << " us\n";
        EXPECT_EQ(size, std::string_view(text) == "anonymous" ? 0 : rounds * 12 + (text[0] == '4' ? rounds : 0));
        EXPECT_LT(cost, 10000) << "even unoptimised, under a sanitizer";
    }
}

} // namespace
} // namespace pbx::routing
