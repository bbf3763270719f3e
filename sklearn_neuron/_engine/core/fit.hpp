// A whole fit, and which way its updates go.

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

// Which way an update goes, the first that suits:
//
//   by_loops           plain gradient descent of a single layer, one sample at a time or sparse batches: neuron.hpp
//   plain_neuron_step  the same for a dense batch of one group, one output
//   neuron_gradient    one output, any rule: groups of samples, then move
//   single_step        one sample, no clipping: a rank-one gradient that is never in memory
//   plain_step         plain gradient descent for a batch of one block: products are added to theta
//   step_by_strips     any rule for a batch of one block, no clipping: the gradient of some rows at a time
//   gradient           blocks of samples, all of the gradient, then move
//
// The last four are for networks, and for single layers of several outputs or of sparse samples. Where rows of
// sparse features wait (lazy.hpp), single_step and gradient know it.
//
// What holds between updates: theta and the state are copies (copy_in, copy_out) of those outside, which are of
// the last complete epoch, except after on_update, when theta outside is the one that was asked for. `ready` is
// true only between a single_step and the next sample's forward pass.
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
  i64 n_weights, n_units, n_parameters, n_trained, widest;
  i64 n_lazy = 0;  // weights that may have to catch up: see lazy.hpp
  bool full, plain, single, by_loops;
  i64 batch_size, most_rows;
  Generator *generator;
  Memory<i32> order;
  Memory<T> layer_memory, features, targets, weights, outputs, scratch, copies;
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

  void read_description();
  bool take_memory();
  void lay_out_network();
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
  void copy_in();
  void copy_out() const;
  bool recorded(const Rows &rows, double before, double factor);
  static bool after_step(void *self, i64 first, i64 m, double loss, double factor, double norm);
  void note_mistakes(i64 n, const T *z, const T *y);
};

}}  // namespace core
