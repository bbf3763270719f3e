// A whole fit: epochs of updates, their losses, and when to stop.

#pragma once

#include <chrono>

#include "lazy.hpp"
#include "network.hpp"
#include "neuron.hpp"

namespace core { namespace {

// Multiplications after which the clock is looked at (0.1 to 1 ms), what an update and a unit count
// as besides theirs, and seconds after which Python is looked at.
constexpr double WORK = 1e6, WORK_OF_UPDATE = 1000, WORK_OF_UNIT = 50, POLL_SECONDS = 0.05;
// Samples whose outputs are kept until their losses are computed, and so many of one-by-one loops.
constexpr i64 CHUNK = 1024;
// Bytes of a gradient of some rows of weights: half of the second cache.
constexpr i64 STRIP_BYTES = 512 * 1024;

struct Counters {
  i64 t, n_updates;
  double due;
};

template <class T> struct Group {
  Data<T> data;
  Rows rows;
};

template <class T> struct Pair {
  T *outside, *inside;
};

template <class T> class Fit {
 public:
  explicit Fit(const Description &given) : g(given) {}

  bool prepare();
  void run(Epochs &e);
  double objective();

 private:
  static constexpr T ONE = T(1);
  const Description g;
  Data<T> data;
  Network<T> net;
  T *theta, *grad;
  i64 n_weights, n_parameters, n_trained;
  i64 n_lazy = 0;  // weights that may have to catch up: see lazy.hpp
  bool full, plain, single, loops;
  i64 batch_size, most_rows;
  Generator *generator;
  Memory<i32> order;
  Memory<T> units, features, targets, weights, outputs, small, own;
  // What the core works on; outside are the parameters and the state of the last complete epoch.
  Pair<T> pairs[4];
  int n_pairs = 0;
  T *memory[2], *averaged;
  Lazy<T> lazy;
  Memory<double> paid;
  double work = 0.0, row_work, update_work;  // multiplications of a sample, and of an update
  std::chrono::steady_clock::time_point last_poll;
  bool interrupted = false, mistakes = false;
  bool ready = false;  // the next sample's product with the first layer is there

  i64 block_of(i64 m) const;
  bool poll(double multiplications);
  bool poll_after(i64 m);
  double penalty() const;
  bool lets_rows_wait() const;
  Constants<T> constants(double eta, i64 t) const;
  double epoch(double eta, Epochs &e);
  double batch(const Rows &rows, const Rows &rest, double eta, Epochs &e);
  double settle();
  double catch_up(const Rows &rows, i64 left, double eta, i64 t);
  const T *outputs_of(const Rows &rows, i64 batch_rows, double &total);
  double gradient(const Rows &rows);
  double plain_step(const Rows &rows, const Constants<T> &k);
  double step_by_strips(const Rows &rows, const Constants<T> &k);
  double single_step(const Rows &rows, const Constants<T> &k, const T *next);
  double neuron_epoch(const Rows &all, const Constants<T> &k);
  i64 group_size() const;
  Group<T> group_of(const Rows &rows);
  double neuron_pass(const Rows &rows, const Sums<T> &s, T *w, T *b);
  double neuron_gradient(const Rows &rows);
  double plain_neuron_step(const Rows &rows, const Constants<T> &k);
  void move(Constants<T> k);
  template <class F> void each_of_gradient(F f) const;
  void clip();
  void average(Epochs &e);
  bool all_finite() const;
  bool solved();
  T *working(void *outside);
  void take();
  void give() const;
  bool recorded(const Rows &rows, double before, double factor);
  static bool after_step(void *self, i64 first, i64 m, double loss, double factor, double norm);
  void note_mistakes(i64 n, const T *z, const T *y);
};

// ---- preparation -----------------------------------------------------------------------------------

template <class T> i64 Fit<T>::block_of(i64 m) const {
  i64 blocks = larger(1, ratio_up(m * g.row_bytes, g.block_bytes));
  if (full) blocks = larger(blocks, g.least_blocks);
  return ratio_up(m, blocks);
}

template <class T> bool Fit<T>::prepare() {
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
  loops = L == 1 && plain && g.beta == 0.0 && !g.average && !full && g.loss != PERCEPTRON &&
          (single ? batch_size == 1 : !data.X);
  i64 n_units = 0, widest = 0;
  n_weights = 0;
  for (i64 l = 0; l < L; l++) {
    n_weights += g.sizes[l] * g.sizes[l + 1];
    n_units += g.sizes[l + 1];
    widest = larger(widest, g.sizes[l + 1]);
  }
  n_parameters = n_weights + n_units;
  i64 arrays = 2;  // the parameters and their gradient
  for (int i = 0; i < 2; i++) arrays += g.memory[i] != nullptr;
  arrays += g.averaged != nullptr;
  const i64 length = ratio_up(n_parameters, 64) * 64;
  if (!own.take(arrays * length) || !paid.take(g.paid ? n_weights : 0)) return false;
  theta = working(g.theta);
  memory[0] = working(g.memory[0]);
  memory[1] = working(g.memory[1]);
  averaged = working(g.averaged);
  grad = own.at + n_pairs * length;
  n_trained = n_parameters - (g.fit_intercept ? 0 : K);
  // a short last batch may be a larger block than the others
  most_rows = single ? MOST_GROUP : lesser(batch_size, ratio_up(g.block_bytes, g.row_bytes));
  const i64 m = most_rows;
  const bool batches_of_sparse = L == 1 && !data.X && !full;
  const i64 kept = larger(lesser(CHUNK, g.n), larger(m, batches_of_sparse ? batch_size : 0));
  if (!units.take(single ? 0 : 3 * m * n_units + panel_size<T>()) ||
      !small.take(larger(widest, K) + (batches_of_sparse ? kept * (2 * K + 1) : m * K)) ||
      !outputs.take(kept * K) || !targets.take(kept * K) || !weights.take(data.weight ? kept : 0) ||
      !features.take(data.by_columns || (data.X && !full && g.shuffle && !single) ? m * data.p : 0) ||
      !order.take(g.shuffle && !full ? g.n : 0) || !lazy.prepare(g, data, theta, memory, lets_rows_wait()))
    return false;
  n_lazy = lazy.on ? g.sizes[0] * g.sizes[1] : 0;
  net.L = L;
  net.loss = g.loss;
  net.loss_constant = static_cast<T>(g.loss_constant);
  net.dropout = g.dropout;
  i64 w = 0, b = n_weights;
  T *at = units.at;
  for (i64 l = 0; l < L; l++) {
    Layer<T> &layer = net.layers[l];
    const i64 n_in = g.sizes[l], n_out = g.sizes[l + 1];
    layer.n_in = n_in;
    layer.n_out = n_out;
    layer.W = theta + w;
    layer.b = theta + b;
    layer.dW = grad + w;
    layer.db = grad + b;
    w += n_in * n_out;
    b += n_out;
    layer.a = layer.slope = layer.delta = nullptr;
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
  net.panel = units.at + 3 * m * n_units;
  const double elements = data.X ? data.p : static_cast<double>(data.indptr[data.n]) / larger(1, data.n);
  row_work = 3.0 * (elements * g.sizes[1] + (n_weights - data.p * g.sizes[1])) + WORK_OF_UNIT * n_units;
  update_work = WORK_OF_UPDATE + (plain || lazy.on ? 0.0 : 4.0 * n_parameters);
  last_poll = std::chrono::steady_clock::now();
  return true;
}

// Whether weights of features that do not occur in a batch may be updated later: see lazy.hpp. What looks
// at all weights after every update does not let them, nor does clipping with a penalty. Plain gradient
// descent for batches of one block needs it for a penalty only, and a single layer not at all.
template <class T> bool Fit<T>::lets_rows_wait() const {
  const bool penalized = g.alpha != 0.0 || g.decay != 0.0;
  if (loops || (plain && !penalized && batch_size <= block_of(batch_size))) return false;
  return g.beta == 0.0 && !g.average && !g.on_update && (g.max_norm == 0.0 || g.alpha == 0.0);
}

// ---- around the updates ----------------------------------------------------------------------------

template <class T> bool Fit<T>::poll(double multiplications) {
  work += multiplications;
  if (work < WORK || interrupted) return interrupted;
  work = 0.0;
  const auto now = std::chrono::steady_clock::now();
  if (std::chrono::duration<double>(now - last_poll).count() < POLL_SECONDS) return false;
  interrupted = g.poll && g.poll(g.argument) != 0;
  last_poll = std::chrono::steady_clock::now();
  return interrupted;
}

// The same, after both passes of m samples.
template <class T> bool Fit<T>::poll_after(i64 m) {
  return poll(static_cast<double>(m) * row_work + update_work);
}

// The penalty that an update starts from, without that of weights that may have to catch up: settle
// gives theirs.
template <class T> double Fit<T>::penalty() const {
  double value = 0.0;
  if (g.alpha != 0.0) value += 0.5 * g.alpha * squares(n_weights - n_lazy, theta + n_lazy);
  if (g.beta != 0.0) {
    double total = 0.0;
    for (i64 j = 0; j < n_weights; j++) total += std::abs(theta[j]);
    value += g.beta * total;
  }
  return value;
}

template <class T> Constants<T> Fit<T>::constants(double eta, i64 t) const {
  Constants<T> k;
  double correction = 1.0;
  if (g.rule == ADAM) {
    // eta times mean / (1 - beta_1^t); the decay is not part of it, so it is divided out again
    correction = 1.0 - std::pow(g.first, static_cast<double>(t));
    k.correction = static_cast<T>(1.0 / (1.0 - std::pow(g.second, static_cast<double>(t))));
  }
  k.eta = static_cast<T>(eta / correction);
  k.alpha = static_cast<T>(g.alpha);
  k.decay = static_cast<T>(g.decay * correction);
  k.first = static_cast<T>(g.first);
  k.second = static_cast<T>(g.second);
  k.rest_first = static_cast<T>(1.0 - g.first);
  k.rest_second = static_cast<T>(1.0 - g.second);
  k.epsilon = static_cast<T>(g.epsilon);
  return k;
}

template <class T> bool Fit<T>::all_finite() const {
  bool ok = true;
  for (int i = 0; i < n_pairs; i++) ok = ok && finite(n_parameters, pairs[i].inside);
  return ok;
}

// A working copy of an array of the parameters' shape, on a line of the cache.
template <class T> T *Fit<T>::working(void *outside) {
  if (!outside) return nullptr;
  T *inside = own.at + n_pairs * ratio_up(n_parameters, 64) * 64;
  pairs[n_pairs++] = {static_cast<T *>(outside), inside};
  return inside;
}

template <class T> void Fit<T>::take() {
  for (int i = 0; i < n_pairs; i++) std::memcpy(pairs[i].inside, pairs[i].outside, sizeof(T) * n_parameters);
  if (g.paid) std::memcpy(paid.at, g.paid, sizeof(double) * n_weights);
}

template <class T> void Fit<T>::give() const {
  for (int i = 0; i < n_pairs; i++) std::memcpy(pairs[i].outside, pairs[i].inside, sizeof(T) * n_parameters);
  if (g.paid) std::memcpy(g.paid, paid.at, sizeof(double) * n_weights);
}

// Shows the parameters after an update to those who asked; the weights are `factor` times those in
// theta. Returns whether training ends.
template <class T> bool Fit<T>::recorded(const Rows &rows, double before, double factor) {
  if (!g.on_update || interrupted) return interrupted;
  T *outside = static_cast<T *>(g.theta);
  for (i64 j = 0; j < n_parameters; j++) outside[j] = j < n_weights ? static_cast<T>(factor) * theta[j] : theta[j];
  interrupted = g.on_update(g.argument, rows.order, rows.first, rows.m, before) != 0;
  return interrupted;
}

template <class T> bool Fit<T>::after_step(void *self, i64 first, i64 m, double loss, double factor, double norm) {
  Fit &fit = *static_cast<Fit *>(self);
  const Rows rows = {fit.g.shuffle && !fit.full ? fit.order.at : nullptr, first, m};
  return fit.recorded(rows, loss / m + 0.5 * fit.g.alpha * norm, factor);
}

template <class T> void Fit<T>::note_mistakes(i64 n, const T *z, const T *y) {
  if (g.loss != PERCEPTRON) return;
  for (i64 i = 0; i < n; i++) mistakes = mistakes || (z[i] >= T(0)) != (y[i] > T(0.5));
}

// ---- an update -------------------------------------------------------------------------------------

// Calls f(at, n) for all of the gradient that may be other than 0.
template <class T> template <class F> INLINE void Fit<T>::each_of_gradient(F f) const {
  if (lazy.on) lazy.each_row([&](i64 at) { f(at, g.sizes[1]); });
  f(n_lazy, n_parameters - n_lazy);
}

// Scales a gradient that is longer than max_norm down to it.
template <class T> void Fit<T>::clip() {
  double total = 0.0;
  each_of_gradient([&](i64 at, i64 n) { total += static_cast<double>(dot(n, grad + at, grad + at)); });
  double norm = std::sqrt(total);
  if (std::isinf(norm)) {  // the squares overflow before the gradient does
    double largest = 0.0;
    total = 0.0;
    each_of_gradient([&](i64 at, i64 n) {
      for (i64 j = at; j < at + n; j++) largest = std::abs(grad[j]) > largest ? std::abs(grad[j]) : largest;
    });
    each_of_gradient([&](i64 at, i64 n) {
      for (i64 j = at; j < at + n; j++) total += (grad[j] / largest) * (grad[j] / largest);
    });
    norm = largest * std::sqrt(total);
  }
  const T share = static_cast<T>(g.max_norm / norm);
  if (norm > g.max_norm) each_of_gradient([&](i64 at, i64 n) { scale(n, share, grad + at); });
}

// Moves the parameters along the direction of the gradient.
template <class T> void Fit<T>::move(Constants<T> k) {
  if (g.max_norm != 0.0) {
    if (g.alpha != 0.0) axpy(n_weights, k.alpha, theta, grad);
    k.alpha = T(0);
    clip();
  }
  if (lazy.on) lazy.update(k, grad);
  update(g.rule, n_lazy, n_weights, k, true, grad + n_lazy, theta, memory);
  update(g.rule, n_weights, n_trained, k, false, grad + n_weights, theta, memory);
}

template <class T> void Fit<T>::average(Epochs &e) {
  const i64 n = e.n_updates - g.average + 1;  // updates that count
  if (n <= 1) std::memcpy(averaged, theta, sizeof(T) * n_parameters);
  else for (i64 j = 0; j < n_parameters; j++) averaged[j] += (theta[j] - averaged[j]) / static_cast<T>(n);
}

// Forward pass of some samples of a batch of batch_rows, and delta^L; adds up weight times loss.
template <class T> const T *Fit<T>::outputs_of(const Rows &rows, i64 batch_rows, double &total) {
  const T *x = data.X ? data.features(rows, features.at) : nullptr;
  T *z = outputs.at;
  forward(net, data, rows, x, z, generator, true, ready);
  ready = false;
  const T *y = data.targets(rows, targets.at);
  total += loss_and_delta<T>(net.loss, {rows.m, data.K, z, y, data.weights(rows, weights.at), T(1) / batch_rows,
                                        net.loss_constant, net.layers[net.L - 1].delta});
  note_mistakes(rows.m * data.K, z, y);
  return x;
}

// Both passes of a batch, block by block, with the gradient in grad.
template <class T> double Fit<T>::gradient(const Rows &rows) {
  const i64 block = block_of(rows.m);
  double total = 0.0;
  if (lazy.on) lazy.clear(grad);
  for (i64 start = 0; start < rows.m; start += block) {
    const Rows some = rows.part(start, lesser(block, rows.m - start));
    const T *x = outputs_of(some, rows.m, total);
    backward(net, some.m, x, [&](i64 l, const T *a) {
      const Layer<T> &layer = net.layers[l];
      const T keep = start ? T(1) : T(0), keep_weights = l == 0 && lazy.on ? T(1) : keep;
      add_products(layer, data, some, a, {keep_weights, keep, T(1)}, layer.dW, layer.db, net.panel, small.at);
    });
    if (poll_after(some.m)) break;
  }
  if (!g.fit_intercept) std::memset(net.layers[net.L - 1].db, 0, sizeof(T) * data.K);
  return total;
}

// Plain gradient descent for a batch of one block: the products are added to the parameters.
template <class T> double Fit<T>::plain_step(const Rows &rows, const Constants<T> &k) {
  double total = 0.0;
  const T *x = outputs_of(rows, rows.m, total);
  const Sums<T> sums = {T(1) - k.eta * (k.alpha + k.decay), T(1), -k.eta};
  backward(net, rows.m, x, [&](i64 l, const T *a) {
    const Layer<T> &layer = net.layers[l];
    T *b = l < net.L - 1 || g.fit_intercept ? layer.b : nullptr;
    add_products(layer, data, rows, a, sums, layer.W, b, net.panel, small.at);
  });
  poll_after(rows.m);
  return total;
}

// The same for any rule: the gradient of some rows of a layer's weights is used while it is in the
// cache, and the gradient of all weights is never in memory.
template <class T> double Fit<T>::step_by_strips(const Rows &rows, const Constants<T> &k) {
  double total = 0.0;
  const T *x = outputs_of(rows, rows.m, total);
  backward(net, rows.m, x, [&](i64 l, const T *a) {
    const Layer<T> &layer = net.layers[l];
    const i64 n_in = layer.n_in, n_out = layer.n_out, w = layer.W - theta, b = layer.b - theta;
    const i64 strip = a ? larger(MANY_ROWS, STRIP_BYTES / (n_out * static_cast<i64>(sizeof(T)))) : n_in;
    for (i64 i = 0; i < n_in; i += strip) {
      const i64 some = lesser(strip, n_in - i), from = w + i * n_out;
      if (a) transposed_times(rows.m, some, n_out, a + i, n_in, layer.delta, T(0), T(1), net.panel, grad);
      else add_products(layer, data, rows, a, {T(0), T(0), T(1)}, grad, static_cast<T *>(nullptr), net.panel, small.at);
      update(g.rule, from, from + some * n_out, k, true, grad, theta, memory);
    }
    if (l == net.L - 1 && !g.fit_intercept) return;
    column_sums(rows.m, n_out, layer.delta, small.at);
    update(g.rule, b, b + n_out, k, false, small.at, theta, memory);
  });
  poll_after(rows.m);
  return total;
}

// The same for one sample and any rule that needs no gradient in memory. next: the features of the
// sample that follows, or null.
template <class T> double Fit<T>::single_step(const Rows &rows, const Constants<T> &k, const T *next) {
  double total = 0.0;
  const T *x = outputs_of(rows, 1, total);
  backward(net, 1, x, [&](i64 l, const T *a) {
    const Layer<T> &layer = net.layers[l];
    const i64 n_in = layer.n_in, n_out = layer.n_out, w = layer.W - theta, b = layer.b - theta;
    if (!a && lazy.on) {
      lazy.update(k, data, rows[0], layer.delta);
    } else if (!a) {
      add_products(layer, data, rows, a, {T(0), T(0), T(1)}, layer.dW, static_cast<T *>(nullptr), net.panel, small.at);
      update(g.rule, w, w + n_in * n_out, k, true, layer.dW, theta, memory);
    } else if (n_out == 1) {
      update_product<T>(g.rule, {1, n_in, layer.delta, a, nullptr, nullptr, w}, k, true, theta, memory);
    } else {
      ready = l == 0 && next;
      T *out = net.L == 1 ? outputs.at : layer.a;
      update_product<T>(g.rule, {n_in, n_out, a, layer.delta, l ? nullptr : next, out, w}, k, true, theta, memory);
    }
    if (l < net.L - 1 || g.fit_intercept)
      update_product<T>(g.rule, {1, n_out, &ONE, layer.delta, nullptr, nullptr, b}, k, false, theta, memory);
  });
  poll_after(1);
  return total;
}

// Samples of a group of a single neuron: both passes find them in the cache.
template <class T> i64 Fit<T>::group_size() const {
  const i64 rows = GROUP_BYTES / (larger(1, data.p) * static_cast<i64>(sizeof(T))) / WIDTH<T> * WIDTH<T>;
  return larger(LEAST_GROUP, lesser(MOST_GROUP, rows));
}

// Some consecutive samples row by row: where they lie, or a copy.
template <class T> Group<T> Fit<T>::group_of(const Rows &rows) {
  Group<T> group = {data, rows};
  if (data.by_columns) {
    group.data.X = data.features(rows, features.at);
    group.rows.first = 0;
  }
  return group;
}

// Both passes of a single neuron for a group of a batch: w = keep w + factor (gradient), and so for b.
// Returns the sum of weight times loss.
template <class T> double Fit<T>::neuron_pass(const Rows &rows, const Sums<T> &s, T *w, T *b) {
  const i64 p = data.p;
  T *z = outputs.at, *delta = small.at + 1;
  const Group<T> x = group_of(rows);
  rows_dot(x.data, x.rows, theta, theta[n_weights], z);
  const T *y = data.targets(rows, targets.at);
  const double total = loss_and_delta<T>(net.loss, {rows.m, 1, z, y, data.weights(rows, weights.at), s.factor, net.loss_constant, delta});
  note_mistakes(rows.m, z, y);
  rows_add(x.data, x.rows, delta, rows.order ? 0 : rows.m * p, s.keep, w);
  Pack<T> deltas = {};
  each_pack<T>(rows.m, [&](i64 r, int part) { deltas += load_some(delta + r, part); });
  if (g.fit_intercept) *b = (s.keep_b == T(0) ? T(0) : s.keep_b * *b) + sum<T>(deltas);
  return total;
}

template <class T> double Fit<T>::neuron_gradient(const Rows &rows) {
  const i64 group = group_size();
  double total = 0.0;
  grad[n_weights] = T(0);
  for (i64 start = 0; start < rows.m; start += group) {
    const Rows some = rows.part(start, lesser(group, rows.m - start));
    const T keep = start ? T(1) : T(0);
    total += neuron_pass(some, {keep, keep, T(1) / rows.m}, grad, grad + n_weights);
    if (poll_after(some.m)) break;
  }
  return total;
}

// Plain gradient descent for a batch of one group: no gradient in memory.
template <class T> double Fit<T>::plain_neuron_step(const Rows &rows, const Constants<T> &k) {
  const Sums<T> s = {T(1) - k.eta * (k.alpha + k.decay), T(1), -k.eta / rows.m};
  const double total = neuron_pass(rows, s, theta, theta + n_weights);
  poll_after(rows.m);
  return total;
}

// One batch and its update; rest: the samples that follow. Returns the sum of weight times loss.
template <class T> double Fit<T>::batch(const Rows &rows, const Rows &rest, double eta, Epochs &e) {
  double total;
  e.t += 1;
  const Constants<T> k = constants(eta, e.t);
  if (single && plain && rows.m <= group_size()) {
    total = plain_neuron_step(rows, k);
  } else if (single) {
    total = neuron_gradient(rows);
    if (!interrupted) move(k);
  } else if (rows.m == 1 && g.max_norm == 0.0 && (data.X || !plain || lazy.on)) {
    const bool ahead = rest.m > 0 && data.X && g.beta == 0.0;
    total = single_step(rows, k, ahead ? data.X + rest[0] * data.p : nullptr);
  } else if (plain && !lazy.on && rows.m <= block_of(rows.m)) {
    total = plain_step(rows, k);
  } else if (g.max_norm == 0.0 && !lazy.on && rows.m <= block_of(rows.m)) {
    total = step_by_strips(rows, k);
  } else {
    total = gradient(rows);
    if (!interrupted) move(k);
  }
  if (g.beta != 0.0) {
    e.due += eta * g.beta;
    charge(g.rule, n_weights, e.due, k, theta, memory, paid.at);
  }
  e.n_updates += 1;
  if (g.average) average(e);
  return total;
}

// Brings all rows of the first weights up to date. Returns the penalty that their updates started from, as
// `epoch` adds it up.
template <class T> double Fit<T>::settle() { return 0.5 * g.alpha * lazy.finish(); }

// The same for the rows that an update reads, if that is enough; `left` updates of the epoch are to come, the
// first of them at time t + 1.
template <class T> double Fit<T>::catch_up(const Rows &rows, i64 left, double eta, i64 t) {
  double total = 0.0;
  if (lazy.over(rows.m)) {
    total = settle();
    lazy.begin(rows.m, left, [&](i64 s) { return constants(eta, t + s); });
  }
  lazy.read(data, rows);
  return total;
}

// ---- an epoch --------------------------------------------------------------------------------------

// The loops of a single layer for plain gradient descent; returns the sum of loss and penalty.
template <class T> double Fit<T>::neuron_epoch(const Rows &all, const Constants<T> &k) {
  const Neuron<T> u = {data, net.loss, net.loss_constant, theta, theta + n_weights, k.eta,
                       T(1) - k.eta * (k.alpha + k.decay), g.fit_intercept != 0,
                       g.on_update ? after_step : nullptr, this};
  const i64 step = larger(1, CHUNK / batch_size) * batch_size;
  double loss = 0.0, norms = 0.0;
  for (i64 start = 0; start < all.m; start += step) {
    const Rows rows = all.part(start, lesser(step, all.m - start));
    T *z = outputs.at;
    if (batch_size > 1 || data.K > 1) {
      norms += sparse_batches(u, rows, batch_size, z, small.at, &loss);
    } else {
      if (!data.X) norms += sparse_one_by_one(u, rows, z);
      else if (data.p >= LONG_ROW) norms += one_by_one(u, rows, z);
      else norms += one_by_one_ahead(u, rows, z);
      const T *y = data.targets(rows, targets.at);
      // delta is not needed any more
      loss += loss_and_delta<T>(net.loss, {rows.m, 1, z, y, data.weights(rows, weights.at), T(1), net.loss_constant, z});
    }
    if (poll(WORK)) break;  // the clock is cheap beside a chunk
  }
  return loss + 0.5 * g.alpha * norms;
}

template <class T> double Fit<T>::epoch(double eta, Epochs &e) {
  Rows all = {nullptr, 0, data.n};
  if (g.shuffle && !full) {
    permutation(generator, data.n, order.at);
    all.order = order.at;
  }
  mistakes = ready = false;
  if (loops) {
    const i64 updates = ratio_up(data.n, batch_size);
    const double total = neuron_epoch(all, constants(eta, 1));
    e.t += updates;
    e.n_updates += updates;
    return total / data.n;
  }
  double total = 0.0;
  lazy.forget();
  for (i64 start = 0; start < data.n && !interrupted; start += batch_size) {
    const Rows rows = all.part(start, lesser(batch_size, data.n - start));
    if (lazy.on) total += catch_up(rows, ratio_up(data.n - start, batch_size), eta, e.t);
    const double before = g.alpha != 0.0 || g.beta != 0.0 ? penalty() : 0.0;
    const double losses = batch(rows, all.part(start + rows.m, data.n - start - rows.m), eta, e);
    total += losses + rows.m * before;
    recorded(rows, losses / rows.m + before, 1.0);
  }
  if (lazy.on && !interrupted) total += settle();
  return total / data.n;
}

// Whether the parameters leave not one sample misclassified: see Perceptron in losses.py.
template <class T> bool Fit<T>::solved() {
  if (g.loss != PERCEPTRON || mistakes) return false;
  const i64 block = most_rows;
  for (i64 start = 0; start < data.n && !mistakes; start += block) {
    const Rows rows = {nullptr, start, lesser(block, data.n - start)};
    T *z = outputs.at;
    const Group<T> x = group_of(rows);
    if (single) rows_dot(x.data, x.rows, theta, theta[n_weights], z);
    else forward(net, data, rows, data.X ? x.data.X + x.rows.first * data.p : nullptr, z, generator, false);
    note_mistakes(rows.m * data.K, z, data.targets(rows, targets.at));
  }
  return !mistakes;
}

template <class T> void Fit<T>::run(Epochs &e) {
  interrupted = false;
  take();
  e.status = DONE;
  for (e.done = 0; e.done < e.n_epochs && e.status == DONE;) {
    const Counters before = {e.t, e.n_updates, e.due};
    const double loss = epoch(e.rates[e.done], e);
    if (interrupted || !std::isfinite(loss) || !all_finite()) {
      e.status = interrupted ? INTERRUPTED : DIVERGED;
      e.t = before.t;
      e.n_updates = before.n_updates;
      e.due = before.due;
      return;
    }
    give();
    e.losses[e.done++] = loss;
    if (solved()) {
      e.status = SOLVED;
    } else if (e.tol >= 0.0) {
      e.stale = loss < e.best - e.tol ? 0 : e.stale + 1;
      e.best = loss < e.best ? loss : e.best;
      if (e.stale >= e.patience) e.status = PLATEAU;
    }
  }
}

// The objective over all samples; its gradient goes outside.
template <class T> double Fit<T>::objective() {
  const Rows all = {nullptr, 0, data.n};
  interrupted = false;
  take();
  const double total = single ? neuron_gradient(all) : gradient(all);
  if (g.alpha != 0.0) axpy(n_weights, static_cast<T>(g.alpha), theta, grad);
  std::memcpy(g.grad, grad, sizeof(T) * n_parameters);
  return total / data.n + penalty();
}

}}  // namespace core
