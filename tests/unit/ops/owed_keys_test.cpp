// What becomes of an idempotency key whose end the database does not take at once.
#include "ops/owed_keys.hpp"
#include "storage_test.hpp"

namespace pbx::ops {
namespace {

using namespace std::chrono_literals;
using storage::IdempotencyKey;

class OwedOf : public pbx::test::StorageTest {
protected:
    void SetUp() override {
        StorageTest::SetUp();
        if (!db) return;
        db->onStatement([this](std::string_view text) {
            if (refuse && refuse(text)) throw Error(code, "not now");
        });
        owed = std::make_unique<OwedKeys>(repos->idempotency, Log::none());
    }
    static IdempotencyKey key(const std::string& owner, const std::string& name = "k") {
        return {TenantId("t_1"), UserId("u_1"), "queue.create", name, owner};
    }
    // What a request with that key is told: "" where it is the first.
    std::string asked(const std::string& name = "k") {
        try {
            return repos->idempotency.begin(key("asker" + std::to_string(++askers), name), "hash", 1h).value_or("");
        } catch (const Error& error) {
            return error.text();
        }
    }
    void away(ErrorCode with = ErrorCode::unavailable) {
        code = with;
        refuse = [](std::string_view text) { return text.starts_with("UPDATE") || text.starts_with("DELETE"); };
    }
    void back() { refuse = nullptr; }

    static constexpr const char* runs = "idempotency_key: the first request with this key still runs";
    ErrorCode code = ErrorCode::unavailable;
    std::function<bool(std::string_view)> refuse;
    std::unique_ptr<OwedKeys> owed;
    int askers = 0;
};

TEST_P(OwedOf, AnEndIsStoredLater) {
    repos->idempotency.begin(key("a"), "hash", 1h);
    repos->idempotency.begin(key("b", "failed"), "hash", 1h);
    away();
    owed->end(key("a"), "{}");
    owed->end(key("b", "failed"), {});
    owed->settle();
    EXPECT_EQ(2U, owed->owed());
    back();
    EXPECT_EQ(runs, asked());
    owed->settle();
    EXPECT_EQ(0U, owed->owed());
    EXPECT_EQ("{}", asked());
    EXPECT_EQ("", asked("failed"));
}

// The first request's begin() came to nothing, the second one's has taken the key since.
TEST_P(OwedOf, WhatComesLateTouchesNoOtherRequestsKey) {
    repos->idempotency.begin(key("second"), "hash", 1h);
    owed->owe(key("first"), {});
    owed->settle();
    EXPECT_EQ(0U, owed->owed());
    EXPECT_EQ(runs, asked());
    owed->end(key("first"), "{\"of\": \"the first\"}");
    EXPECT_EQ(runs, asked());
    owed->end(key("second"), "{\"of\": \"the second\"}");
    EXPECT_EQ("{\"of\": \"the second\"}", asked());
}

TEST_P(OwedOf, AnOwedReplyDoesNotReplaceALaterOne) {
    repos->idempotency.begin(key("a"), "hash", 1h);
    away();
    owed->end(key("a"), "pending");
    back();
    owed->end(key("a"), "done");
    owed->settle();
    EXPECT_EQ("done", asked());
    EXPECT_EQ(0U, owed->owed());
}

TEST_P(OwedOf, WhatIsOwedIsStoredByWhoSettles) {
    repos->idempotency.begin(key("a"), "hash", 1h);
    owed->end(key("a"), "pending");
    int statements = 0;
    refuse = [&](std::string_view) { return ++statements == 0; };
    owed->owe(key("a"), "done");
    EXPECT_EQ("done", owed->replyTo(key("asker")));
    EXPECT_EQ(std::nullopt, owed->replyTo(key("asker", "another")));
    EXPECT_EQ(0, statements);
    EXPECT_EQ("pending", asked());
    owed->settle();
    EXPECT_EQ(std::nullopt, owed->replyTo(key("asker")));
    EXPECT_EQ("done", asked());
    EXPECT_EQ(0U, owed->owed());
}

// While one thread stores the former end, another says the last one.
TEST_P(OwedOf, WhatIsSaidWhileTheFormerIsBeingStoredIsStoredToo) {
    repos->idempotency.begin(key("a"), "hash", 1h);
    bool said = false;
    refuse = [&](std::string_view text) {
        if (text.starts_with("UPDATE") && !said) {
            said = true;
            owed->end(key("a"), "done");
        }
        return false;
    };
    owed->end(key("a"), "pending");
    EXPECT_TRUE(said);
    EXPECT_EQ("done", asked());
    EXPECT_EQ(0U, owed->owed());
}

TEST_P(OwedOf, WhatTheDatabaseWillNeverTakeIsGivenUp) {
    for (const auto* name : {"a", "b", "c"}) repos->idempotency.begin(key(name, name), "hash", 1h);
    away();
    for (const auto* name : {"a", "b", "c"}) owed->end(key(name, name), "reply");
    int tries = 0;
    code = ErrorCode::invalidArgument;
    refuse = [&](std::string_view text) { return text.starts_with("UPDATE") && ++tries == 1; };
    owed->settle();
    EXPECT_EQ(0U, owed->owed());
    EXPECT_EQ(3, tries);
    EXPECT_EQ(runs, asked("a"));
    EXPECT_EQ("reply", asked("b"));
    EXPECT_EQ("reply", asked("c"));
}

TEST_P(OwedOf, OneThatHasToWaitHoldsNobodyUp) {
    for (const auto* name : {"a", "b", "c"}) repos->idempotency.begin(key(name, name), "hash", 1h);
    away(ErrorCode::deadlineExceeded);
    for (const auto* name : {"a", "b", "c"}) owed->end(key(name, name), "reply");
    int tries = 0;
    refuse = [&](std::string_view text) { // a each time
        if (!text.starts_with("UPDATE")) return false;
        return ++tries == 1 || tries == 4;
    };
    owed->settle();
    owed->settle();
    EXPECT_EQ(4, tries);
    EXPECT_EQ(runs, asked("a"));
    EXPECT_EQ("reply", asked("b"));
    EXPECT_EQ("reply", asked("c"));
}

TEST_P(OwedOf, OneTurnStoresSomeOfMany) {
    away();
    for (int i = 0; i < 120; ++i) owed->end(key("o" + std::to_string(i)), "reply");
    EXPECT_EQ(120U, owed->owed());
    back();
    owed->settle();
    EXPECT_EQ(70U, owed->owed());
    owed->settle();
    owed->settle();
    EXPECT_EQ(0U, owed->owed());
}

PBX_ON_BOTH(OwedOf);

} // namespace
} // namespace pbx::ops
