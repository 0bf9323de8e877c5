// A rendered folder on disk: written whole or not at all, compared, checked.
// Threads: one at a time a folder. Fails with pbx::Error: conflict (the folder holds what is not ours, or what somebody
// changed by hand), unavailable (the file system; the cause says what), invalidArgument.
//
// A new folder is written beside (DIR.pbxd-new), its custom/ copied from the old one, and both change names in one step
// (renameat2 with RENAME_EXCHANGE): Asterisk finds the old files or the new ones. The old ones stay as DIR.pbxd-old.
#pragma once

#include "render/render.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace pbx::render {

// `force`: overwrites what was changed by hand since it was rendered. Owner and group are those of the folder before.
void writeFolder(const std::string& path, const Files& files, bool force);

// Undoes the last writeFolder: what was there before is in place again, and what was written stays as DIR.pbxd-refused.
// conflict where there was nothing before.
void restoreFolder(const std::string& path);

// The files that writeFolder would change, add or take away, by name.
std::vector<std::string> changedFiles(const std::string& path, const Files& files);

// What writeFolder would change there, as a unified diff with secrets masked; empty: nothing.
std::string compareFolder(const std::string& path, const Files& files);

// What is wrong with a rendered folder, a sentence each with its remedy: files missing, changed by hand or open to
// others, includes of what is not there, secrets that are not those of `machine` any more.
std::vector<std::string> checkFolder(const std::string& path, const Machine& machine);

} // namespace pbx::render
