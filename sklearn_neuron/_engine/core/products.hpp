// Products of matrices and vectors.
//
// A matrix product goes tile by tile: a tile of the result stays in registers while its rows and
// columns are multiplied. No operand is copied but a transposed B, a panel of columns at a time.
// On square matrices that fit in the second cache this reaches what OpenBLAS does, and on the narrow
// ones of small batches 1.1 to 1.4 times that.

#pragma once

#include "simd.hpp"

namespace core { namespace {

INLINE i64 lesser(i64 a, i64 b) { return a < b ? a : b; }
INLINE i64 larger(i64 a, i64 b) { return a > b ? a : b; }
INLINE i64 ratio_up(i64 a, i64 b) { return (a + b - 1) / b; }

// ---- vectors ---------------------------------------------------------------------------------------

// Calls f(i, part) for every pack of n numbers; part is the length of the last if it is shorter.
template <class T, class F> INLINE void each_pack(i64 n, F f) {
  i64 i = 0;
  for (; i + WIDTH<T> <= n; i += WIDTH<T>) f(i, WIDTH<T>);
  if (i < n) f(i, static_cast<int>(n - i));
}
template <class T> INLINE Pack<T> load_some(const T *p, int n) {
  return n == WIDTH<T> ? load(p) : load_part(p, n);
}
template <class T> INLINE void store_some(T *p, Pack<T> v, int n) {
  if (n == WIDTH<T>) store(p, v);
  else store_part(p, v, n);
}

// How a loop reads and writes: by packs, or a single number, which is faster where there is only one.
template <class T> struct ByPacks {
  using V = Pack<T>;
  static INLINE V get(const T *p, int part) { return load_some(p, part); }
  static INLINE void put(T *p, V v, int part) { store_some(p, v, part); }
  static INLINE T sum_of(V v) { return sum<T>(v); }
  template <class F> static INLINE void each(i64 n, F f) { each_pack<T>(n, f); }
};
template <class T> struct ByNumbers {
  using V = T;
  static INLINE V get(const T *p, int) { return *p; }
  static INLINE void put(T *p, V v, int) { *p = v; }
  static INLINE T sum_of(V v) { return v; }
  template <class F> static INLINE void each(i64 n, F f) {
    for (i64 i = 0; i < n; i++) f(i, 1);
  }
};

template <class T> INLINE T dot(i64 n, const T *x, const T *y) {
  Pack<T> t[4] = {};
  i64 i = 0;
  for (; i + 4 * WIDTH<T> <= n; i += 4 * WIDTH<T>) {
    UNROLL
    for (int k = 0; k < 4; k++) t[k] += load(x + i + k * WIDTH<T>) * load(y + i + k * WIDTH<T>);
  }
  each_pack<T>(n - i, [&](i64 j, int part) {
    t[0] += load_some(x + i + j, part) * load_some(y + i + j, part);
  });
  return sum<T>((t[0] + t[1]) + (t[2] + t[3]));
}

// y += factor x
template <class T> INLINE void axpy(i64 n, T factor, const T *x, T *y) {
  each_pack<T>(n, [&](i64 j, int part) {
    store_some(y + j, load_some(y + j, part) + factor * load_some(x + j, part), part);
  });
}

template <class T> INLINE void scale(i64 n, T factor, T *x) {
  if (factor != T(1)) for (i64 j = 0; j < n; j++) x[j] *= factor;
}

// ---- matrices --------------------------------------------------------------------------------------

// C = keep C + factor A B, plus a row for each of its rows unless that is null. Element (i, k) of A is
// at A[i * row + k * column]; rows of B and C are contiguous, at a distance of ldb and ldc.
template <class T> struct Product {
  i64 K;
  const T *A;
  i64 row, column;
  const T *B;
  i64 ldb;
  T *C;
  i64 ldc;
  T keep, factor;
  const T *plus;
};

// A tile of M rows and N packs; the last pack has `part` columns.
template <class T, int M, int N, bool PART> INLINE void tile(const Product<T> &p, i64 first, int part) {
  constexpr int V = WIDTH<T>;
  constexpr int CHAINS = M * N >= 8 ? 1 : (M * N >= 4 ? 2 : 4);  // sums that do not wait for each other
  Pack<T> c[CHAINS][M][N] = {};
  const T *A = p.A + first * p.row, *B = p.B;
  const auto step = [&](Pack<T>(&sums)[M][N]) INLINE_LAMBDA {
    Pack<T> b[N];
    UNROLL
    for (int j = 0; j < N; j++) b[j] = PART && j == N - 1 ? load_part(B + j * V, part) : load(B + j * V);
    UNROLL
    for (int r = 0; r < M; r++) {
      const T a = A[r * p.row];
      UNROLL
      for (int j = 0; j < N; j++) sums[r][j] += a * b[j];
    }
    A += p.column;
    B += p.ldb;
  };
  i64 k = 0;
  for (; k + CHAINS <= p.K; k += CHAINS) {
    UNROLL
    for (int s = 0; s < CHAINS; s++) step(c[s]);
  }
  for (; k < p.K; k++) step(c[0]);
  UNROLL
  for (int r = 0; r < M; r++) {
    UNROLL
    for (int j = 0; j < N; j++) {
      UNROLL
      for (int s = 1; s < CHAINS; s++) c[0][r][j] += c[s][r][j];
      const int n = PART && j == N - 1 ? part : V;
      T *at = p.C + (first + r) * p.ldc + j * V;
      Pack<T> out = p.factor * c[0][r][j];
      if (p.keep != T(0)) out += p.keep * (PART && j == N - 1 ? load_part(at, n) : load(at));
      if (p.plus) out += PART && j == N - 1 ? load_part(p.plus + j * V, n) : load(p.plus + j * V);
      if (PART && j == N - 1) store_part(at, out, n);
      else store(at, out);
    }
  }
}

// Shapes of tiles, in rows and packs: what the registers hold. Few rows make broad ones, so that
// longer pieces of each row of B are read.
constexpr int TALL = BYTES == 64 ? 8 : 4, WIDE = 3, BROAD = BYTES == 64 ? 6 : 3, ROW = BYTES == 64 ? 16 : 8;
// Rows of A from which B is copied, so many of its rows at a time, where its own are far apart.
constexpr i64 MANY_ROWS = 24, DEPTH = 256, FAR = 2048;
// A row of B is fetched so many rows before it is copied, as each lies on another page: 35 instead of
// 23 GFLOP/s for 32 rows times 1000 x 1000.
constexpr i64 AHEAD_OF_COPY = 24;
// Rows up to which delta W^T is made of inner products with the rows of W, if these are so long: W need
// not be copied. 8 rows times 256 x 256 reach 47 GFLOP/s instead of 24.
constexpr i64 FEW_ROWS = 32, LONG_DOT = 32;

template <class T, int N, bool PART> void panel(const Product<T> &p, i64 M, int part) {
  i64 r = 0;
  if constexpr (N <= WIDE) {
    for (; r + TALL <= M; r += TALL) tile<T, TALL, N, PART>(p, r, part);
    if constexpr (TALL > 4) if (M - r >= 4) { tile<T, 4, N, PART>(p, r, part); r += 4; }
  } else {
    for (; r + 4 <= M; r += 4) tile<T, 4, N, PART>(p, r, part);
  }
  if (M - r >= 2) { tile<T, 2, N, PART>(p, r, part); r += 2; }
  if (M - r >= 1) tile<T, 1, N, PART>(p, r, part);
}

// How many packs of columns a panel takes, if `packs` are left.
INLINE int packs_of(i64 M, i64 packs) {
  if (M == 1 && packs >= ROW) return ROW;
  if (M <= 4 && packs >= BROAD) return BROAD;
  return static_cast<int>(packs == WIDE + 1 ? 2 : (packs < WIDE ? packs : WIDE));
}

template <class T> void one_panel(const Product<T> &p, i64 M, int n, int part) {
  switch (2 * n + (part < WIDTH<T>)) {
    case 2: panel<T, 1, false>(p, M, part); break;
    case 3: panel<T, 1, true>(p, M, part); break;
    case 4: panel<T, 2, false>(p, M, part); break;
    case 5: panel<T, 2, true>(p, M, part); break;
    case 6: panel<T, 3, false>(p, M, part); break;
    case 7: panel<T, 3, true>(p, M, part); break;
    case 2 * ROW: tile<T, 1, ROW, false>(p, 0, part); break;
    case 2 * ROW + 1: tile<T, 1, ROW, true>(p, 0, part); break;
    default:
      if constexpr (BROAD > WIDE) {
        if (part == WIDTH<T>) panel<T, BROAD, false>(p, M, part);
        else panel<T, BROAD, true>(p, M, part);
      }
  }
}

// How the elements of B lie: B[k, j] at B[k * row + j * column].
template <class T> INLINE void copy_panel(i64 K, i64 columns, const T *B, i64 row, i64 column, T *out) {
  if (column == 1) {
    for (i64 k = 0; k < K; k++, B += row, out += columns) {
      for (i64 j = 0; j < columns; j += 64 / static_cast<i64>(sizeof(T))) prefetch(B + AHEAD_OF_COPY * row + j);
      each_pack<T>(columns, [&](i64 j, int part) { store_some(out + j, load_some(B + j, part), part); });
    }
    return;
  }
  for (i64 k0 = 0; k0 < K; k0 += 8) {  // a line of the cache at a time
    const i64 k1 = lesser(k0 + 8, K);
    for (i64 i = 0; i < columns; i++)
      for (i64 k = k0; k < k1; k++) out[k * columns + i] = B[k * row + i * column];
  }
}

// C (M, N) = keep C + factor A B, with A (M, K) at strides, and B (K, N) at strides ldb and column.
// `memory` holds a panel: panel_size() numbers.
template <class T> constexpr i64 panel_size() { return WIDE * WIDTH<T> * DEPTH; }
template <class T> void multiply(Product<T> p, i64 M, i64 N, i64 column, T *memory) {
  const bool far = p.ldb * static_cast<i64>(sizeof(T)) >= FAR && p.K > 16;
  const bool copies = column != 1 || (M >= MANY_ROWS && far);
  while (N > 0) {
    const int n = packs_of(copies ? MANY_ROWS : M, ratio_up(N, WIDTH<T>));
    const i64 columns = lesser(N, n * WIDTH<T>);
    const int part = static_cast<int>(columns - (n - 1) * WIDTH<T>);
    if (copies) {
      for (i64 k = 0; k < p.K; k += DEPTH) {
        Product<T> deep = p;
        deep.K = lesser(DEPTH, p.K - k);
        deep.A = p.A + k * p.column;
        copy_panel(deep.K, columns, p.B + k * p.ldb, p.ldb, column, memory);
        deep.B = memory;
        deep.ldb = columns;
        if (k) deep.keep = T(1);
        if (k + DEPTH < p.K) deep.plus = nullptr;
        one_panel(deep, M, n, part);
      }
    } else {
      one_panel(p, M, n, part);
    }
    p.B += columns * column;
    p.C += columns;
    if (p.plus) p.plus += columns;
    N -= columns;
  }
}

// ---- the products of a layer, with rows of m samples -----------------------------------------------

template <int N> struct Number { static constexpr int value = N; };

// t[r][k] = x(k) . D[r] for the rows x(0), x(1), ..., as many as a pack holds, and R rows of D, in packs
// whose sums are still to be taken.
template <class T, int R, class Row> INLINE void dots(i64 n, Row x, const T *D, Pack<T> (&t)[R][WIDTH<T>]) {
  constexpr int V = WIDTH<T>;
  const auto add = [&](i64 j, auto load_from) INLINE_LAMBDA {
    Pack<T> d[R];
    UNROLL
    for (int r = 0; r < R; r++) d[r] = load_from(D + r * n + j);
    UNROLL
    for (int k = 0; k < V; k++) {
      const Pack<T> along = load_from(x(k) + j);
      UNROLL
      for (int r = 0; r < R; r++) t[r][k] += along * d[r];
    }
  };
  i64 j = 0;
  for (; j + V <= n; j += V) add(j, [](const T *p) INLINE_LAMBDA { return load(p); });
  if (j < n) {
    const int part = static_cast<int>(n - j);
    add(j, [part](const T *p) INLINE_LAMBDA { return load_part(p, part); });
  }
}

// out[r] = row(r) . w for m rows, plus a number
template <class T, class Row> INLINE void rows_times(i64 m, i64 n, Row row, const T *w, T plus, T *out) {
  constexpr int V = WIDTH<T>;
  i64 r = 0;
  for (; r + V <= m; r += V) {
    const T *x[V];
    Pack<T> t[1][V] = {};
    UNROLL
    for (int k = 0; k < V; k++) x[k] = row(r + k);
    dots<T, 1>(n, [&](int k) INLINE_LAMBDA { return x[k]; }, w, t);
    store(out + r, sums<T>(t[0]) + plus);
  }
  for (; r < m; r++) out[r] = plus + dot(n, row(r), w);
}

// out (m, n_out) = A (m, n_in) W, plus b unless that is null
template <class T> INLINE void times(i64 m, i64 n_in, i64 n_out, const T *A, const T *W, const T *b, T *memory, T *out) {
  if (n_out == 1) rows_times(m, n_in, [=](i64 r) { return A + r * n_in; }, W, b ? *b : T(0), out);
  else multiply<T>({n_in, A, n_in, 1, W, n_out, out, n_out, T(0), T(1), b}, m, n_out, 1, memory);
}

// out (n_in, n_out) = keep out + factor A^T delta, where rows of A are at a distance of lda
template <class T>
INLINE void transposed_times(i64 m, i64 n_in, i64 n_out, const T *A, i64 lda, const T *delta, T keep, T factor, T *memory, T *out) {
  if (n_out == 1)  // A^T delta is delta^T A, whose result is a row
    multiply<T>({m, delta, 1, 1, A, lda, out, n_in, keep, factor, nullptr}, 1, n_in, 1, memory);
  else
    multiply<T>({m, A, 1, lda, delta, n_out, out, n_out, keep, factor, nullptr}, n_in, n_out, 1, memory);
}

// out[r, i] = X[i] . D[r] for all rows of X (n_in, n) and D (m, n)
template <class T> void all_dots(i64 m, i64 n_in, i64 n, const T *X, const T *D, T *out) {
  constexpr int V = WIDTH<T>, R = BYTES == 64 && V == 8 ? 3 : (V <= 4 ? 2 : 1);
  i64 i = 0, r = 0;
  const auto some = [&](auto count) INLINE_LAMBDA {
    Pack<T> t[count.value][V] = {};
    dots<T, count.value>(n, [&](int k) INLINE_LAMBDA { return X + (i + k) * n; }, D + r * n, t);
    UNROLL
    for (int s = 0; s < count.value; s++) store(out + (r + s) * n_in + i, sums<T>(t[s]));
    r += count.value;
  };
  for (; i + V <= n_in; i += V) {
    for (r = 0; r + R <= m;) some(Number<R>{});
    if constexpr (R > 2) if (m - r == 2) some(Number<2>{});
    while (r < m) some(Number<1>{});
  }
  for (; i < n_in; i++) for (r = 0; r < m; r++) out[r * n_in + i] = dot(n, X + i * n, D + r * n);
}

// out (m, n_in) = delta (m, n_out) W^T
template <class T>
void times_transposed(i64 m, i64 n_in, i64 n_out, const T *delta, const T *W, T *memory, T *out) {
  if (n_out == 1) {
    for (i64 r = 0; r < m; r++) {
      const T d = delta[r];
      each_pack<T>(n_in, [&](i64 j, int part) {
        store_some(out + r * n_in + j, d * load_some(W + j, part), part);
      });
    }
  } else if (m == 1) {
    rows_times(n_in, n_out, [=](i64 i) { return W + i * n_out; }, delta, T(0), out);
  } else if (m <= FEW_ROWS && n_out >= LONG_DOT) {
    all_dots(m, n_in, n_out, W, delta, out);
  } else {
    multiply<T>({n_out, delta, n_out, 1, W, 1, out, n_in, T(0), T(1), nullptr}, m, n_in, n_out, memory);
  }
}

// The sums of the columns of delta (m, n).
template <class T> INLINE void column_sums(i64 m, i64 n, const T *delta, T *out) {
  each_pack<T>(n, [&](i64 j, int part) {
    Pack<T> t[4] = {};
    i64 r = 0;
    for (; r + 4 <= m; r += 4) {
      UNROLL
      for (int k = 0; k < 4; k++) t[k] += load_some(delta + (r + k) * n + j, part);
    }
    for (; r < m; r++) t[0] += load_some(delta + r * n + j, part);
    store_some(out + j, (t[0] + t[1]) + (t[2] + t[3]), part);
  });
}

}}  // namespace core
