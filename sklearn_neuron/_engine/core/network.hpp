// Any network: the two passes of backpropagation for a block of samples.
//
//   z^l = a^(l-1) W^l + b^l,  a^l = s(z^l)
//   delta^(l-1) = delta^l W^lT * s'(z^(l-1)),  dW^l = a^(l-1)T delta^l,  db^l = sum of delta^l
//
// as in network.py, whose letters are used here.

#pragma once

#include "job.hpp"
#include "random.hpp"

namespace core { namespace {

template <class T> struct Network {
  i64 L;
  Layer<T> layers[MOST_LAYERS];
  int loss;
  T loss_constant;
  double dropout;
  T *panel;  // for products: panel_size() numbers
};

// Multiplies a and s' by a mask that keeps 1 - p of the units: see dropout.py.
template <class T> void drop(Generator *generator, double p, i64 n, T *a, T *slope) {
  const T kept = static_cast<T>(1.0 / (1.0 - p));
  for (i64 j = 0; j < n; j++) {
    const T mask = generator->next_double(generator->state) >= p ? kept : T(0);
    a[j] *= mask;
    slope[j] *= mask;
  }
}

// out = x W for the sparse samples x
template <class T> void sparse_times(const Data<T> &d, const Rows &rows, i64 n_out, const T *W, T *out) {
  for (i64 r = 0; r < rows.m; r++, out += n_out) {
    if (r + AHEAD < rows.m) d.fetch(rows[r + AHEAD]);
    for (i64 k = 0; k < n_out; k++) out[k] = 0;
    const i64 i = rows[r], stop = d.indptr[i + 1];
    if (n_out == 1) {
      for (i64 at = d.indptr[i]; at < stop; at++) *out += d.values[at] * W[d.indices[at]];
      continue;
    }
    for (i64 at = d.indptr[i]; at < stop; at++) axpy(n_out, d.values[at], W + d.indices[at] * n_out, out);
  }
}

// out += factor x^T delta for the sparse samples x
template <class T>
void sparse_transposed_times(const Data<T> &d, const Rows &rows, i64 n_out, const T *delta, T factor, T *out) {
  for (i64 r = 0; r < rows.m; r++, delta += n_out) {
    const i64 i = rows[r], stop = d.indptr[i + 1];
    if (n_out == 1) {
      const T step = factor * *delta;
      for (i64 at = d.indptr[i]; at < stop; at++) out[d.indices[at]] += step * d.values[at];
      continue;
    }
    for (i64 at = d.indptr[i]; at < stop; at++)
      axpy(n_out, factor * d.values[at], delta, out + d.indices[at] * n_out);
  }
}

// Forward pass; z receives z^L. x: the features of the rows, null for sparse samples. In training,
// units are dropped. `ready` says that x W^1 is already where it belongs.
template <class T>
void forward(const Network<T> &net, const Data<T> &d, const Rows &rows, const T *x, T *z, Generator *generator, bool training,
             bool ready = false) {
  const i64 m = rows.m;
  for (i64 l = 0; l < net.L; l++) {
    const Layer<T> &layer = net.layers[l];
    const bool last = l == net.L - 1;
    T *out = last ? z : layer.a;
    const bool dense = !(l == 0 && (ready || !x));
    if (dense) times(m, layer.n_in, layer.n_out, l ? net.layers[l - 1].a : x, layer.W, last ? layer.b : nullptr, net.panel, out);
    else if (!ready) sparse_times(d, rows, layer.n_out, layer.W, out);
    if (last) {
      if (!dense) activate_rows<Identity, T>(m, layer.n_out, layer.b, T(0), out, nullptr);
    } else {
      layer.activation.forward(m, layer.n_out, layer.b, layer.constant, out, layer.slope);
      if (net.dropout > 0.0 && training) drop(generator, net.dropout, m * layer.n_out, out, layer.slope);
    }
  }
}

// Backward pass, from delta^L in the last layer. For each layer, from the last, use(l, a) is called
// with the input a of the layer when its delta is known and its W is not needed any more; a is null
// for sparse samples.
template <class T, class F> INLINE void backward(const Network<T> &net, i64 m, const T *x, F use) {
  for (i64 l = net.L - 1; l > 0; l--) {
    const Layer<T> &layer = net.layers[l], &below = net.layers[l - 1];
    times_transposed(m, layer.n_in, layer.n_out, layer.delta, layer.W, net.panel, below.delta);
    below.activation.chain(m * layer.n_in, below.constant, below.a, below.slope, below.delta);
    use(l, below.a);
  }
  use(0, x);
}

// dW = keep dW + factor a^T delta and db = keep_b db + factor (sum of delta), for one layer. dW and db
// may be W and b themselves: a step of plain gradient descent needs no gradient in memory.
template <class T> struct Sums {
  T keep, keep_b, factor;
};
template <class T>
void add_products(const Layer<T> &layer, const Data<T> &d, const Rows &rows, const T *a, const Sums<T> &s, T *dW, T *db, T *panel, T *work) {
  const i64 n_in = layer.n_in, n_out = layer.n_out;
  if (a) {
    transposed_times(rows.m, n_in, n_out, a, n_in, layer.delta, s.keep, s.factor, panel, dW);
  } else {
    if (s.keep == T(0)) std::memset(dW, 0, sizeof(T) * n_in * n_out);
    else scale(n_in * n_out, s.keep, dW);
    sparse_transposed_times(d, rows, n_out, layer.delta, s.factor, dW);
  }
  if (!db) return;
  column_sums(rows.m, n_out, layer.delta, work);
  for (i64 k = 0; k < n_out; k++) db[k] = (s.keep_b == T(0) ? T(0) : s.keep_b * db[k]) + s.factor * work[k];
}

}}  // namespace core
