// The numbers of the three companies, as examples/three-companies/companies.json has them: what callers dial, and the
// callers whom pbxd's tables know. Held against that file by tests/unit/simulator.
// Threads: constants. Nothing fails.
#pragma once

#include <array>
#include <string_view>

namespace pbx::sim {

struct Company {
    std::string_view name;
    unsigned area;                           // of its callers: 1AAA555NNNN
    std::array<std::string_view, 3> dids;    // for support, sales, vip; E.164 without "+"
    std::string_view officeDid;              // for support too, but with opening hours; empty: none
    std::array<std::string_view, 4> callers; // blocked, preferred, with a status; "anonymous" hides his number
};

inline constexpr std::array<Company, 3> companies{{
    {"viatalk",
     201,
     {"12015550101", "12015550110", "12015550119"},
     "12015550100",
     {"12125550123", "12015550142", "12015550187", "13105550177"}},
    {"hostrocket",
     202,
     {"12025550100", "12025550110", "12025550100"},
     "",
     {"12125550123", "12025550171", "14155550132", "anonymous"}},
    {"dotblock",
     312,
     {"13125550100", "13125550110", "13125550100"},
     "",
     {"13125550166", "13125550181", "13125550190", "13125550166"}},
}};

} // namespace pbx::sim
