// One layer: loops that need no memory of a block, for a single output or for sparse samples.

#pragma once

#include "job.hpp"

namespace core { namespace {

// Columns from which samples are fetched ahead. For fewer the next sample's product is computed before
// the step is known.
constexpr i64 LONG_ROW = 64;
// Bytes of a group of samples that both passes read, the second from the nearest cache.
constexpr i64 GROUP_BYTES = 12288, LEAST_GROUP = 32, MOST_GROUP = 512;
// Below it the common factor of sparse weights is multiplied into them.
constexpr double SMALLEST_FACTOR = 1e-6;

// ---- dense samples, one output ---------------------------------------------------------------------

// z = bias + X w for some samples
template <class T> void rows_dot(const Data<T> &d, const Rows &rows, const T *w, T bias, T *z) {
  const i64 p = d.p;
  if (rows.order) {
    rows_times(rows.m, p, [&](i64 r) { return d.X + rows[r] * p; }, w, bias, z);
  } else {
    const T *X = d.X + rows.first * p;
    rows_times(rows.m, p, [=](i64 r) { return X + r * p; }, w, bias, z);
  }
}

// g[j] = keep g[j] + sum of delta x[j] over some samples, for N packs of columns. Meanwhile what comes
// `ahead` in memory is fetched.
template <class T, int N> INLINE void columns_add(const Data<T> &d, const Rows &rows, const T *delta, i64 j, int part, i64 ahead, T keep, T *g) {
  constexpr int V = WIDTH<T>, CHAINS = N >= 3 ? 2 : 4;
  Pack<T> t[CHAINS][N] = {};
  const bool whole = part == V;
  const auto add = [&](i64 r, Pack<T>(&to)[N]) INLINE_LAMBDA {
    const T *x = d.X + rows[r] * d.p + j;
    UNROLL
    for (int k = 0; k < N; k++) prefetch(x + ahead + k * V);
    UNROLL
    for (int k = 0; k < N; k++)
      to[k] += delta[r] * (k == N - 1 && !whole ? load_part(x + k * V, part) : load(x + k * V));
  };
  i64 r = 0;
  for (; r + CHAINS <= rows.m; r += CHAINS) {
    UNROLL
    for (int s = 0; s < CHAINS; s++) add(r + s, t[s]);
  }
  for (; r < rows.m; r++) add(r, t[0]);
  UNROLL
  for (int k = 0; k < N; k++) {
    for (int s = 1; s < CHAINS; s++) t[0][k] += t[s][k];
    const int n = k == N - 1 ? part : V;
    if (keep != T(0)) t[0][k] += keep * load_some(g + k * V, n);
    store_some(g + k * V, t[0][k], n);
  }
}

template <class T> void rows_add(const Data<T> &d, const Rows &rows, const T *delta, i64 ahead, T keep, T *g) {
  constexpr int V = WIDTH<T>;
  for (i64 j = 0; j < d.p;) {
    const i64 left = d.p - j, n = lesser(4, ratio_up(left, V));
    const int part = static_cast<int>(lesser(left, n * V) - (n - 1) * V);
    if (n == 1) columns_add<T, 1>(d, rows, delta, j, part, ahead, keep, g + j);
    else if (n == 2) columns_add<T, 2>(d, rows, delta, j, part, ahead, keep, g + j);
    else if (n == 3) columns_add<T, 3>(d, rows, delta, j, part, ahead, keep, g + j);
    else columns_add<T, 4>(d, rows, delta, j, part, ahead, keep, g + j);
    j += lesser(left, n * V);
  }
}

// What the loops of a single layer share. They are plain gradient descent: w = keep w - eta g.
template <class T> struct Neuron {
  const Data<T> &data;
  int loss;
  T constant;
  T *w, *b;
  T eta, keep;
  bool intercept;
  // Called after every update of the samples [first, first + m) with their sum of weight times loss,
  // the factor of the weights, and the sum of their squares before; null for nobody.
  bool (*after)(void *, i64 first, i64 m, double loss, double factor, double norm);
  void *argument;

  INLINE bool note(const Rows &rows, i64 r, T z, double factor, double norm) const {
    if (!after) return false;
    const i64 i = rows[r];
    const T y = data.target(i), one = T(1);
    T delta;
    const double value = loss_and_delta<T>(loss, {1, 1, &z, &y, data.weight ? data.weight + i : nullptr, one, constant, &delta});
    return after(argument, rows.first + r, 1, value, factor, norm);
  }

  INLINE T step(T z, i64 i) const {
    const T delta = one_delta(loss, z, data.target(i), constant);
    return data.weight ? -eta * delta * data.weight[i] : -eta * delta;
  }
};

// w = keep w + step x; returns the new sum of squares
template <class T> INLINE T scale_and_add(i64 p, T keep, T step, const T *x, T *w) {
  Pack<T> t = {};
  each_pack<T>(p, [&](i64 j, int part) {
    const Pack<T> v = keep * load_some(w + j, part) + step * load_some(x + j, part);
    store_some(w + j, v, part);
    t += v * v;
  });
  return sum<T>(t);
}

// An update for one sample at a time; z receives the outputs. Returns the sum of the squares of w
// before each update.
template <class T> double one_by_one(const Neuron<T> &u, const Rows &rows, T *z) {
  const Data<T> &d = u.data;
  T norm = dot(d.p, u.w, u.w);
  double total = 0.0;
  for (i64 r = 0; r < rows.m; r++) {
    total += norm;
    const i64 i = rows[r];
    if (r + AHEAD < rows.m) d.fetch(rows[r + AHEAD]);
    z[r] = u.b[0] + dot(d.p, d.X + i * d.p, u.w);
    const T step = u.step(z[r], i);
    if (u.intercept) u.b[0] += step;
    const T before = norm;
    norm = scale_and_add(d.p, u.keep, step, d.X + i * d.p, u.w);
    if (u.note(rows, r, z[r], 1.0, before)) break;
  }
  return total;
}

// The same for short rows, where each step would have to wait for the previous one: with x' the next
// sample, (keep w + s x) . x' = keep (w . x') + s (x . x'), and both products are there before s is.
template <class T> double one_by_one_ahead(const Neuron<T> &u, const Rows &rows, T *z) {
  const Data<T> &d = u.data;
  const i64 p = d.p, n = rows.m;
  T norm = dot(p, u.w, u.w), bias = u.b[0], along = dot(p, d.X + rows[0] * p, u.w);
  double total = 0.0;
  for (i64 r = 0; r < n; r++) {
    total += norm;
    const i64 i = rows[r];
    const T *x = d.X + i * p, *next = d.X + rows[r + 1 < n ? r + 1 : r] * p;
    Pack<T> later = {}, between = {};
    each_pack<T>(p, [&](i64 j, int part) {
      const Pack<T> v = load_some(next + j, part);
      later += v * load_some(u.w + j, part);
      between += v * load_some(x + j, part);
    });
    z[r] = bias + along;
    const T step = u.step(z[r], i);
    if (u.intercept) bias += step;
    along = u.keep * sum<T>(later) + step * sum<T>(between);
    u.b[0] = bias;
    const T before = norm;
    norm = scale_and_add(p, u.keep, step, x, u.w);
    if (u.note(rows, r, z[r], 1.0, before)) break;
  }
  return total;
}

// ---- sparse samples --------------------------------------------------------------------------------

// The weights are `factor` times the values in w, so that the penalty shrinks them all in a single
// product, and an update costs only the elements of its samples that are not zero (L. Bottou,
// Stochastic gradient descent tricks, 2012, section 5.1). w has K columns.
template <class T> struct Scaled {
  T factor = T(1);
  double norm;  // sum of the squares of the values in w

  void shrink(T keep, i64 n, T *w) {
    factor *= keep;
    if (std::abs(factor) >= T(SMALLEST_FACTOR)) return;
    scale(n, factor, w);
    factor = T(1);
    norm = squares(n, w);
  }
};

// One sample at a time, one output.
template <class T> double sparse_one_by_one(const Neuron<T> &u, const Rows &rows, T *z) {
  const Data<T> &d = u.data;
  Scaled<T> s;
  s.norm = squares(d.p, u.w);
  double total = 0.0;
  for (i64 r = 0; r < rows.m; r++) {
    const double norm = static_cast<double>(s.factor) * s.factor * s.norm;
    total += norm;
    const i64 i = rows[r], stop = d.indptr[i + 1];
    if (r + AHEAD < rows.m) d.fetch(rows[r + AHEAD]);
    T along = 0, length = 0;
    for (i64 at = d.indptr[i]; at < stop; at++) {
      const T x = d.values[at];
      along += x * u.w[d.indices[at]];
      length += x * x;
    }
    z[r] = u.b[0] + s.factor * along;
    T step = u.step(z[r], i);
    if (u.intercept) u.b[0] += step;
    const T before = s.factor;
    s.shrink(u.keep, d.p, u.w);
    if (s.factor == T(1) && before * u.keep != T(1)) along *= before * u.keep;
    step /= s.factor;
    for (i64 at = d.indptr[i]; at < stop; at++) u.w[d.indices[at]] += step * d.values[at];
    s.norm += step * (along + along + step * length);  // |w + s x|^2 = |w|^2 + 2 s w.x + s^2 |x|^2
    if (u.note(rows, r, z[r], s.factor, norm)) break;
  }
  scale(d.p, s.factor, u.w);
  return total;
}

// Batches of samples, any number of outputs; `work` holds the targets, weights and deltas of a batch.
// Adds up the loss.
template <class T>
double sparse_batches(const Neuron<T> &u, const Rows &all, i64 batch_size, T *z, T *work, double *loss) {
  const Data<T> &d = u.data;
  const i64 K = d.K;
  Scaled<T> s;
  s.norm = squares(d.p * K, u.w);
  double total = 0.0;
  for (i64 start = 0; start < all.m; start += batch_size) {
    const Rows rows = all.part(start, lesser(batch_size, all.m - start));
    const double norm = static_cast<double>(s.factor) * s.factor * s.norm;
    total += rows.m * norm;
    for (i64 r = 0; r < rows.m; r++) {
      if (start + r + AHEAD < all.m) d.fetch(all[start + r + AHEAD]);
      T *out = z + (start + r) * K;
      const i64 i = rows[r];
      for (i64 k = 0; k < K; k++) out[k] = 0;
      for (i64 at = d.indptr[i]; at < d.indptr[i + 1]; at++) {
        const T x = d.values[at], *w = u.w + static_cast<i64>(d.indices[at]) * K;
        for (i64 k = 0; k < K; k++) out[k] += x * w[k];
      }
      for (i64 k = 0; k < K; k++) out[k] = u.b[k] + s.factor * out[k];
    }
    T *delta = work + rows.m * (K + 1);
    const double value = loss_and_delta<T>(u.loss, {rows.m, K, z + start * K, d.targets(rows, work),
                                                    d.weights(rows, work + rows.m * K), T(1) / rows.m, u.constant, delta});
    *loss += value;
    s.shrink(u.keep, d.p * K, u.w);
    const T factor = -u.eta / s.factor;
    for (i64 r = 0; r < rows.m; r++) {
      const i64 i = rows[r];
      T *step = delta + r * K;
      if (u.intercept) for (i64 k = 0; k < K; k++) u.b[k] -= u.eta * step[k];
      for (i64 k = 0; k < K; k++) step[k] *= factor;
      for (i64 at = d.indptr[i]; at < d.indptr[i + 1]; at++) {
        const T x = d.values[at];
        T *w = u.w + static_cast<i64>(d.indices[at]) * K;
        for (i64 k = 0; k < K; k++) {
          const T change = step[k] * x;
          s.norm += change * (w[k] + w[k] + change);
          w[k] += change;
        }
      }
    }
    if (u.after && u.after(u.argument, rows.first, rows.m, value, s.factor, norm)) break;
  }
  scale(d.p * K, s.factor, u.w);
  return total;
}

}}  // namespace core
