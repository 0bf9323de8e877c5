// Random numbers that are the same on every machine for the same seed: the day of the simulator can be replayed.
// Threads: one. Nothing fails. Not for secrets (base/random.hpp is).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace pbx::sim {

// splitmix64 (Steele, Lea, Flood 2014); the standard distributions differ between libraries, so ours are here.
class Rng {
public:
    explicit Rng(std::uint64_t seed) : state_(seed) {}

    std::uint64_t next() {
        state_ += 0x9E3779B97F4A7C15ULL;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
        return z ^ (z >> 31U);
    }
    double unit() { return static_cast<double>(next() >> 11U) * 0x1.0p-53; } // [0, 1)
    std::size_t below(std::size_t n) { return n == 0 ? 0 : static_cast<std::size_t>(next() % n); }
    bool chance(double p) { return unit() < p; }
    double between(double low, double high) { return low + (high - low) * unit(); }
    double exponential(double mean) { return -mean * std::log(1.0 - unit()); }
    // Log-normal with this median; sigma 0.6 gives talk times as call centres have them (a long tail).
    double logNormal(double median, double sigma) {
        const double u = std::max(unit(), 1e-12);
        const double normal = std::sqrt(-2.0 * std::log(u)) * std::cos(6.283185307179586 * unit());
        return median * std::exp(sigma * normal);
    }

private:
    std::uint64_t state_;
};

} // namespace pbx::sim
