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

// RandomState.permutation(n): for i from n - 1 down to 1, elements i and j are exchanged, with j drawn
// from [0, i] by rejection under a mask. At least i numbers are still needed, so that many may be drawn
// ahead, and a rejected one exchanges i with itself: no branch has to be guessed.
INLINE void permutation(Generator *g, i64 n, i32 *order) {
  constexpr i64 AT_A_TIME = 256;
  std::uint32_t drawn[AT_A_TIME], mask = ~std::uint32_t(0);
  for (i64 i = 0; i < n; i++) order[i] = static_cast<i32>(i);
  for (i64 i = n - 1; i > 0;) {
    const i64 count = i < AT_A_TIME ? i : AT_A_TIME;
    for (i64 k = 0; k < count; k++) drawn[k] = g->next_uint32(g->state);
    while (mask >> 1 >= static_cast<std::uint32_t>(i)) mask >>= 1;
    for (i64 k = 0; k < count; k++) {
      mask = mask >> 1 >= static_cast<std::uint32_t>(i) ? mask >> 1 : mask;
      const i64 value = drawn[k] & mask, j = value <= i ? value : i;
      const i32 held = order[i];
      order[i] = order[j];
      order[j] = held;
      i -= value <= i;
    }
  }
}

}}  // namespace core
