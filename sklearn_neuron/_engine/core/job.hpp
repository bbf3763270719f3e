// A fit's values, in the precision of its computation, and its memory.

#pragma once

#include <cstdlib>

#include "core.h"
#include "loops.hpp"

namespace core { namespace {

// Memory that ends with its owner. (Not a std::vector: its functions would be shared between the
// variants of different instruction sets.)
template <class T> struct Memory {
  T *at = nullptr;
  Memory() = default;
  Memory(const Memory &) = delete;
  Memory &operator=(const Memory &) = delete;
  ~Memory() { std::free(block); }
  bool take(i64 n) {
    if (n <= 0) return true;
    block = std::malloc(static_cast<std::size_t>(n) * sizeof(T) + 64);
    if (!block) return false;
    at = reinterpret_cast<T *>((reinterpret_cast<std::uintptr_t>(block) + 63) & ~std::uintptr_t(63));
    return true;
  }

 private:
  void *block = nullptr;
};

template <class T> struct Layer {
  i64 n_in, n_out;
  T *W, *b, *dW, *db;
  Activation<T> activation;  // of a hidden layer
  T constant;
  // memory of a block; slope is null where it follows from a. The last layer has delta only.
  T *a, *slope, *delta;
};

constexpr int MOST_LAYERS = 64;
// Samples are fetched so many ahead of those that are read.
constexpr i64 AHEAD = 4;

// Some samples: those that `order` names, or a run of consecutive ones.
struct Rows {
  const i32 *order;  // null: consecutive
  i64 first, m;
  INLINE i64 operator[](i64 r) const { return order ? order[first + r] : first + r; }
  Rows part(i64 from, i64 count) const { return {order, first + from, count}; }
};

template <class T> struct Data {
  i64 n, p, K;
  const T *X;  // null for CSR
  bool by_columns;  // X is in column-major order: only all samples together are read so
  const T *values;
  const i32 *indices;
  const i64 *indptr;
  const T *Y;
  const unsigned char *Y_bool;
  T Y_scale, Y_shift;
  const T *weight;

  INLINE T target(i64 i) const {
    return (Y_bool ? T(Y_bool[i]) : Y[i]) * Y_scale + Y_shift;
  }
  // The targets of some samples, in `memory` unless they lie together as they are.
  const T *targets(const Rows &rows, T *memory) const {
    if (Y && !rows.order && Y_scale == T(1) && Y_shift == T(0)) return Y + rows.first * K;
    if (Y_bool && !rows.order) {  // by packs
      const unsigned char *y = Y_bool + rows.first * K;
      const T scale_ = Y_scale, shift = Y_shift;
      for (i64 i = 0; i < rows.m * K; i++) memory[i] = static_cast<T>(y[i]) * scale_ + shift;
      return memory;
    }
    for (i64 r = 0; r < rows.m; r++) {
      const i64 i = rows[r] * K;
      for (i64 k = 0; k < K; k++) memory[r * K + k] = target(i + k);
    }
    return memory;
  }
  const T *weights(const Rows &rows, T *memory) const {
    if (!weight) return nullptr;
    if (!rows.order) return weight + rows.first;
    for (i64 r = 0; r < rows.m; r++) memory[r] = weight[rows[r]];
    return memory;
  }
  // Fetches the features of a sample into the nearest cache.
  INLINE void fetch(i64 i) const {
    constexpr i64 line = 64 / static_cast<i64>(sizeof(T));
    if (X) {
      for (i64 j = 0; j < p; j += line) prefetch(X + i * p + j);
      return;
    }
    for (i64 at = indptr[i]; at < indptr[i + 1]; at += line) {
      prefetch(values + at);
      prefetch(indices + at);
    }
  }
  // Features of samples, one row after the other: where they lie, or in `memory`.
  const T *features(const Rows &rows, T *memory) const {
    if (by_columns) {
      for (i64 j = 0; j < p; j++) {
        const T *x = X + j * n + rows.first;
        for (i64 r = 0; r < rows.m; r++) memory[r * p + j] = x[r];
      }
      return memory;
    }
    if (!rows.order || rows.m == 1) return X + rows[0] * p;
    for (i64 r = 0; r < rows.m; r++) {
      const T *row = X + rows[r] * p;
      if (r + AHEAD < rows.m) fetch(rows[r + AHEAD]);
      T *out = memory + r * p;
      each_pack<T>(p, [&](i64 j, int part) { store_some(out + j, load_some(row + j, part), part); });
    }
    return memory;
  }
};

// Sum of squares, in double precision from here on.
template <class T> INLINE double squares(i64 n, const T *w) { return static_cast<double>(dot(n, w, w)); }

template <class T> INLINE bool finite(i64 n, const T *x) {
  Pack<T> t = {};
  each_pack<T>(n, [&](i64 j, int part) {
    const Pack<T> v = load_some(x + j, part);
    t += v - v;  // NaN unless v is finite
  });
  return sum<T>(t) == T(0);
}

}}  // namespace core
