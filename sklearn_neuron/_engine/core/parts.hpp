// The parts: activations, losses and rules of update, each formula once.
//
// A part is a struct of formulas for a number or a pack of numbers. A new one is a struct and a line
// in its table at the end of its section: the loops over it, for both precisions, its code and its
// place in the list of what the core covers are made from the table. Names are those of the Python
// registries; the last column names the hyper-parameter c, if there is one.

#pragma once

#include <type_traits>

#include "functions.hpp"

namespace core { namespace {

// ---- activations: a = s(z), and the derivative, from a where that is possible -------------------

struct Identity {
  static constexpr bool FROM_A = true;
  template <class V> static INLINE V value(V z, Element<V>) { return z; }
  template <class V> static INLINE V slope(V, Element<V>) { return V{} + Element<V>(1); }
};

struct Logistic {
  static constexpr bool FROM_A = true;
  template <class V> static INLINE V value(V z, Element<V>) { return logistic(z); }
  template <class V> static INLINE V slope(V a, Element<V>) { return a * (Element<V>(1) - a); }
};

struct Tanh {
  static constexpr bool FROM_A = true;
  template <class V> static INLINE V value(V z, Element<V>) { return tanh(z); }
  template <class V> static INLINE V slope(V a, Element<V>) { return Element<V>(1) - a * a; }
};

struct Relu {
  static constexpr bool FROM_A = true;
  template <class V> static INLINE V value(V z, Element<V>) { return positive(z); }
  template <class V> static INLINE V slope(V a, Element<V>) {
    return a > Element<V>(0) ? V{} + Element<V>(1) : V{};
  }
};

struct LeakyRelu {  // c may be 0, where the sign of z is lost
  static constexpr bool FROM_A = false;
  template <class V> static INLINE void both(V z, Element<V> c, V &a, V &slope) {
    a = z > Element<V>(0) ? z : c * z;
    slope = z > Element<V>(0) ? V{} + Element<V>(1) : V{} + c;
  }
};

struct Elu {
  static constexpr bool FROM_A = false;
  template <class V> static INLINE void both(V z, Element<V> c, V &a, V &slope) {
    const V e = c * expm1(at_most(z, Element<V>(0)));
    a = z > Element<V>(0) ? z : e;
    slope = z > Element<V>(0) ? V{} + Element<V>(1) : e + c;
  }
};

struct Selu {
  static constexpr bool FROM_A = false;
  template <class V> static INLINE void both(V z, Element<V>, V &a, V &slope) {
    const Element<V> scale(1.0507009873554804934193349852946), c(1.6732632423543772848170429916717);
    Elu::both(z, c, a, slope);
    a = scale * a;
    slope = scale * slope;
  }
};

struct Gelu {
  static constexpr bool FROM_A = false;
  template <class V> static INLINE void both(V z, Element<V>, V &a, V &slope) {
    using T = Element<V>;
    const V size = absolute(z), density = gauss(size);
    const V tail = T(0.5) * erfc(T(0.70710678118654752440) * size, density);  // Phi(-|z|)
    const V phi = z > T(0) ? T(1) - tail : tail;
    a = z * phi;
    slope = phi + z * (T(0.39894228040143267794) * density);
  }
};

struct Silu {
  static constexpr bool FROM_A = false;
  template <class V> static INLINE void both(V z, Element<V>, V &a, V &slope) {
    const V e = exp(-absolute(z)), rest = Element<V>(1) / (Element<V>(1) + e);
    const V s = z < Element<V>(0) ? e * rest : rest;
    a = z * s;
    slope = s + a * (z < Element<V>(0) ? rest : e * rest);  // 1 - s has few digits where it is small
  }
};

struct Softplus {
  static constexpr bool FROM_A = false;
  template <class V> static INLINE void both(V z, Element<V>, V &a, V &slope) {
    using T = Element<V>;
    const V e = exp(-absolute(z));
    a = positive(z) + log1p(e);
    slope = (z < T(0) ? e : V{} + T(1)) / (T(1) + e);
  }
};

//      code, struct, name, hyper-parameter c
#define ACTIVATIONS(DO)                       \
  DO(0, Identity, "identity", "")             \
  DO(1, Logistic, "logistic", "")             \
  DO(2, Tanh, "tanh", "")                     \
  DO(3, Relu, "relu", "")                     \
  DO(4, LeakyRelu, "leaky_relu", "negative_slope") \
  DO(5, Elu, "elu", "c")                      \
  DO(6, Selu, "selu", "")                     \
  DO(7, Gelu, "gelu", "")                     \
  DO(8, Silu, "silu", "")                     \
  DO(9, Softplus, "softplus", "")

// ---- losses of one output: the value and delta, its derivative with respect to z ----------------

template <class Link> struct SquaredError {
  template <class V> static INLINE void both(V z, V y, Element<V> c, V &value, V &delta) {
    const V a = Link::value(z, c), r = a - y;
    value = r * r;
    delta = Element<V>(2) * r * Link::slope(a, c);
  }
};

struct AbsoluteError {
  template <class V> static INLINE void both(V z, V y, Element<V>, V &value, V &delta) {
    const Element<V> one(1);
    value = absolute(z - y);
    delta = z > y ? V{} + one : (z < y ? V{} - one : z - y);  // NaN stays
  }
};

struct Huber {
  template <class V> static INLINE void both(V z, V y, Element<V> c, V &value, V &delta) {
    const V r = absolute(z - y), inner = at_most(r, c);
    value = inner * (r - Element<V>(0.5) * inner);
    delta = at_most(at_least(z - y, -c), c);
  }
};

struct Quantile {
  template <class V> static INLINE void both(V z, V y, Element<V> c, V &value, V &delta) {
    const Element<V> one(1);
    const V r = z - y;
    value = r < Element<V>(0) ? -c * r : (one - c) * r;
    delta = z >= y ? V{} + (one - c) : V{} - c;
  }
};

struct Poisson {
  template <class V> static INLINE void both(V z, V y, Element<V>, V &value, V &delta) {
    const V a = exp(z);
    value = a - y * z;
    delta = a - y;
  }
};

struct BinaryCrossEntropy {
  // The value is log(1 + e) + rest. A sum of many needs a single logarithm: see LossSum in loops.hpp.
  template <class V> static INLINE void apart(V z, V y, Element<V>, V &e, V &rest, V &delta) {
    using T = Element<V>;
    e = exp(-absolute(z));
    rest = positive(z) - y * z;  // may be exactly 0
    delta = (z < T(0) ? e : V{} + T(1)) / (T(1) + e) - y;
  }
  template <class V> static INLINE void both(V z, V y, Element<V> c, V &value, V &delta) {
    V e, rest;
    apart(z, y, c, e, rest, delta);
    value = log1p(e) + rest;
  }
};

struct Perceptron {
  template <class V> static INLINE void both(V z, V y, Element<V>, V &value, V &delta) {
    using T = Element<V>;
    value = positive((T(1) - (y + y)) * z);
    delta = (z >= T(0) ? V{} + T(1) : V{}) - y;
  }
};

//      code, struct, name, name of the link, hyper-parameter c
// The cross-entropy, which is of all outputs of a sample together, has code 0: see loops.hpp.
#define LOSSES(DO)                                                       \
  DO(1, BinaryCrossEntropy, "binary_cross_entropy", "logistic", "")      \
  DO(2, SquaredError<Identity>, "squared_error", "identity", "")         \
  DO(3, SquaredError<Logistic>, "squared_error", "logistic", "")         \
  DO(4, SquaredError<Tanh>, "squared_error", "tanh", "")                 \
  DO(5, AbsoluteError, "absolute_error", "identity", "")                 \
  DO(6, Huber, "huber", "identity", "threshold")                         \
  DO(7, Quantile, "quantile", "identity", "quantile")                    \
  DO(8, Poisson, "poisson", "exponential", "")                           \
  DO(9, Perceptron, "perceptron", "step", "")
constexpr int CROSS_ENTROPY = 0, PERCEPTRON = 9;

// ---- rules of update: from the gradient g to the direction ---------------------------------------
// scale: the ratio of the direction to a constant gradient, in the long run; see Optimizer in
// optimizers.py. The arrays of state are given in their order.

// The constants of one update, rounded to the precision of the computation.
template <class T> struct Constants {
  T eta;             // the learning rate; Adam's is divided by 1 - beta_1^t
  T alpha, decay;    // the L2 penalty and the decay of the weights
  T first, second;   // mu, or beta_1 and beta_2, or mu and rho
  T rest_first, rest_second;  // 1 minus these
  T correction;      // Adam: 1 / (1 - beta_2^t)
  T epsilon;
};

// What is known of idle updates, whose gradient is that of the penalty alone, g = alpha w: a rule says
// it in IDLE, and lazy.hpp uses it. A rule that says nothing updates all weights each time.
enum class Idle {
  UNKNOWN,
  LINEAR,            // linear in w and the state
  LINEAR_WITHOUT_G,  // the same if alpha is 0
  ADAM_WITHOUT_G,    // those of Adam, if alpha is 0
};
template <class Rule, class = void> constexpr Idle idle_of = Idle::UNKNOWN;
template <class Rule> constexpr Idle idle_of<Rule, std::void_t<decltype(Rule::IDLE)>> = Rule::IDLE;

struct Plain {
  static constexpr int MEMORY = 0;  // arrays of state
  static constexpr Idle IDLE = Idle::LINEAR;
  template <class V> static INLINE V direction(V g, const Constants<Element<V>> &, V &, V &) {
    return g;
  }
  template <class T> static INLINE T scale(const Constants<T> &, T, T) { return T(1); }
};

struct Momentum {
  static constexpr int MEMORY = 1;
  static constexpr Idle IDLE = Idle::LINEAR;
  template <class V> static INLINE V direction(V g, const Constants<Element<V>> &k, V &carried, V &) {
    const V v = g + carried;
    carried = k.first * v;
    return v;
  }
  template <class T> static INLINE T scale(const Constants<T> &k, T, T) { return T(1) / (T(1) - k.first); }
};

struct Nesterov {
  static constexpr int MEMORY = 1;
  static constexpr Idle IDLE = Idle::LINEAR;
  template <class V> static INLINE V direction(V g, const Constants<Element<V>> &k, V &carried, V &) {
    carried = k.first * (carried + g);
    return g + carried;
  }
  template <class T> static INLINE T scale(const Constants<T> &k, T, T) { return T(1) / (T(1) - k.first); }
};

struct Adam {
  static constexpr int MEMORY = 2;
  static constexpr Idle IDLE = Idle::ADAM_WITHOUT_G;
  template <class V> static INLINE V direction(V g, const Constants<Element<V>> &k, V &mean, V &square) {
    mean = k.first * mean + k.rest_first * g;
    square = k.second * square + k.rest_second * (g * g);
    return mean / (root(square * k.correction) + k.epsilon);
  }
  template <class T> static INLINE T scale(const Constants<T> &k, T, T square) {
    return T(1) / (root(square * k.correction) + k.epsilon);
  }
};

struct RmsProp {
  static constexpr int MEMORY = 1;
  static constexpr Idle IDLE = Idle::LINEAR_WITHOUT_G;
  template <class V> static INLINE V direction(V g, const Constants<Element<V>> &k, V &square, V &) {
    square = k.second * square + k.rest_second * (g * g);
    return g / (root(square) + k.epsilon);
  }
  template <class T> static INLINE T scale(const Constants<T> &k, T square, T) {
    return T(1) / (root(square) + k.epsilon);
  }
};

struct RmsPropMomentum {
  static constexpr int MEMORY = 2;
  static constexpr Idle IDLE = Idle::LINEAR_WITHOUT_G;
  template <class V> static INLINE V direction(V g, const Constants<Element<V>> &k, V &square, V &carried) {
    square = k.second * square + k.rest_second * (g * g);
    const V v = g / (root(square) + k.epsilon) + carried;
    carried = k.first * v;
    return v;
  }
  template <class T> static INLINE T scale(const Constants<T> &k, T square, T) {
    return T(1) / ((root(square) + k.epsilon) * (T(1) - k.first));
  }
};

//      code, struct, name, arrays of state in their order
#define RULES(DO)                                       \
  DO(0, Plain, "plain", "")                             \
  DO(1, Momentum, "momentum", "carried")                \
  DO(2, Nesterov, "nesterov", "carried")                \
  DO(3, Adam, "adam", "mean square")                    \
  DO(4, RmsProp, "rmsprop", "square")                   \
  DO(5, RmsPropMomentum, "rmsprop_momentum", "square carried")
constexpr int PLAIN = 0, ADAM = 3;

// Python knows a part by its place in its table, so its code has to be that.
#define CODE(code, ...) code,
constexpr int ACTIVATION_CODES[] = {ACTIVATIONS(CODE)}, LOSS_CODES[] = {CROSS_ENTROPY, LOSSES(CODE)}, RULE_CODES[] = {RULES(CODE)};
#undef CODE
template <int N> constexpr bool in_order(const int (&codes)[N]) {
  for (int i = 0; i < N; i++) if (codes[i] != i) return false;
  return true;
}
static_assert(in_order(ACTIVATION_CODES) && in_order(LOSS_CODES) && in_order(RULE_CODES), "a table has a gap");

}}  // namespace core
