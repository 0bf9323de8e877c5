// What of a table may stand in a file of Asterisk's, and how. Two rules, no others:
// - word(): names, numbers, sounds, interfaces. Only characters that mean nothing in any of the files may occur; where
//   one does, the value is a fault, and nothing is written. The dialplan and SQL are given words alone.
// - text(): what a person may write freely (the name shown to who is called), for values of ini files: cut to one line
//   without what Asterisk's reader of caller ids takes apart, ';' escaped. It never reaches the dialplan.
// Threads: a Faults belongs to one. Nothing is thrown but by Faults::refuse().
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pbx::render {

class Faults {
public:
    void add(std::string fault) { faults_.push_back(std::move(fault)); }
    // pbx::Error(invalidArgument) with all of them, a line each.
    void refuse() const;

private:
    std::vector<std::string> faults_;
};

// Letters, digits and those of `more`, not empty; else a fault that names `what`. Answers the value all the same.
std::string word(Faults& faults, std::string_view value, std::string_view more, std::string_view what);
// As word(), or empty.
std::string maybeWord(Faults& faults, std::string_view value, std::string_view more, std::string_view what);
std::string text(std::string_view value);
// A secret as an ini value: any printable ASCII that the file can carry; else a fault that does not repeat it.
std::string secretValue(Faults& faults, std::string_view value, std::string_view what);

inline constexpr std::string_view slugMarks = "-";
inline constexpr std::string_view nameMarks = "_.-";      // a queue's name in Asterisk
inline constexpr std::string_view endpointMarks = "_.+-"; // what stands behind PJSIP/
inline constexpr std::string_view numberMarks = "+";
inline constexpr std::string_view soundMarks = "_-/";
inline constexpr std::string_view hostMarks = "_.:-[]";
inline constexpr std::string_view pathMarks = "_./+-";

} // namespace pbx::render
