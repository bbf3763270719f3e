// What a fit needs before its first update: its values, its memory, and copies of what it works on.

#pragma once

#include "fit.hpp"

namespace core { namespace {

template <class T> i64 Fit<T>::block_of(i64 m) const {
  i64 blocks = larger(1, ratio_up(m * g.row_bytes, g.block_bytes));
  if (full) blocks = larger(blocks, g.least_blocks);
  return ratio_up(m, blocks);
}

// Samples of a group of a single neuron: both passes find them in the cache.
template <class T> i64 Fit<T>::group_size() const {
  const i64 rows = GROUP_BYTES / (larger(1, data.p) * static_cast<i64>(sizeof(T))) / WIDTH<T> * WIDTH<T>;
  return larger(LEAST_GROUP, lesser(MOST_GROUP, rows));
}

// Whether weights of features that do not occur in a batch may be updated later: see lazy.hpp. What looks
// at all weights after every update does not let them, nor does clipping with a penalty. Plain gradient
// descent for batches of one block needs it for a penalty only, and a single layer not at all.
template <class T> bool Fit<T>::lets_rows_wait() const {
  const bool penalized = g.alpha != 0.0 || g.decay != 0.0;
  if (by_loops || (plain && !penalized && batch_size <= block_of(batch_size))) return false;
  return g.beta == 0.0 && !g.average && !g.on_update && (g.max_norm == 0.0 || g.alpha == 0.0);
}

template <class T> bool Fit<T>::prepare() {
  read_description();
  if (!take_memory()) return false;
  lay_out_network();
  const double elements = data.X ? data.p : static_cast<double>(data.indptr[data.n]) / larger(1, data.n);
  row_work = 3.0 * (elements * g.sizes[1] + (n_weights - data.p * g.sizes[1])) + WORK_OF_UNIT * n_units;
  update_work = WORK_OF_UPDATE + (plain || lazy.on ? 0.0 : 4.0 * n_parameters);
  last_poll = std::chrono::steady_clock::now();
  return true;
}

// The values of a fit, and what its updates have in common.
template <class T> void Fit<T>::read_description() {
  const i64 L = g.n_layers, K = g.sizes[L];
  data = {g.n, g.sizes[0], K, static_cast<const T *>(g.X), g.X_by_columns != 0, static_cast<const T *>(g.values), g.indices, g.indptr,
          g.Y_is_bool ? nullptr : static_cast<const T *>(g.Y),
          g.Y_is_bool ? static_cast<const unsigned char *>(g.Y) : nullptr,
          static_cast<T>(g.Y_scale), static_cast<T>(g.Y_shift), static_cast<const T *>(g.weight)};
  full = g.batch_size >= g.n;
  batch_size = lesser(g.batch_size, g.n);
  generator = static_cast<Generator *>(g.bit_generator);
  plain = g.rule == PLAIN && g.max_norm == 0.0;
  single = L == 1 && K == 1 && data.X && g.loss != CROSS_ENTROPY;
  by_loops = L == 1 && plain && g.beta == 0.0 && !g.average && !full && g.loss != PERCEPTRON &&
             (single ? batch_size == 1 : !data.X);
  n_weights = n_units = widest = 0;
  for (i64 l = 0; l < L; l++) {
    n_weights += g.sizes[l] * g.sizes[l + 1];
    n_units += g.sizes[l + 1];
    widest = larger(widest, g.sizes[l + 1]);
  }
  n_parameters = n_weights + n_units;
  n_trained = n_parameters - (g.fit_intercept ? 0 : K);
  // a short last batch may be a larger block than the others
  most_rows = single ? lesser(batch_size, group_size()) : lesser(batch_size, ratio_up(g.block_bytes, g.row_bytes));
}

// Takes all memory; returns false if it is short.
template <class T> bool Fit<T>::take_memory() {
  i64 arrays = 2;  // the parameters and their gradient
  for (int i = 0; i < 2; i++) arrays += g.memory[i] != nullptr;
  arrays += g.averaged != nullptr;
  const i64 length = ratio_up(n_parameters, 64) * 64;
  if (!copies.take(arrays * length) || !paid.take(g.paid ? n_weights : 0)) return false;
  theta = working(g.theta);
  memory[0] = working(g.memory[0]);
  memory[1] = working(g.memory[1]);
  averaged = working(g.averaged);
  grad = copies.at + n_pairs * length;
  const i64 m = most_rows, K = data.K;
  const bool batches_of_sparse = g.n_layers == 1 && !data.X && !full;
  const i64 kept = larger(lesser(CHUNK, g.n), larger(m, batches_of_sparse ? batch_size : 0));
  const bool gathers = data.by_columns || (data.X && !full && g.shuffle && !single);
  const bool taken =
      // a, its slope and delta of all layers, and a panel
      layer_memory.take(single ? 0 : 3 * m * n_units + panel_size<T>()) &&
      // sums of delta's columns; delta of a group behind that of the bias; or, for sparse batches of a single
      // layer, the targets, weights and deltas of a batch
      scratch.take(larger(widest, K) + (batches_of_sparse ? kept * (2 * K + 1) : m * K)) &&
      // of a block, or of the samples of one-by-one loops
      outputs.take(kept * K) && targets.take(kept * K) && weights.take(data.weight ? kept : 0) &&
      features.take(gathers ? m * data.p : 0) && order.take(g.shuffle && !full ? g.n : 0);
  if (!taken || !lazy.prepare(g, data, theta, memory, lets_rows_wait())) return false;
  n_lazy = lazy.on ? g.sizes[0] * g.sizes[1] : 0;
  return true;
}

template <class T> void Fit<T>::lay_out_network() {
  const i64 L = g.n_layers, m = most_rows;
  net.L = L;
  net.loss = g.loss;
  net.loss_constant = static_cast<T>(g.loss_constant);
  net.dropout = g.dropout;
  net.panel = layer_memory.at + 3 * m * n_units;
  i64 w = 0, b = n_weights;
  T *at = layer_memory.at;
  for (i64 l = 0; l < L; l++) {
    Layer<T> &layer = net.layers[l];
    const i64 n_in = g.sizes[l], n_out = g.sizes[l + 1];
    layer = {n_in, n_out, theta + w, theta + b, grad + w, grad + b, {}, T(0), nullptr, nullptr, nullptr};
    w += n_in * n_out;
    b += n_out;
    if (single) continue;
    layer.delta = at;
    if (l < L - 1) {
      layer.activation = activation<T>(g.activations[l]);
      layer.constant = static_cast<T>(g.constants[l]);
      layer.a = at + m * n_units;
      if (!layer.activation.from_a || g.dropout > 0.0) layer.slope = at + 2 * m * n_units;
    }
    at += m * n_out;
  }
}

// A working copy of an array of the parameters' shape, on a line of the cache.
template <class T> T *Fit<T>::working(void *outside) {
  if (!outside) return nullptr;
  T *inside = copies.at + n_pairs * ratio_up(n_parameters, 64) * 64;
  pairs[n_pairs++] = {static_cast<T *>(outside), inside};
  return inside;
}

template <class T> void Fit<T>::copy_in() {
  for (int i = 0; i < n_pairs; i++) std::memcpy(pairs[i].inside, pairs[i].outside, sizeof(T) * n_parameters);
  if (g.paid) std::memcpy(paid.at, g.paid, sizeof(double) * n_weights);
}

template <class T> void Fit<T>::copy_out() const {
  for (int i = 0; i < n_pairs; i++) std::memcpy(pairs[i].outside, pairs[i].inside, sizeof(T) * n_parameters);
  if (g.paid) std::memcpy(g.paid, paid.at, sizeof(double) * n_weights);
}

}}  // namespace core
