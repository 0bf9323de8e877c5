#include "base/xml_guard.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace pbx {
namespace {

using namespace std::string_literals;

std::string repeat(std::string_view text, std::size_t times) {
    std::string out;
    for (std::size_t i = 0; i < times; ++i) out += text;
    return out;
}

std::string refusalOf(std::string_view body, const XmlGuardLimits& limits = {}) {
    const auto refusal = guardXml(body, limits);
    if (!refusal) return "";
    EXPECT_LE(refusal->offset, body.size());
    return std::string(refusal->reason);
}
bool passes(std::string_view body, const XmlGuardLimits& limits = {}) { return refusalOf(body, limits).empty(); }

const XmlGuardLimits xmlRpc{.xmlRpc = true};
std::string value(std::string_view inside) {
    return "<methodCall><methodName>m</methodName><params><param><value>" + std::string(inside) +
           "</value></param></params></methodCall>";
}

TEST(XmlGuard, takesOrdinaryDocuments) {
    EXPECT_TRUE(passes("<a/>"));
    EXPECT_TRUE(passes("<a></a>"));
    EXPECT_TRUE(passes("\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"UTF-8\" standalone='yes'?>\r\n<a/>\n"));
    EXPECT_TRUE(
        passes("<?xml version='1.0'?><!-- - a -comment- --><?pi with ? and > ?><a b = 'c' d=\"e'f\" >text</a >"));
    EXPECT_TRUE(passes("<e:a xmlns:e='urn:x'><![CDATA[ <b> & ]] ]> ]]><c/></e:a><!-- end --> "));
    EXPECT_TRUE(passes("<a>&lt;&gt;&amp;&apos;&quot;&#65;&#x1F600;&#9;\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80</a>"));
    EXPECT_TRUE(passes("<\xC3\xA9t\xC3\xA9/>"));
}

TEST(XmlGuard, namesTheReasonAndThePlace) {
    const auto refusal = guardXml("<a>\n&nbsp;</a>");
    ASSERT_TRUE(refusal);
    EXPECT_EQ(refusal->reason, "an entity reference that is not allowed");
    EXPECT_EQ(refusal->offset, 4U);
}

TEST(XmlGuard, refusesEveryDocumentType) {
    const std::string dtd = "a document type declaration is not allowed";
    EXPECT_EQ(refusalOf("<!DOCTYPE a [<!ENTITY x \"y\"><!ENTITY z \"&x;&x;\">]><a>&z;</a>"), dtd);
    EXPECT_EQ(refusalOf("<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>"), dtd);
    EXPECT_EQ(refusalOf("\xEF\xBB\xBF<!-- c --><!DOCTYPE a><a/>"), dtd);
    EXPECT_EQ(refusalOf("<a><!ELEMENT b></a>"), dtd);
    EXPECT_EQ(refusalOf("<![CDATA[x]]><a/>"), dtd); // outside the root element
    EXPECT_FALSE(passes("\xFF\xFE<\0!\0D\0"s));     // UTF-16
    EXPECT_FALSE(passes("\0<\0!"s));
    EXPECT_FALSE(passes("<\0a\0>\0"s));
}

TEST(XmlGuard, takesOnlyTheFiveEntitiesAndXmlCharacters) {
    for (const auto* reference :
         {"&x;",   "&nbsp;",   "&;",       "&#;",      "&#x;",       "&#0;",           "&#1;",
          "&#31;", "&#xD800;", "&#xDFFF;", "&#xFFFE;", "&#x110000;", "&#99999999999;", "&#4294967361;",
          "&#-1;", "&#x;",     "& ",       "&lt",      "&LT;",       "&#X41;"}) {
        EXPECT_FALSE(passes("<a>" + std::string(reference) + "</a>")) << reference;
        EXPECT_FALSE(passes("<a b='" + std::string(reference) + "'/>")) << reference;
    }
    EXPECT_FALSE(passes("<a>" + repeat("&x;", 20'000) + "</a>"));
    EXPECT_TRUE(passes("<a>" + repeat("&amp;", 20'000) + "</a>"));
}

TEST(XmlGuard, refusesWhatIsNotUtf8OrNotXml) {
    for (const auto& bytes :
         std::vector<std::string>{"\xC0\xBC", "\xC1\xBF", "\xE0\x80\xBC", "\xF0\x80\x80\xBC", "\xED\xA0\x80",
                                  "\xED\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\x80", "\xFF", "\xC3",
                                  "\xE2\x82", "\xC3<", "\xEF\xBF\xBE", "\xEF\xBF\xBF", "\x01", "\x0B", "\x1F", "\0"s}) {
        EXPECT_FALSE(passes("<a>" + bytes + "</a>")) << ::testing::PrintToString(bytes);
        EXPECT_FALSE(passes("<a b='" + bytes + "'/>")) << ::testing::PrintToString(bytes);
        EXPECT_FALSE(passes("<a" + bytes + "/>")) << ::testing::PrintToString(bytes);
        EXPECT_FALSE(passes("<!--" + bytes + "--><a/>")) << ::testing::PrintToString(bytes);
        EXPECT_FALSE(passes("<a><![CDATA[" + bytes + "]]></a>")) << ::testing::PrintToString(bytes);
        EXPECT_FALSE(passes("<?pi " + bytes + "?><a/>")) << ::testing::PrintToString(bytes);
    }
}

TEST(XmlGuard, believesAnotherEncodingOnlyWhenItDoesNotMatter) {
    const auto with = [](std::string_view encoding, std::string_view text) {
        return "<?xml version=\"1.0\" encoding=\"" + std::string(encoding) + "\"?><a>" + std::string(text) + "</a>";
    };
    EXPECT_TRUE(passes(with("utf-8", "\xC3\xA9")));
    EXPECT_TRUE(passes(with("UTF-8", "\xC3\xA9")));
    EXPECT_TRUE(passes(with("iso-8859-1", "plain &#233;")));
    EXPECT_FALSE(passes(with("iso-8859-1", "\xE9")));
    EXPECT_FALSE(passes(with("iso-8859-1", "\xC3\xA9")));
    EXPECT_FALSE(passes(with("windows-1252", "\xC3\xA9")));
    for (const auto* encoding :
         {"utf-16", "UTF-16LE", "utf-32", "ucs-4", "utf-7", "ebcdic-us", "iso-2022-jp", "shift_jis", ""})
        EXPECT_FALSE(passes(with(encoding, "x"))) << encoding;
    EXPECT_FALSE(passes(" <?xml version='1.0'?><a/>"));
    EXPECT_FALSE(passes("<a><?xml version='1.0' encoding='utf-16'?></a>"));
    EXPECT_FALSE(passes("<?XML version='1.0'?><a/>"));
    EXPECT_FALSE(passes("<?xml version='1.0' encoding='iso-8859-1' encoding='utf-8'?><a>\xC3\xA9</a>"));
    EXPECT_FALSE(passes("<?xml version='1.0' other='x'?><a/>"));
    EXPECT_FALSE(passes("<?xml version='1.0'"));
}

TEST(XmlGuard, limitsDepth) {
    EXPECT_TRUE(passes(repeat("<a>", 64) + repeat("</a>", 64)));
    EXPECT_TRUE(passes(repeat("<a>", 64) + "<b/>" + repeat("</a>", 64)));
    EXPECT_EQ(refusalOf(repeat("<a>", 65) + repeat("</a>", 65)), "elements are nested too deep");
    EXPECT_EQ(refusalOf(repeat("<a>", 200'000)), "elements are nested too deep");
    EXPECT_FALSE(passes(repeat("<a>", 5) + repeat("</a>", 5), {.depth = 4}));
    EXPECT_FALSE(passes(repeat("<a>", 65) + repeat("</a>", 65), {.depth = 1000})); // the guard's own stack ends at 64
}

TEST(XmlGuard, limitsTagsAttributesAndElements) {
    const auto attributes = [](std::size_t from, std::size_t count) {
        std::string out;
        for (std::size_t i = 0; i < count; ++i) out += " a" + std::to_string(from + i) + "=''";
        return out;
    };
    EXPECT_TRUE(passes("<a" + attributes(0, 64) + "/>"));
    EXPECT_EQ(refusalOf("<a" + attributes(0, 65) + "/>"), "too many attributes");
    std::string many = "<r>";
    for (std::size_t i = 0; i < 200; ++i) many += "<a" + attributes(i * 10, 10) + "/>";
    EXPECT_TRUE(passes(many + "</r>"));
    EXPECT_EQ(refusalOf(many + "<a b=''/></r>"), "too many attributes");

    EXPECT_TRUE(passes("<a b='" + std::string(4000, 'x') + "'/>"));
    EXPECT_EQ(refusalOf("<a b='" + std::string(4096, 'x') + "'/>"), "a tag is too long");
    EXPECT_EQ(refusalOf("<" + std::string(5000, 'x') + "/>"), "a tag is too long");
    EXPECT_EQ(refusalOf("<a" + std::string(5000, ' ') + "/>"), "a tag is too long");
    EXPECT_EQ(refusalOf("<a></a" + std::string(5000, ' ') + ">"), "a tag is too long");

    EXPECT_TRUE(passes("<r>" + repeat("<a/>", 49'999) + "</r>"));
    EXPECT_EQ(refusalOf("<r>" + repeat("<a/>", 50'000) + "</r>"), "too many elements");
}

TEST(XmlGuard, limitsNamespacesInScopeOnly) {
    EXPECT_TRUE(passes("<r>" + repeat("<a xmlns='urn:x' xmlns:b='urn:y'></a>", 500) + "</r>"));
    EXPECT_TRUE(passes(repeat("<a xmlns='u' xmlns:b='v'>", 32) + repeat("</a>", 32)));
    EXPECT_EQ(refusalOf(repeat("<a xmlns='u' xmlns:b='v'>", 33) + repeat("</a>", 33)),
              "too many namespace declarations");
}

TEST(XmlGuard, limitsInstructions) {
    EXPECT_TRUE(passes("<?pi " + std::string(1000, 'x') + "?><a/>"));
    EXPECT_FALSE(passes("<?pi " + std::string(1100, 'x') + "?><a/>"));
    EXPECT_FALSE(passes("<?pi <a/>"));
    EXPECT_FALSE(passes("<?"
                        "?><a/>"));
}

TEST(XmlGuard, wantsOneRootAndNothingBesideIt) {
    EXPECT_EQ(refusalOf(""), "no XML element");
    EXPECT_EQ(refusalOf("  \n"), "no XML element");
    EXPECT_EQ(refusalOf("<a/><b/>"), "more than one root element");
    EXPECT_EQ(refusalOf("<a></a><b></b>"), "more than one root element");
    EXPECT_EQ(refusalOf("<a/>junk"), "text outside the root element");
    EXPECT_EQ(refusalOf("junk<a/>"), "text outside the root element");
    EXPECT_EQ(refusalOf("--boundary\r\nContent-Type: text/xml\r\n\r\n<a/>"), "text outside the root element"); // MTOM
    EXPECT_EQ(refusalOf("\x1F\x8B\x08"), "text outside the root element");                                     // gzip
    EXPECT_EQ(refusalOf("\x0C\x20"s), "text outside the root element");                                        // DIME
    EXPECT_FALSE(passes("<a/>\0"s));
}

TEST(XmlGuard, refusesBrokenTags) {
    for (const auto* body : {"<",
                             "<a",
                             "<a ",
                             "<a b",
                             "<a b=",
                             "<a b='",
                             "<a b=''",
                             "<a b='c'd='e'/>",
                             "<a b=c/>",
                             "<a b/>",
                             "<a =''/>",
                             "<a/ >",
                             "< a/>",
                             "<1/>",
                             "<a><b></a></b>",
                             "<a></b>",
                             "<ab></a>",
                             "<a></ab>",
                             "</a>",
                             "<a>",
                             "<a></a",
                             "<a b='<'/>",
                             "<a><!-- -- --></a>",
                             "<a><!-- ",
                             "<a><![CDATA[ ",
                             "<a><",
                             "<a></",
                             "<a \"b\"='c'/>"})
        EXPECT_FALSE(passes(body)) << body;
}

TEST(XmlGuard, checksNumbersOfXmlRpc) {
    for (const auto* good :
         {"<int>5</int>", "<i4>-2147483648</i4>", "<int>+5</int>", "<i8>9223372036854775807</i8>",
          "<ex:i8>-9223372036854775808</ex:i8>", "<double>-1.5</double>", "<double>.5</double>",
          "<double>1e+10</double>", "<string>&lt;i8&gt;</string>", "<string/>", "<nil/>", "<base64>AAAA</base64>"})
        EXPECT_TRUE(passes(value(good), xmlRpc)) << good;
    for (const auto* bad : {"<i8>abc</i8>",
                            "<i8></i8>",
                            "<i8/>",
                            "<i8 />",
                            "<i8>9223372036854775808</i8>",
                            "<i8>-9223372036854775809</i8>",
                            "<i8>99999999999999999999999</i8>",
                            "<ex:i8>%s</ex:i8>",
                            "<x:i8>%n</x:i8>",
                            "<i8><![CDATA[abc]]></i8>",
                            "<i8>1<!-- --></i8>",
                            "<i8>&#49;</i8>",
                            "<i8>1<b/></i8>",
                            "<i8>1<?pi?></i8>",
                            "<i8 a='b'> 1</i8>",
                            "<i8>-</i8>",
                            "<int>2147483648</int>",
                            "<i4>-2147483649</i4>",
                            "<int> 5</int>",
                            "<int>0x5</int>",
                            "<i1>a</i1>",
                            "<i2>a</i2>",
                            "<double>inf</double>",
                            "<double>nan</double>",
                            "<double>1e999</double>",
                            "<double>1e</double>",
                            "<double>.</double>",
                            "<double></double>",
                            "<double/>",
                            "<double>1,5</double>",
                            "<double>0x1p3</double>",
                            "<ex:float>inf</ex:float>"})
        EXPECT_FALSE(passes(value(bad), xmlRpc)) << bad;
    EXPECT_FALSE(passes(value("<double>" + std::string(65, '9') + "</double>"), xmlRpc));
    EXPECT_TRUE(passes(value("<i8>abc</i8>"))); // SOAP knows no i8
}

TEST(XmlGuard, countsTheCallsOfAMulticall) {
    const auto calls = [](std::size_t count) {
        return value(
            "<array><data>" +
            repeat("<value><struct><member><name>methodName</name><value>m</value></member><member><name>params</name>"
                   "<value><array><data></data></array></value></member></struct></value>",
                   count) +
            "</data></array>");
    };
    EXPECT_TRUE(passes(calls(100), xmlRpc));
    EXPECT_EQ(refusalOf(calls(101), xmlRpc), "too many calls in one multicall");
    EXPECT_FALSE(passes(calls(3), {.xmlRpc = true, .calls = 2}));
    EXPECT_FALSE(passes(value("<struct><member><name>method&#78;ame</name></member></struct>"), xmlRpc));
    EXPECT_FALSE(passes(value("<struct><member><name><![CDATA[methodName]]></name></member></struct>"), xmlRpc));
}

// Every byte is looked at a bounded number of times, whatever the body: counted, so that the machine's load does not
// matter.
TEST(XmlGuard, isLinear) {
    constexpr std::size_t size = 1 << 20;
    const XmlGuardLimits open{.tagBytes = 2 * size,
                              .attributes = size,
                              .attributesInAll = size,
                              .namespacesInScope = size,
                              .elements = size,
                              .instructionBytes = 2 * size,
                              .xmlRpc = true,
                              .calls = size};
    const auto until = [](std::string start, std::string_view unit) {
        while (start.size() < size) start += unit;
        return start;
    };
    const std::vector<std::string> bodies{until("<a>", "x"),
                                          until("<a>", "&lt;"),
                                          until("<a>", "<b/>"),
                                          until("<a>", "<i8>1</i8>"),
                                          until("<a>", "<name>methodName</name>"),
                                          until("<a>", "<c><b>\xC3\xA9</b></c>"),
                                          until("<a", " b='c'"),
                                          until("<a ", " "),
                                          until("<", "n"),
                                          until("<a><i8>", "1"),
                                          until("<a><!--", "- "),
                                          until("<a><![CDATA[", "]]"),
                                          until("<a><?pi ", "? "),
                                          until("<a b='", "&gt;"),
                                          until("<a></a", " "),
                                          until("<a>", "<b></b ><!----><?p ?>")};
    for (const auto& body : bodies) {
        std::size_t steps = 0;
        guardXml(body, open, &steps);
        EXPECT_GE(steps, size / 2) << body.substr(0, 20);
        EXPECT_LE(steps, body.size() * 10) << body.substr(0, 20);
    }
}

} // namespace
} // namespace pbx
