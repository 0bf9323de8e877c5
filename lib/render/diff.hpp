// Two texts as a unified diff, secrets masked. Threads: pure functions. Nothing fails.
#pragma once

#include <string>
#include <string_view>

namespace pbx::render {

// "--- NAME\n+++ NAME\n@@ ..." with three lines around; empty when the texts are the same. Where two texts differ in so
// much that comparing them would take long (2000 lines against 2000), that part is shown as replaced whole.
std::string unifiedDiff(std::string_view name, std::string_view before, std::string_view after);

// A line of a rendered file without its secret: values of secret, password and md5_cred, the token of an AGI address.
std::string masked(std::string_view line);

} // namespace pbx::render
