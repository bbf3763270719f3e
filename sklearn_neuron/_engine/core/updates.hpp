// An update: both passes of a batch, and how the parameters move.

#pragma once

#include "fit.hpp"

namespace core { namespace {

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
  k.correction = T(1);
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

template <class T> void Fit<T>::note_mistakes(i64 n, const T *z, const T *y) {
  if (g.loss != PERCEPTRON) return;
  for (i64 i = 0; i < n; i++) mistakes = mistakes || (z[i] >= T(0)) != (y[i] > T(0.5));
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
      add_products(layer, data, some, a, {keep_weights, keep, T(1)}, layer.dW, layer.db, net.panel, scratch.at);
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
    add_products(layer, data, rows, a, sums, layer.W, b, net.panel, scratch.at);
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
      else add_products(layer, data, rows, a, {T(0), T(0), T(1)}, grad, static_cast<T *>(nullptr), net.panel, scratch.at);
      update(g.rule, from, from + some * n_out, k, true, grad, theta, memory);
    }
    if (l == net.L - 1 && !g.fit_intercept) return;
    column_sums(rows.m, n_out, layer.delta, scratch.at);
    update(g.rule, b, b + n_out, k, false, scratch.at, theta, memory);
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
      add_products(layer, data, rows, a, {T(0), T(0), T(1)}, layer.dW, static_cast<T *>(nullptr), net.panel, scratch.at);
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
  T *z = outputs.at, *delta = scratch.at + 1;
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

}}  // namespace core
