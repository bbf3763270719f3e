// Random numbers, from NumPy's own generators: the same numbers as in Python, in the same order.

#pragma once

#include "simd.hpp"

namespace core { namespace {

// numpy/random/bitgen.h
struct Generator {
  void *state;
  std::uint64_t (*next_uint64)(void *);
  std::uint32_t (*next_uint32)(void *);
  double (*next_double)(void *);
  std::uint64_t (*next_raw)(void *);
};

// numpy/random/src/mt19937/mt19937.h, which is not public: that it is so is tried out when the core is
// loaded, and else next_uint32 is called for every number, which takes 3 ns.
struct MersenneTwister {
  std::uint32_t key[624];
  int pos;
};

// Where a generator was, to wind it back; of one that is not a MersenneTwister nothing is known.
class Stream {
 public:
  Stream(const Generator *g, bool direct) : twister(direct && g ? static_cast<MersenneTwister *>(g->state) : nullptr) {
    if (twister) then = *twister;
  }
  void wind_back() const {
    if (twister) *twister = then;
  }

 private:
  MersenneTwister *twister, then;
};

// The next numbers of next_uint32; direct: the generator is a MersenneTwister.
INLINE void draw(Generator *g, bool direct, i64 count, std::uint32_t *out) {
  auto *twister = static_cast<MersenneTwister *>(g->state);
  while (count > 0) {
    const i64 left = direct ? 624 - twister->pos : 0, some = left < count ? left : count;
    if (some <= 0) {  // this one makes the 624 that follow
      *out++ = g->next_uint32(g->state);
      count--;
      continue;
    }
    const std::uint32_t *key = twister->key + twister->pos;
    for (i64 k = 0; k < some; k++) {  // tempering: M. Matsumoto and T. Nishimura, Mersenne Twister, 1998
      std::uint32_t y = key[k];
      y ^= y >> 11;
      y ^= (y << 7) & 0x9d2c5680u;
      y ^= (y << 15) & 0xefc60000u;
      out[k] = y ^ (y >> 18);
    }
    twister->pos += static_cast<int>(some);
    out += some;
    count -= some;
  }
}

// RandomState.permutation(n): for i from n - 1 down to 1, elements i and j are exchanged, with j drawn
// from [0, i] by rejection under a mask. At least i numbers are still needed, so that many may be drawn
// ahead; those that are accepted are collected without a branch that would have to be guessed.
INLINE void permutation(Generator *g, bool direct, i64 n, i32 *order) {
  constexpr i64 AT_A_TIME = 256;
  std::uint32_t drawn[AT_A_TIME], places[AT_A_TIME], mask = ~std::uint32_t(0);
  for (i64 i = 0; i < n; i++) order[i] = static_cast<i32>(i);
  for (i64 i = n - 1; i > 0;) {
    const i64 count = i < AT_A_TIME ? i : AT_A_TIME, first = i;
    draw(g, direct, count, drawn);
    for (i64 k = 0; k < count;) {
      while (mask >> 1 >= static_cast<std::uint32_t>(i)) mask >>= 1;
      for (const i64 half = mask >> 1; k < count && i > half; k++) {
        const std::uint32_t j = drawn[k] & mask;
        places[first - i] = j;
        i -= j <= static_cast<std::uint32_t>(i);
      }
      if (i == 0) break;
    }
    for (i64 at = first; at > i; at--) {
      const i64 j = places[first - at];
      const i32 held = order[at];
      order[at] = order[j];
      order[j] = held;
    }
  }
}

}}  // namespace core
