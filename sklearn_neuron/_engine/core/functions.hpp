// The elementary functions, for a number or a pack of numbers V.
//
// exp(x) = 2^k exp(r) with an integer k and |r| <= log(2) / 2, where the Taylor polynomial is
// accurate to rounding, and 2^k is assembled from bits (J.-M. Muller, Elementary Functions, 3rd
// edition, 2016). The polynomials of erfc and log1p interpolate at Chebyshev's nodes.
// tests/test_functions.py measures the errors of what is made of them, in units in the last place.

#pragma once

#include "simd.hpp"

namespace core { namespace {

template <class V> INLINE V at_least(V x, Element<V> low) { return x < low ? V{} + low : x; }
template <class V> INLINE V at_most(V x, Element<V> high) { return x > high ? V{} + high : x; }
template <class V> INLINE V positive(V z) { return z < Element<V>(0) ? V{} : z; }  // NaN stays
template <class V> INLINE V absolute(V z) { return z < Element<V>(0) ? -z : z; }

// c[0] + c[1] x + …, by Horner's rule on pairs, which halves the chain of dependent steps
template <int N, class V> INLINE V polynomial(V x, const double (&c)[N]) {
  using T = Element<V>;
  const V x2 = x * x;
  V p = {};
  int i = N - 1;
  if (N % 2) p = p + T(c[i--]);
  UNROLL
  for (; i > 0; i -= 2) p = p * x2 + (T(c[i]) * x + T(c[i - 1]));
  return p;
}

template <class T> struct Exponent;  // how 2^k is assembled
template <> struct Exponent<double> {
  // adding it leaves the nearest integer in the last bits
  static constexpr double magic = 6755399441055744.0, low = -708.0, high = 709.0;
  static constexpr int bias = 1023, shift = 52;
};
template <> struct Exponent<float> {
  static constexpr float magic = 12582912.0f, low = -87.0f, high = 88.0f;
  static constexpr int bias = 127, shift = 23;
};

// 2^k, from an integer whose last bits are k. (Numbers that are negative may not be shifted to the left;
// the casts are of C, as those of C++ do not take packs.)
template <class T, class I> INLINE auto power_of_two(I k) {
  using U = Unsigned<I>;
  return number((I)(((U)k + (U)(I{} + Exponent<T>::bias)) << Exponent<T>::shift));
}

// 2^k and exp(r) - 1
template <class V> INLINE void exp_parts(V x, V &power, V &rest) {
  using T = Element<V>;
  using E = Exponent<T>;
  x = at_most(at_least(x, E::low), E::high);
  const V shifted = x * T(1.4426950408889634) + E::magic;
  const V k = shifted - E::magic;
  power = power_of_two<T>(bits(shifted));
  if constexpr (sizeof(T) == 8) {
    // log(2) in two parts, the first with so few digits that its product with k is exact
    const V r = (x - k * T(6.93147180369123816490e-01)) - k * T(1.90821492927058770002e-10);
    const V r2 = r * r, r4 = r2 * r2;
    const V low = (T(1) + r * T(1.0 / 2)) + r2 * (T(1.0 / 6) + r * T(1.0 / 24));
    const V middle = (T(1.0 / 120) + r * T(1.0 / 720)) + r2 * (T(1.0 / 5040) + r * T(1.0 / 40320));
    const V high = (T(1.0 / 362880) + r * T(1.0 / 3628800)) +
                   r2 * (T(1.0 / 39916800) + r * T(1.0 / 479001600));
    rest = r * (low + r4 * (middle + r4 * (high + r4 * T(1.0 / 6227020800))));
  } else {
    const V r = (x - k * T(0.693359375)) - k * T(-2.12194440e-4);
    const V r2 = r * r;
    const V low = (T(1) + r * T(1.0 / 2)) + r2 * (T(1.0 / 6) + r * T(1.0 / 24));
    rest = r * (low + (r2 * r2) * ((T(1.0 / 120) + r * T(1.0 / 720)) + r2 * T(1.0 / 5040)));
  }
}

// Beyond the range of 2^k it overflows and underflows, as others do.
template <class V> INLINE V exp(V x) {
  using T = Element<V>;
  V power, rest;
  exp_parts(x, power, rest);
  const V e = power * rest + power;
  return x > Exponent<T>::high ? V{} + std::numeric_limits<T>::infinity() : (x < Exponent<T>::low ? V{} : e);
}

template <class V> INLINE V expm1(V x) {
  V power, rest;
  exp_parts(x, power, rest);
  return power * rest + (power - Element<V>(1));
}

template <class V> INLINE V logistic(V z) { return Element<V>(1) / (Element<V>(1) + exp(-z)); }

template <class V> INLINE V tanh(V z) {
  const V e = expm1(z + z);
  return e / (e + Element<V>(2));
}

// exp(-z^2 / 2) for z >= 0. The square of z with half of its digits is exact; rounded, that of z would make
// an error of z^2 / 2 ulp.
template <class V> INLINE V gauss(V z) {
  using T = Element<V>;
  using I = Integer<T>;
  constexpr I digits = I(1) << (sizeof(T) == 8 ? 27 : 12);
  z = at_most(z, T(40));  // where it is 0
  const V high = number((bits(z) + digits / 2) & -digits);
  const V h = T(0.5) * (z - high) * (z + high), e = exp(T(-0.5) * high * high);
  return e - e * h * (T(1) - T(0.5) * h * (T(1) - T(1.0 / 3) * h));
}

// 2 artanh(s) for |s| <= 1/3
template <class V> INLINE V twice_artanh(V s) {
  using T = Element<V>;
  constexpr double c64[] = {
      0.999999999999999956, 0.333333333333412872,  0.199999999976438,    0.142857145558285801,
      0.11111095430673142,  0.0909142990023695548, 0.0768183812444581713, 0.0679565274278994692,
      0.0494039452438239312, 0.0889038191305665145};
  constexpr double c32[] = {1.000000004, 0.3333316082, 0.2001229762, 0.1398257887, 0.1407888918};
  if constexpr (sizeof(T) == 8) return (s + s) * polynomial(s * s, c64);
  else return (s + s) * polynomial(s * s, c32);
}

// log(1 + u) for 0 <= u <= 1
template <class V> INLINE V log1p(V u) { return twice_artanh(u / (u + Element<V>(2))); }

// log(x) for x >= 1: x = 2^k m with m around 1
template <class V> INLINE V log(V x) {
  using T = Element<V>;
  using E = Exponent<T>;
  using I = Integer<T>;
  const T whole = number(static_cast<I>(static_cast<I>(E::bias + E::shift) << E::shift));  // its last bit is 1
  const V k = number((bits(x) >> E::shift) + bits(whole)) - (whole + T(E::bias));
  const V m = number((bits(x) & ((I(1) << E::shift) - 1)) | bits(T(1)));
  const V upper = m > T(1.4142135623730951) ? V{} + T(1) : V{};
  const V half = m - T(0.5) * upper * m;
  return (k + upper) * T(0.69314718055994530942) + twice_artanh((half - T(1)) / (half + T(1))) + (x - x);
}

// log(1 + s) for s >= 0, as log(u) + (s - (u - 1)) / u with u = 1 + s rounded
template <class V> INLINE V log1p_of_any(V s) {
  using T = Element<V>;
  const V u = s + T(1);
  return log(u) + (s - (u - T(1))) / u;
}

// erfc(x) for x >= 0, given gauss = exp(-x^2): erfcx(x) (1 + 2 x) is a polynomial in (x - 3) / (x + 3)
template <class V> INLINE V erfc(V x, V gauss) {
  using T = Element<V>;
  constexpr double c64[] = {
      1.25300805826972963,     -0.135621106124580971,   -0.0475622943534436131,
      0.129645158702733705,    -0.119273663415657903,   0.0683080273449728317,
      -0.0237705149119275283,  0.00252939179971136086,  0.0018886902916643004,
      -0.000779832125809653118, -0.000105159391449967021, 0.000125098562902447772,
      4.94787749460973801e-6,  -0.0000200978517384044383, -7.27215134843820821e-7,
      3.4663103918428067e-6,   3.48917237570285802e-7,  -6.07714575304114887e-7,
      -1.31609863282464292e-7, 9.36518979616476231e-8,  3.35466243224672488e-8,
      -9.00953450234179296e-9, -4.45890202303946568e-9};
  constexpr double c32[] = {1.253008084,    -0.135620853,  -0.04756408429, 0.1296387818,
                            -0.1192541195,  0.0683547779,  -0.02384428284, 0.002383964,
                            0.002000245162, -0.0005712052569, -0.0001603538833};
  x = at_most(x, T(37));
  const V t = (x - T(3)) / (x + T(3)), scaled = gauss / (x + x + T(1));
  if constexpr (sizeof(T) == 8) return scaled * polynomial(t, c64);
  else return scaled * polynomial(t, c32);
}

}}  // namespace core
