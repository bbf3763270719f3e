// Epochs of updates, their losses, and when to stop.

#pragma once

#include "fit.hpp"

namespace core { namespace {

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

template <class T> bool Fit<T>::all_finite() const {
  bool ok = true;
  for (int i = 0; i < n_pairs; i++) ok = ok && finite(n_parameters, pairs[i].inside);
  return ok;
}

// Shows the parameters after an update to those who asked; the weights are `factor` times those in
// theta. Returns whether training ends.
template <class T> bool Fit<T>::recorded(const Rows &rows, double before, double factor) {
  if (!g.on_update || interrupted) return interrupted;
  T *outside = static_cast<T *>(g.theta);
  copy_out();  // the optimizer's state, too
  for (i64 j = 0; j < n_parameters; j++) outside[j] = j < n_weights ? static_cast<T>(factor) * theta[j] : theta[j];
  interrupted = g.on_update(g.argument, rows.order, rows.first, rows.m, before) != 0;
  return interrupted;
}

template <class T> bool Fit<T>::after_step(void *self, i64 first, i64 m, double loss, double factor, double norm) {
  Fit &fit = *static_cast<Fit *>(self);
  const Rows rows = {fit.g.shuffle && !fit.full ? fit.order.at : nullptr, first, m};
  return fit.recorded(rows, loss / m + 0.5 * fit.g.alpha * norm, factor);
}

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
      norms += sparse_batches(u, rows, batch_size, z, scratch.at, &loss);
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
    permutation(generator, g.is_twister != 0, data.n, order.at);
    all.order = order.at;
  }
  mistakes = ready = false;
  if (by_loops) return neuron_epoch(all, constants(eta, 1)) / data.n;  // nothing counts its updates
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
  copy_in();
  e.status = DONE;
  for (e.done = 0; e.done < e.n_epochs && e.status == DONE;) {
    const Counters before = {e.t, e.n_updates, e.due};
    const Stream stream(generator, g.is_twister != 0);
    const double loss = epoch(e.rates[e.done], e);
    if (interrupted || !std::isfinite(loss) || !all_finite()) {
      e.status = interrupted ? INTERRUPTED : DIVERGED;
      e.t = before.t;
      e.n_updates = before.n_updates;
      e.due = before.due;
      if (interrupted) stream.wind_back();
      return;
    }
    copy_out();
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
  copy_in();
  const double total = single ? neuron_gradient(all) : gradient(all);
  if (g.alpha != 0.0) axpy(n_weights, static_cast<T>(g.alpha), theta, grad);
  std::memcpy(g.grad, grad, sizeof(T) * n_parameters);
  return total / data.n + penalty();
}

}}  // namespace core
