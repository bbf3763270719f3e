// Loops over the parts of parts.hpp, one for each line of its tables, in both precisions.

#pragma once

#include "parts.hpp"
#include "products.hpp"

namespace core { namespace {

// ---- activations -----------------------------------------------------------------------------------

// a: z without its bias, which becomes s(z + b). slope: receives s'(z), or null where it is computed
// from a later. m rows of n units.
template <class S, class T>
void activate_rows(i64 m, i64 n, const T *b, T c, T *a, T *slope) {
  for (i64 r = 0; r < m; r++, a += n) {
    each_pack<T>(n, [&](i64 j, int part) {
      const Pack<T> z = load_some(a + j, part) + load_some(b + j, part);
      Pack<T> value, derivative;
      if constexpr (S::FROM_A) value = S::value(z, c);
      else S::both(z, c, value, derivative);
      store_some(a + j, value, part);
      if constexpr (S::FROM_A) {
        if (slope) store_some(slope + j, S::slope(value, c), part);
      } else {
        store_some(slope + j, derivative, part);
      }
    });
    if (slope) slope += n;
  }
}

// delta *= s'(z), from the stored slope or from a
template <class S, class T> void chain_rows(i64 n, T c, const T *a, const T *slope, T *delta) {
  each_pack<T>(n, [&](i64 j, int part) {
    Pack<T> derivative;
    if (slope) derivative = load_some(slope + j, part);
    else if constexpr (S::FROM_A) derivative = S::slope(load_some(a + j, part), c);
    else return;
    store_some(delta + j, load_some(delta + j, part) * derivative, part);
  });
}

template <class T> struct Activation {
  void (*forward)(i64 m, i64 n, const T *b, T c, T *a, T *slope);
  void (*chain)(i64 n, T c, const T *a, const T *slope, T *delta);
  bool from_a;
};
template <class T> INLINE Activation<T> activation(int code) {
#define LINE(number, S, name, constant) \
  case number: return {activate_rows<S, T>, chain_rows<S, T>, S::FROM_A};
  switch (code) { ACTIVATIONS(LINE) }
#undef LINE
  return {};
}

// ---- losses ----------------------------------------------------------------------------------------

// What a loss is asked for: m samples of K outputs. Weight is null where all are 1.
template <class T> struct Outputs {
  i64 m, K;
  const T *z, *Y, *weight;
  T share;   // 1 over the number of samples of the batch
  T c;       // the loss's hyper-parameter
  T *delta;  // receives delta times share and weight
};

// Whether a loss says its value as log(1 + e) + rest.
template <class Loss, class = void> constexpr bool IS_APART = false;
template <class Loss> constexpr bool IS_APART<Loss, std::void_t<decltype(&Loss::template apart<float>)>> = true;

// The sum of losses without weights. Of log(1 + e) + log(1 + e') + ..., the product (1 + e)(1 + e') ...
// = 1 + s is kept instead, as s, which has all digits of small e, and is at most 2^16.
template <class Loss, class T> class LossSum {
 public:
  // Adds the losses of a pack of outputs, and returns delta.
  INLINE Pack<T> add(Pack<T> z, Pack<T> y, T c) {
    Pack<T> value, delta;
    if constexpr (IS_APART<Loss>) {
      Pack<T> e;
      Loss::apart(z, y, c, e, value, delta);
      s = s * e + (s + e);
    } else {
      Loss::both(z, y, c, value, delta);
    }
    values += value;
    if (++since == 16) flush();  // float32 sums stay short
    return delta;
  }
  INLINE double total() {
    flush();
    return so_far;
  }

 private:
  Pack<T> values = {}, s = {};
  double so_far = 0.0;
  int since = 0;

  INLINE void flush() {
    if constexpr (IS_APART<Loss>) values += log1p_of_any(s);
    so_far += sum<T>(values);
    values = s = Pack<T>{};
    since = 0;
  }
};

// Packs of outputs from which their losses are summed up by LossSum, whose end costs as much as two.
constexpr i64 MANY = 4;

// Writes delta and returns the sum of weight times loss.
template <class Loss, class T> double loss_rows(const Outputs<T> &o) {
  double total = 0.0;
  if (o.weight && o.K > 1) {
    for (i64 r = 0; r < o.m; r++) {
      Outputs<T> row = {1, o.K, o.z + r * o.K, o.Y + r * o.K, nullptr, o.share * o.weight[r], o.c, o.delta + r * o.K};
      total += static_cast<double>(o.weight[r]) * loss_rows<Loss, T>(row);
    }
    return total;
  }
  const auto some = [&](i64 i, int part) INLINE_LAMBDA {
    Pack<T> value, delta;
    Loss::both(load_some(o.z + i, part), load_some(o.Y + i, part), o.c, value, delta);
    delta = delta * o.share;
    if (o.weight) {
      const Pack<T> w = load_some(o.weight + i, part);
      delta *= w;
      value *= w;
    }
    store_some(o.delta + i, delta, part);
    if (part == WIDTH<T>) {
      total += sum<T>(value);
      return;
    }
    T values[WIDTH<T>];
    store(values, value);
    for (int k = 0; k < part; k++) total += values[k];
  };
  i64 i = 0;
  const i64 n = o.m * o.K;
  if (!o.weight && n >= MANY * WIDTH<T>) {
    LossSum<Loss, T> losses;
    for (; i + WIDTH<T> <= n; i += WIDTH<T>)
      store(o.delta + i, losses.add(load(o.z + i), load(o.Y + i), o.c) * o.share);
    total = losses.total();
  }
  for (; i + WIDTH<T> <= n; i += WIDTH<T>) some(i, WIDTH<T>);
  if (i < n) some(i, static_cast<int>(n - i));
  return total;
}

// The cross-entropy, log(sum exp z) - y . z, and delta = softmax(z) - y. Few outputs are computed
// for as many samples at a time as a pack holds, many outputs for one sample.
constexpr i64 FEW_OUTPUTS = 16;

template <class T> double cross_entropy_of_packs(const Outputs<T> &o) {
  constexpr int V = WIDTH<T>;
  const i64 K = o.K;
  T z[FEW_OUTPUTS * V], y[FEW_OUTPUTS * V];  // by outputs
  Pack<T> total = {};
  for (i64 r = 0; r < o.m; r += V) {
    for (int i = 0; i < V; i++)
      for (i64 k = 0; k < K; k++) {
        z[k * V + i] = o.z[(r + i) * K + k];
        y[k * V + i] = o.Y[(r + i) * K + k];
      }
    Pack<T> largest = load(z);
    for (i64 k = 1; k < K; k++) {
      const Pack<T> other = load(z + k * V);
      largest = other > largest ? other : largest;
    }
    Pack<T> partition = {}, along = {};
    for (i64 k = 0; k < K; k++) {
      const Pack<T> shifted = load(z + k * V) - largest, e = exp(shifted);
      along += load(y + k * V) * shifted;
      partition += e;
      store(z + k * V, e);
    }
    const Pack<T> weight = o.weight ? load(o.weight + r) : spread(T(1));
    const Pack<T> inverse = T(1) / partition, scaled = weight * o.share;
    total += weight * (log(partition) - along);
    for (i64 k = 0; k < K; k++) store(z + k * V, (load(z + k * V) * inverse - load(y + k * V)) * scaled);
    for (int i = 0; i < V; i++)
      for (i64 k = 0; k < K; k++) o.delta[(r + i) * K + k] = z[k * V + i];
  }
  return sum<T>(total);
}

template <class T> double cross_entropy_rows(const Outputs<T> &o) {
  const i64 K = o.K;
  double total = 0.0;
  i64 done = 0;
  if (K <= FEW_OUTPUTS) {
    for (; done + WIDTH<T> <= o.m; done += 8 * WIDTH<T>) {  // float32 sums stay short
      const i64 m = lesser(8 * WIDTH<T>, (o.m - done) / WIDTH<T> * WIDTH<T>);
      total += cross_entropy_of_packs<T>({m, K, o.z + done * K, o.Y + done * K, o.weight ? o.weight + done : nullptr,
                                          o.share, o.c, o.delta + done * K});
    }
    done = o.m / WIDTH<T> * WIDTH<T>;
  }
  for (i64 r = done; r < o.m; r++) {
    const T *z = o.z + r * K, *y = o.Y + r * K;
    T *delta = o.delta + r * K;
    T largest = z[0];
    for (i64 k = 1; k < K; k++) largest = z[k] > largest ? z[k] : largest;
    Pack<T> sum_ = {}, along = {};
    each_pack<T>(K, [&](i64 k, int part) {
      const Pack<T> shifted = load_some(z + k, part) - largest;
      Pack<T> e = exp(shifted);
      along += load_some(y + k, part) * shifted;  // y is 0 beyond the end
      store_some(delta + k, e, part);
      if (part != WIDTH<T>) e = load_part(delta + k, part);
      sum_ += e;
    });
    const T weight = o.weight ? o.weight[r] : T(1), scaled = weight * o.share;
    const T partition = sum<T>(sum_), inverse = T(1) / partition;
    total += static_cast<double>(weight) * (log(partition) - sum<T>(along));
    each_pack<T>(K, [&](i64 k, int part) {
      const Pack<T> d = load_some(delta + k, part) * inverse - load_some(y + k, part);
      store_some(delta + k, d * scaled, part);
    });
  }
  return total;
}

template <class T> INLINE double loss_and_delta(int code, const Outputs<T> &o) {
#define LINE(number, Loss, name, link, constant) case number: return loss_rows<Loss, T>(o);
  switch (code) {
    case CROSS_ENTROPY: return cross_entropy_rows(o);
    LOSSES(LINE)
  }
#undef LINE
  return 0.0;
}

// Delta of a single number, for loops of one sample at a time; all losses but the cross-entropy.
template <class T> INLINE T one_delta(int code, T z, T y, T c) {
  T value, delta = T(0);
#define LINE(number, Loss, name, link, constant) case number: Loss::both(z, y, c, value, delta); break;
  switch (code) { LOSSES(LINE) }
#undef LINE
  return delta;
}

// ---- updates ---------------------------------------------------------------------------------------

// A weight after an update with the gradient g of the loss; its state moves along.
template <class Rule, class V> INLINE V moved(V w, V g, const Constants<Element<V>> &k, V &one, V &two) {
  const V direction = Rule::direction(g + k.alpha * w, k, one, two);
  return w - k.eta * (direction + k.decay * w);
}

// What an update reads and writes, by the index of a parameter. Copied into registers before a loop,
// because a store could change what a reference is to.
template <class Rule, class T, class By = ByPacks<T>> struct Update {
  using V = typename By::V;
  Constants<T> k;
  T *theta, *first, *second;

  Update(const Constants<T> &constants, bool penalized, T *parameters, T *const *memory)
      : k(constants), theta(parameters), first(memory[0]), second(memory[1]) {
    if (!penalized) k.alpha = k.decay = T(0);
  }
  // Moves a pack of parameters, and returns it.
  INLINE V operator()(i64 j, int part, V gradient) const {
    V one = {}, two = {};
    if (Rule::MEMORY > 0) one = By::get(first + j, part);
    if (Rule::MEMORY > 1) two = By::get(second + j, part);
    const V w = moved<Rule>(By::get(theta + j, part), gradient, k, one, two);
    By::put(theta + j, w, part);
    if (Rule::MEMORY > 0) By::put(first + j, one, part);
    if (Rule::MEMORY > 1) By::put(second + j, two, part);
    return w;
  }
};

// theta -= eta direction, for parameters [from, to), whose gradient is given; penalized says whether
// these are weights.
template <class Rule, class T>
void update_range(i64 from, i64 to, const Constants<T> &k, bool penalized, const T *grad, T *theta, T *const *memory) {
  const Update<Rule, T> step(k, penalized, theta, memory);
  each_pack<T>(to - from, [=](i64 j, int part) { step(from + j, part, load_some(grad + j, part)); });
}

// The same where the gradient is the product of a column a (m) and a row delta (n): it is never
// written to memory. The parameters, from `at`, are (m, n). If `next` is not null, its product with
// the moved parameters goes to `out`: what the next sample needs, while they are at hand.
template <class T> struct Outer {
  i64 m, n;
  const T *a, *delta, *next;
  T *out;
  i64 at;
};

template <class Rule, int N, class T> void outer_panel(const Outer<T> &o, const Update<Rule, T> &update, i64 from, int part) {
  constexpr int V = WIDTH<T>;
  const Update<Rule, T> step = update;
  const T *a = o.a, *next = o.next;
  Pack<T> delta[N], sums_[N] = {};
  UNROLL
  for (int j = 0; j < N; j++) delta[j] = load_some(o.delta + from + j * V, j == N - 1 ? part : V);
  i64 at = o.at + from;
  for (i64 i = 0; i < o.m; i++, at += o.n) {
    const T factor = a[i], ahead = next[i];
    UNROLL
    for (int j = 0; j < N; j++) prefetch(step.theta + at + 4 * o.n + j * V);
    UNROLL
    for (int j = 0; j < N; j++) sums_[j] += ahead * step(at + j * V, j == N - 1 ? part : V, factor * delta[j]);
  }
  UNROLL
  for (int j = 0; j < N; j++) store_some(o.out + from + j * V, sums_[j], j == N - 1 ? part : V);
}

// Parts of rows that overlap in memory are moved so many apart: 784 x 128 x 10 takes 10.1 instead of 11.4 us in
// single precision.
constexpr i64 ROWS_BETWEEN = 8;
// Columns below which one number is moved at a time: parts of packs overlap in memory, and each would
// have to wait until the one before is stored.
template <class T> constexpr i64 FEW_COLUMNS = WIDTH<T> > 1 ? WIDTH<T> / 2 : 1;

template <class Rule, class T> void outer_numbers(const Outer<T> &o, const Update<Rule, T, ByNumbers<T>> &update) {
  const Update<Rule, T, ByNumbers<T>> step = update;
  const T *a = o.a, *delta = o.delta, *next = o.next;
  T sums_[FEW_COLUMNS<T>] = {};
  i64 at = o.at;
  for (i64 i = 0; i < o.m; i++, at += o.n)
    for (i64 j = 0; j < o.n; j++) {
      const T moved = step(at + j, 1, a[i] * delta[j]);
      if (next) sums_[j] += next[i] * moved;
    }
  for (i64 j = 0; next && j < o.n; j++) o.out[j] = sums_[j];
}

template <class Rule, class T>
void update_outer(const Outer<T> &o, const Constants<T> &k, bool penalized, T *theta, T *const *memory) {
  constexpr int V = WIDTH<T>;
  if (o.n < FEW_COLUMNS<T>) return outer_numbers(o, Update<Rule, T, ByNumbers<T>>(k, penalized, theta, memory));
  const Update<Rule, T> step(k, penalized, theta, memory);
  if (!o.next) {
    const i64 apart = o.n % V ? ratio_up(o.m, ROWS_BETWEEN) : 1;
    const T *delta = o.delta;
    for (i64 first = 0; first < apart; first++)
      for (i64 i = first; i < o.m; i += apart) {
        const T factor = o.a[i];
        const i64 at = o.at + i * o.n;
        each_pack<T>(o.n, [=](i64 j, int part) { step(at + j, part, factor * load_some(delta + j, part)); });
      }
    return;
  }
  for (i64 from = 0; from < o.n;) {
    const i64 left = o.n - from, packs = ratio_up(left, V);
    const int n = packs >= 8 ? 8 : (packs >= 4 ? 4 : (packs >= 2 ? 2 : 1));
    const i64 columns = lesser(left, n * V);
    const int part = static_cast<int>(columns - (n - 1) * V);
    if (n == 8) outer_panel<Rule, 8, T>(o, step, from, part);
    else if (n == 4) outer_panel<Rule, 4, T>(o, step, from, part);
    else if (n == 2) outer_panel<Rule, 2, T>(o, step, from, part);
    else outer_panel<Rule, 1, T>(o, step, from, part);
    from += columns;
  }
}

template <class T>
INLINE void update(int rule, i64 from, i64 to, const Constants<T> &k, bool penalized, const T *grad, T *theta, T *const *memory) {
#define LINE(number, Rule, name, arrays) \
  case number: update_range<Rule, T>(from, to, k, penalized, grad, theta, memory); break;
  switch (rule) { RULES(LINE) }
#undef LINE
}

template <class T>
INLINE void update_product(int rule, const Outer<T> &o, const Constants<T> &k, bool penalized, T *theta, T *const *memory) {
#define LINE(number, Rule, name, arrays) \
  case number: update_outer<Rule, T>(o, k, penalized, theta, memory); break;
  switch (rule) { RULES(LINE) }
#undef LINE
}

// The L1 penalty after an update: n weights move toward zero by what they still owe of it. As
// Network.shrink in network.py.
template <class Rule, class T>
void charge_range(i64 n, double due, const Constants<T> &constants, T *theta, T *const *memory, double *paid) {
  const Constants<T> k = constants;
  const T *first = memory[0], *second = memory[1];
  for (i64 j = 0; j < n; j++) {
    const double s = Rule::template scale<T>(k, Rule::MEMORY > 0 ? first[j] : T(0), Rule::MEMORY > 1 ? second[j] : T(0));
    const double low = s * (paid[j] - due), high = s * (paid[j] + due), w = theta[j];
    const double above = w < low ? low : w, charge = above > high ? high : above;
    theta[j] = static_cast<T>(w - charge);
    paid[j] -= charge / s;
  }
}

template <class T>
INLINE void charge(int rule, i64 n, double due, const Constants<T> &k, T *theta, T *const *memory, double *paid) {
#define LINE(number, Rule, name, arrays) \
  case number: charge_range<Rule, T>(n, due, k, theta, memory, paid); break;
  switch (rule) { RULES(LINE) }
#undef LINE
}

}}  // namespace core
