// Weights of sparse features: rows of W^1 that no sample of a batch touches are brought up to date when
// they are read, by all the updates that they have missed at once.
//
// Such updates are idle: the gradient is that of the penalty alone. What k of them do to a weight w and
// its state is
//
//   linear rules:  the k-th power of a matrix, times (w, state)
//   Adam:          m <- b_1^k m,  v <- b_2^k v,  and with eta_s and c_s of update s, and r = epsilon / sqrt(v),
//                  w <- rho^k (w - m / sqrt(v) sum of (-r)^p (D_p[t] - x_p^k D_p[t + k])),  rho = 1 - eta decay,
//                  x_p = b_1 / b_2^((p+1)/2) / rho,  D_p[t] = x_p (eta_s c_s^(-(p+1)/2) + D_p[s]) for s = t + 1
//
// The second is the direction m / (sqrt(c v) + epsilon), as a series in epsilon whose terms separate the
// weight from the time. It is used where it leaves out at most LEFT_OUT of the move. For smaller v, with
// u = sqrt(v b_2 c_s) of the first update that was missed, and g_s the ratio of that of update s to it,
//
//                  1 / (u g_s + epsilon) = 1 / (u + epsilon) sum of (u / (u + epsilon))^p (1 - g_s)^p
//
// which holds as long as g_s stays close to 1 while the mean decays: late in training, and if b_2 is closer to 1
// than b_1. Elsewhere the updates that change w are made one by one. So a fit is that of updates of all weights, but for rounding.

#pragma once

#include <limits>

#include "job.hpp"

namespace core { namespace {

// Rows fall behind for at most so many updates, or until this many times all columns were touched.
constexpr i64 LEAST_STRETCH = 1024, TURNS = 4;
// It pays from so many updates of an epoch on, and if the weights of the first layer outnumber those of the
// entries of a batch OF_ITS_WEIGHTS times, and by OF_ENTRY more for each entry. So much does it cost to
// read a row; measured with 1 and 32 units, batches of 1 and 32, momentum and Adam.
constexpr double OF_ITS_WEIGHTS = 4.0, OF_ENTRY = 12.0;
constexpr i64 AHEAD_IN_ROW = 4;  // entries of a row whose weights are fetched so many ahead
constexpr i64 LEAST_UPDATES = 8;
// Of the series: its terms, the largest x_p, and what it may leave out, relative to the move.
constexpr int MOST_TERMS = 8;
constexpr double LARGEST_RATIO = 0.999, LEFT_OUT = 1e-11;
// A move does not change w if it is less than this part of it. Looked at after so many updates.
constexpr double NOTHING = 1e-17;
constexpr i64 LOOK_EVERY = 8;

template <class T> INLINE Constants<double> in_double(const Constants<T> &k) {
  return {k.eta, k.alpha, k.decay, k.first, k.second, k.rest_first, k.rest_second, k.correction, k.epsilon};
}

// Weights and state from `at` on, n of them, that have missed k updates from the one after `from` on.
template <class T> struct Missed {
  T *w, *first, *second;
  i64 n, from, k;
};

// ---- linear rules ----------------------------------------------------------------------------------

// With a table of powers, and of sums for the squares of w before each of k updates.
template <class Rule, class T> struct LinearIdle {
  static constexpr int M = 1 + Rule::MEMORY, SUMS = M * M, SIZE = M * M + 3;
  const double *table;

  // The table of n updates with the constants steps[1], ...; the matrix is what an update does to unit vectors.
  static void build(i64 n, const Constants<T> *steps, double *table) {
    const Constants<double> k = in_double(steps[1]);
    double A[M][M];
    for (int j = 0; j < M; j++) {
      double s[3] = {};
      s[j] = 1.0;
      s[0] = moved<Rule>(s[0], 0.0, k, s[1], s[2]);
      for (int i = 0; i < M; i++) A[i][j] = s[i];
    }
    for (int i = 0; i < SIZE; i++) table[i] = i < SUMS && i % (M + 1) == 0 ? 1.0 : 0.0;
    for (i64 s = 0; s < n; s++, table += SIZE) {
      double *next = table + SIZE;
      for (int i = 0; i < M; i++)
        for (int j = 0; j < M; j++) {
          next[i * M + j] = 0.0;
          for (int l = 0; l < M; l++) next[i * M + j] += A[i][l] * table[l * M + j];
        }
      const double a = table[0], b = M > 1 ? table[1] : 0.0;
      next[SUMS] = table[SUMS] + a * a;
      next[SUMS + 1] = table[SUMS + 1] + 2.0 * a * b;
      next[SUMS + 2] = table[SUMS + 2] + b * b;
    }
  }
  void prepare(const Constants<T> *, const double *tables) { table = tables; }

  // Returns the sum of the squares of w before each of k updates.
  template <class By> INLINE double squares(const Missed<T> &r, i64 k) const {
    using V = typename By::V;
    const double *sums_ = table + k * SIZE + SUMS;
    const T ww = T(sums_[0]), wv = T(sums_[1]), vv = T(sums_[2]);
    V total = {};
    By::each(r.n, [&](i64 j, int part) {
      const V w = By::get(r.w + j, part), v = M > 1 ? By::get(r.first + j, part) : V{};
      total += w * (ww * w + wv * v) + vv * (v * v);
    });
    return By::sum_of(total);
  }

  template <class By> INLINE void advance(const Missed<T> &r) const {
    using V = typename By::V;
    T A[M][M];
    for (int i = 0; i < M; i++)
      for (int j = 0; j < M; j++) A[i][j] = static_cast<T>(table[r.k * SIZE + i * M + j]);
    T *const at[3] = {r.w, r.first, r.second};
    By::each(r.n, [&](i64 j, int part) {
      V s[M];
      UNROLL
      for (int i = 0; i < M; i++) s[i] = By::get(at[i] + j, part);
      UNROLL
      for (int i = 0; i < M; i++) {
        V t = A[i][0] * s[0];
        UNROLL
        for (int l = 1; l < M; l++) t += A[i][l] * s[l];
        By::put(at[i] + j, t, part);
      }
    });
  }
};

// ---- Adam ------------------------------------------------------------------------------------------

template <class Rule, class T> struct AdamIdle {
  static constexpr int POWERS = 3 + MOST_TERMS, ROOT = POWERS + MOST_TERMS, SIZE = ROOT + 1;
  const double *table;
  const Constants<T> *steps;
  int terms;   // of the series
  T floor;     // the least sqrt(v) for it

  static INLINE double shrinkage(const Constants<double> &k) { return 1.0 - k.eta * k.decay; }
  static INLINE double ratio(const Constants<double> &k, int p) {
    return k.first / std::pow(k.second, 0.5 * (p + 1)) / shrinkage(k);
  }
  static INLINE bool small(double x) { return x >= 0.0 && x <= LARGEST_RATIO; }

  static void build(i64 n, const Constants<T> *steps, double *table) {
    const Constants<double> k = in_double(steps[1]);
    double x[POWERS] = {shrinkage(k), k.first, k.second};
    for (int p = 0; p < MOST_TERMS; p++) x[3 + p] = small(ratio(k, p)) ? ratio(k, p) : 0.0;
    for (int i = 0; i < POWERS; i++) table[i] = 1.0;
    for (i64 s = 1; s <= n; s++)
      for (int i = 0; i < POWERS; i++) table[s * SIZE + i] = table[(s - 1) * SIZE + i] * x[i];
    for (i64 s = 1; s <= n; s++) table[s * SIZE + ROOT] = std::sqrt(static_cast<double>(steps[s].correction));
    double *tail = table + n * SIZE + POWERS;
    for (int p = 0; p < MOST_TERMS; p++) tail[p] = 0.0;
    for (i64 s = n; s > 0; s--, tail -= SIZE) {
      const double root = 1.0 / table[s * SIZE + ROOT];
      double b = steps[s].eta * root;
      for (int p = 0; p < MOST_TERMS; p++, b *= root) tail[p - SIZE] = x[3 + p] * (b + tail[p]);
    }
  }
  void prepare(const Constants<T> *constants, const double *tables) {
    table = tables;
    steps = constants;
    const Constants<double> k = in_double(steps[1]);
    for (terms = 0; terms < MOST_TERMS && small(ratio(k, terms + 1));) terms++;
    floor = terms ? static_cast<T>(k.epsilon * std::pow(LEFT_OUT, -1.0 / terms)) : std::numeric_limits<T>::infinity();
  }

  template <class By> INLINE double squares(const Missed<T> &, i64) const { return 0.0; }

  template <class By> INLINE void advance(const Missed<T> &r) const {
    using V = typename By::V;
    const double *powers = table + r.k * SIZE, *here = table + r.from * SIZE + POWERS, *there = here + r.k * SIZE;
    const T rho = T(powers[0]), beta_1 = T(powers[1]), beta_2 = T(powers[2]), epsilon = steps[1].epsilon;
    T sums_[MOST_TERMS];
    for (int p = 0; p < MOST_TERMS; p++) sums_[p] = p < terms ? T(here[p] - powers[3 + p] * there[p]) : T(0);
    Moments moments;
    By::each(r.n, [&](i64 j, int part) {
      const V w = By::get(r.w + j, part), mean = By::get(r.first + j, part), square = By::get(r.second + j, part);
      const V inverse = T(1) / root(square), x = epsilon * inverse;
      V series = V{} + sums_[MOST_TERMS - 1];
      UNROLL
      for (int p = MOST_TERMS - 2; p >= 0; p--) series = sums_[p] - x * series;
      const V one = V{} + T(1), excess = absolute(mean) - still(r, w, 1);
      const V alone = inverse * floor > one ? excess : V{};
      const V move = inverse * floor > one ? V{} : mean * inverse * series;
      V after = rho * (w - move);
      if (any<By>(alone)) after = alone > V{} ? small_square<By>(r, moments, w, mean, square) : after;
      By::put(r.w + j, after, part);
      By::put(r.first + j, beta_1 * mean, part);
      By::put(r.second + j, beta_2 * square, part);
    });
  }

  // The largest mean of which no update from number s on moves w: those to come add up to at most
  // eta_s / epsilon (b_1 + b_1^2 + ...) times it.
  template <class V> INLINE V still(const Missed<T> &r, V w, i64 s) const {
    const Constants<T> &k = steps[r.from + s];
    return absolute(w) * static_cast<T>(NOTHING * k.epsilon / k.eta * (1.0 - k.first));
  }
  template <class By, class V> static INLINE bool any(V x) { return By::sum_of(x > V{} ? V{} + T(1) : V{}) > T(0); }

  // The sums of (b_1 / rho)^j eta_s (1 - g_s)^p over the updates s = from + j that were missed.
  struct Moments {
    bool known = false, suffice;
    double values[MOST_TERMS];
  };
  void measure(const Missed<T> &r, Moments &moments) const {
    double *d = moments.values, part = 1.0, decay = 1.0;
    const Constants<double> k = in_double(steps[1]);
    const double ratio_1 = k.first / shrinkage(k), ratio_2 = std::sqrt(k.second), first = table[(r.from + 1) * SIZE + ROOT];
    for (int p = 0; p < MOST_TERMS; p++) d[p] = 0.0;
    for (i64 s = r.from + 1; s <= r.from + r.k && part > 0.01 * LEFT_OUT; s++, decay *= ratio_2) {
      part *= ratio_1;
      const double y = 1.0 - decay * table[s * SIZE + ROOT] / first;
      double term = part * steps[s].eta;
      for (int p = 0; p < MOST_TERMS; p++, term *= y) d[p] += term;
    }
    moments.known = true;
    moments.suffice = ratio_1 >= 0.0 && d[MOST_TERMS - 1] <= LEFT_OUT * d[0];
  }
  template <class By, class V> V small_square(const Missed<T> &r, Moments &moments, V w, V mean, V square) const {
    if (!moments.known) measure(r, moments);
    if (!moments.suffice) return one_by_one<By>(r, w, mean, square);
    const V u = root(square * (steps[1].second * steps[r.from + 1].correction));
    const V inverse = T(1) / (u + steps[1].epsilon), x = u * inverse;
    V series = V{} + T(moments.values[MOST_TERMS - 1]);
    for (int p = MOST_TERMS - 2; p >= 0; p--) series = T(moments.values[p]) + x * series;
    return T(table[r.k * SIZE]) * (w - mean * inverse * series);
  }

  template <class By, class V> V one_by_one(const Missed<T> &r, V w, V mean, V square) const {
    for (i64 s = 1; s <= r.k; s++) {
      if (s % LOOK_EVERY == 0 && !any<By>(absolute(mean) - still(r, w, s))) return T(table[(r.k - s + 1) * SIZE]) * w;
      w = moved<Rule>(w, V{}, steps[r.from + s], mean, square);
    }
    return w;
  }
};

template <class Rule, class T>
using IdleUpdates = std::conditional_t<idle_of<Rule> == Idle::ADAM_WITHOUT_G, AdamIdle<Rule, T>, LinearIdle<Rule, T>>;

// ---- the rows --------------------------------------------------------------------------------------

// Updates come in stretches: begin; then read, constants and update for each; then finish, after which
// no row is behind. All updates of a stretch are of batches of the same size.
template <class T> class Lazy {
 public:
  bool on = false;

  // Returns false if memory is short. `idle` says that the plan lets rows fall behind.
  bool prepare(const Description &g, const Data<T> &d, T *parameters, T *const *state, bool idle) {
    rule = g.rule;
    n_out = g.sizes[1];
    p = d.p;
    const double entries = d.X ? 0.0 : static_cast<double>(d.indptr[d.n] - d.indptr[0]) / d.n * g.batch_size;
    const i64 updates = ratio_up(d.n, g.batch_size);
    on = idle && !d.X && knows(g.alpha != 0.0) && updates >= LEAST_UPDATES &&
         entries * (OF_ITS_WEIGHTS * n_out + OF_ENTRY) <= static_cast<double>(p * n_out);
    if (!on) return true;
    penalized = g.alpha != 0.0;
    theta = parameters;
    memory[0] = state[0];
    memory[1] = state[1];
    const double turns = static_cast<double>(TURNS * p) / (entries < 1.0 ? 1.0 : entries);
    longest = lesser(updates, larger(LEAST_STRETCH, static_cast<i64>(turns)));
    i64 size = 0;
    by_rule([&](auto r) { size = IdleUpdates<decltype(r), T>::SIZE; });
    // the tables take at most as much as two arrays of these weights
    const i64 numbers = size + static_cast<i64>(sizeof(Constants<T>) / sizeof(double));
    longest = lesser(longest, larger(LEAST_STRETCH, 2 * p * n_out / numbers));
    return last.take(p) && list.take(p) && steps.take(longest + 1) && table.take((longest + 1) * size);
  }

  // Whether a stretch is over before an update of m samples.
  bool over(i64 m) const { return now == length || (penalized && m != batch); }

  // Begins a stretch; `constants` gives those of its first, second, ... update, `left` how many there will be.
  template <class F> void begin(i64 m, i64 left, F constants) {
    batch = m;
    length = lesser(longest, left);
    now = 0;
    total = 0.0;
    std::memset(last.at, 0, sizeof(i32) * p);
    for (i64 s = 1; s <= length; s++) steps.at[s] = constants(s);
    by_rule([&](auto r) { IdleUpdates<decltype(r), T>::build(length, steps.at, table.at); });
  }
  // The next epoch begins anew.
  void forget() { now = length = 0; }

  // Brings the rows that some samples read up to date; they will be updated.
  void read(const Data<T> &d, const Rows &rows) {
    count = 0;
    by_rule([&](auto r) { read_as<decltype(r)>(d, rows); });
  }
  // The following are about the rows that were read last. Sets their gradient to 0.
  void clear(T *grad) const {
    each_row([&](i64 at) { std::memset(grad + at, 0, sizeof(T) * n_out); });
  }
  // f(at) for the first parameter of each of them.
  template <class F> INLINE void each_row(F f) const {
    for (i64 r = 0; r < count; r++) f(list.at[r] * n_out);
  }
  // Updates them with a gradient of the shape of theta.
  void update(const Constants<T> &k, const T *grad) {
    by_rule([&](auto r) {
      if (n_out == 1) update_as<decltype(r), ByNumbers<T>>(k, grad);
      else update_as<decltype(r), ByPacks<T>>(k, grad);
    });
    now++;
  }
  // The same for a single sample, whose gradient is x times delta.
  void update(const Constants<T> &k, const Data<T> &d, i64 sample, const T *delta) {
    by_rule([&](auto r) {
      if (n_out == 1) update_as<decltype(r), ByNumbers<T>>(k, d, sample, delta);
      else update_as<decltype(r), ByPacks<T>>(k, d, sample, delta);
    });
    now++;
  }

  // Brings all rows up to date. Returns the sum of their squares before each update of the stretch, times
  // the samples of each: what the penalty is made of.
  double finish() {
    if (!now) return 0.0;
    by_rule([&](auto r) { finish_as<decltype(r)>(); });
    return penalized ? total * batch : 0.0;
  }

 private:
  int rule;
  i64 n_out, p, longest, length = 0, now = 0, batch = 0, count = 0;
  bool penalized;
  T *theta, *memory[2];
  double total;             // of the squares of weights before the updates
  Memory<i32> last, list;   // by row: the update after which it is up to date; the rows of a batch
  Memory<Constants<T>> steps;
  Memory<double> table;

  template <class F> INLINE void by_rule(F f) const {
#define LINE(number, Rule, name, arrays) \
  case number: if constexpr (idle_of<Rule> != Idle::UNKNOWN) f(Rule{}); break;
    switch (rule) { RULES(LINE) }
#undef LINE
  }
  bool knows(bool alpha) const {
    Idle idle = Idle::UNKNOWN;
    by_rule([&](auto r) { idle = idle_of<decltype(r)>; });
    return idle == Idle::LINEAR || (idle != Idle::UNKNOWN && !alpha);
  }

  template <class Rule> IdleUpdates<Rule, T> idle_updates() const {
    IdleUpdates<Rule, T> idle;
    idle.prepare(steps.at, table.at);
    return idle;
  }
  // Brings n weights up to date that are so after update `from`; the penalty is charged for `charged` updates.
  template <class Rule> INLINE void advance(const IdleUpdates<Rule, T> &idle, i64 at, i64 n, i64 from, i64 charged) {
    const Missed<T> r = {theta + at, memory[0] ? memory[0] + at : nullptr, memory[1] ? memory[1] + at : nullptr, n, from, now - from};
    if (n == 1) advance_by<ByNumbers<T>>(idle, r, charged);
    else advance_by<ByPacks<T>>(idle, r, charged);
  }
  template <class By, class I> INLINE void advance_by(const I &idle, const Missed<T> &r, i64 charged) {
    if (penalized) total += static_cast<double>(idle.template squares<By>(r, charged));
    if (r.k) idle.template advance<By>(r);
  }

  template <class Rule> void read_as(const Data<T> &d, const Rows &rows) {
    const IdleUpdates<Rule, T> idle = idle_updates<Rule>();
    for (i64 r = 0; r < rows.m; r++) {
      const i64 i = rows[r], stop = d.indptr[i + 1];
      for (i64 at = d.indptr[i]; at < stop; at++) {
        if (at + AHEAD_IN_ROW < stop) fetch<Rule>(d.indices[at + AHEAD_IN_ROW]);
        const i64 row = d.indices[at], from = last.at[row];
        if (from > now) continue;
        advance<Rule>(idle, row * n_out, n_out, from, now - from + 1);
        last.at[row] = static_cast<i32>(now + 1);
        list.at[count++] = static_cast<i32>(row);
      }
    }
  }
  template <class Rule> INLINE void fetch(i64 row) const {
    prefetch(last.at + row);
    prefetch(theta + row * n_out);
    if (Rule::MEMORY > 0) prefetch(memory[0] + row * n_out);
    if (Rule::MEMORY > 1) prefetch(memory[1] + row * n_out);
  }
  template <class Rule, class By> void update_as(const Constants<T> &k, const T *grad) const {
    const Update<Rule, T, By> step(k, true, theta, memory);
    each_row([&](i64 at) { By::each(n_out, [&](i64 j, int part) { step(at + j, part, By::get(grad + at + j, part)); }); });
  }
  template <class Rule, class By> void update_as(const Constants<T> &k, const Data<T> &d, i64 sample, const T *delta) const {
    const Update<Rule, T, By> step(k, true, theta, memory);
    for (i64 i = d.indptr[sample]; i < d.indptr[sample + 1]; i++) {
      const i64 at = d.indices[i] * n_out;
      const T x = d.values[i];
      By::each(n_out, [&](i64 j, int part) { step(at + j, part, x * By::get(delta + j, part)); });
    }
  }
  template <class Rule> void finish_as() {
    const IdleUpdates<Rule, T> idle = idle_updates<Rule>();
    for (i64 row = 0; row < p;) {  // rows together that have missed as many
      const i64 first = row, from = last.at[row];
      while (row < p && last.at[row] == from) row++;
      if (from < now) advance<Rule>(idle, first * n_out, (row - first) * n_out, from, now - from);
    }
  }
};

}}  // namespace core
