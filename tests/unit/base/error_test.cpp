#include "base/error.hpp"

#include <gmock/gmock.h>

using namespace pbx;
using testing::AllOf;
using testing::Ge;
using testing::Le;

TEST(ErrorTable, HasOneRowForEachCodeFoundByCodeAndByToken) {
    ASSERT_EQ(errorTable().size(), 16U);
    for (const auto& row : errorTable()) {
        EXPECT_EQ(&errorRow(row.code), &row);
        EXPECT_EQ(findErrorRow(row.token), &row);
        EXPECT_FALSE(row.meaning.empty());
    }
    EXPECT_EQ(findErrorRow("no_such_token"), nullptr);
    EXPECT_EQ(findErrorRow(""), nullptr);
}

TEST(ErrorTable, AgreesWithItselfOnWhoseFaultItIs) {
    for (const auto& row : errorTable()) {
        EXPECT_THAT(row.httpStatus, AllOf(Ge(400), Le(599))) << row.token;
        EXPECT_NE(row.exitCode, 0) << row.token;
        EXPECT_NE(row.exitCode, 1) << row.token << ": 1 is left to the shell's own faults";
        // 501 is the one 5xx that the caller brought about by asking.
        EXPECT_EQ(row.senderFault, row.httpStatus < 500 || row.code == ErrorCode::unsupported) << row.token;
        // A number of the -32xxx range is the interoperability paper's, ours begin at 101.
        EXPECT_TRUE(row.xmlRpcFault < -32000 || row.xmlRpcFault > 100) << row.token;
    }
}

TEST(ErrorTable, KeepsTheNumbersThatPartnersProgramAgainst) {
    EXPECT_EQ(errorRow(ErrorCode::invalidArgument).xmlRpcFault, -32602);
    EXPECT_EQ(errorRow(ErrorCode::unknownOperation).xmlRpcFault, -32601);
    EXPECT_EQ(errorRow(ErrorCode::malformed).xmlRpcFault, -32700);
    EXPECT_EQ(errorRow(ErrorCode::unauthenticated).httpStatus, 401);
    EXPECT_EQ(errorRow(ErrorCode::notFound).httpStatus, 404);
    EXPECT_EQ(errorRow(ErrorCode::tooManyRequests).httpStatus, 429);
    EXPECT_EQ(errorRow(ErrorCode::outcomeUnknown).retry, Retry::afterLooking);
    EXPECT_EQ(retryText(Retry::never), "never");
    EXPECT_EQ(retryText(Retry::later), "later");
    EXPECT_EQ(retryText(Retry::afterLooking), "after_looking");
}

TEST(Error, CarriesFieldCauseAndRetryApartFromTheSafeText) {
    try {
        throw Error(ErrorCode::unavailable, "the database is away").because("mysql: 2002 at 10.0.0.5").retryIn(3);
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::unavailable);
        EXPECT_STREQ(error.what(), "the database is away");
        EXPECT_EQ(error.cause(), "mysql: 2002 at 10.0.0.5");
        EXPECT_EQ(error.retryAfter(), 3);
        EXPECT_EQ(error.field(), "");
    }
    const auto field = Error::field("limit", "501 is above 500");
    EXPECT_EQ(field.code(), ErrorCode::invalidArgument);
    EXPECT_EQ(field.field(), "limit");
    EXPECT_EQ(field.text(), "limit: 501 is above 500");
    EXPECT_EQ(Error::notFound("queue", "sales").text(), "no queue \"sales\"");
    EXPECT_EQ(Error::notFound("queue", "sales").code(), ErrorCode::notFound);
}
