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

// An integer in [0, most], by rejection under a mask, as RandomState draws it.
INLINE std::uint32_t below_or_at(Generator *g, std::uint32_t most) {
  std::uint32_t mask = most;
  mask |= mask >> 1;
  mask |= mask >> 2;
  mask |= mask >> 4;
  mask |= mask >> 8;
  mask |= mask >> 16;
  std::uint32_t value;
  do value = g->next_uint32(g->state) & mask;
  while (value > most);
  return value;
}

// RandomState.permutation(n)
INLINE void permutation(Generator *g, i64 n, i32 *order) {
  for (i64 i = 0; i < n; i++) order[i] = static_cast<i32>(i);
  for (i64 i = n - 1; i > 0; i--) {
    const i64 j = below_or_at(g, static_cast<std::uint32_t>(i));
    const i32 held = order[i];
    order[i] = order[j];
    order[j] = held;
  }
}

}}  // namespace core
