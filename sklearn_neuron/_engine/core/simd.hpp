// Vectors of numbers, as wide as the instruction set allows.
//
// Pack<T> is a vector of WIDTH<T> numbers with the operators of a number; a comparison gives a mask,
// and mask ? a : b selects. Elsewhere than with GCC and Clang a pack is a single number, so the same
// source compiles everywhere.

#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>
#if defined(__AVX__) && defined(__GNUC__)
#include <immintrin.h>
#endif

#if defined(__GNUC__)
#define INLINE inline __attribute__((always_inline))
#define INLINE_LAMBDA __attribute__((always_inline))
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif
#else
#define INLINE inline
#define INLINE_LAMBDA
#define UNROLL
#endif

namespace core { namespace {

using i32 = std::int32_t;
using i64 = std::int64_t;

template <class T> struct IntegerOf;  // of the same size
template <> struct IntegerOf<double> { using type = std::int64_t; };
template <> struct IntegerOf<float> { using type = std::int32_t; };
template <class T> using Integer = typename IntegerOf<T>::type;

#if defined(__GNUC__)

#if defined(__AVX512F__) && defined(__AVX512DQ__)
constexpr int BYTES = 64;
#elif defined(__AVX2__)
constexpr int BYTES = 32;
#else
constexpr int BYTES = 16;
#endif
template <class T> constexpr int WIDTH = BYTES / sizeof(T);

template <class T> struct PackOf {
  typedef T type __attribute__((vector_size(BYTES)));
  typedef T in_memory __attribute__((vector_size(BYTES), aligned(sizeof(T)), may_alias));
};
template <class T> using Pack = typename PackOf<T>::type;

// the element type of a pack, or of a number
template <class V> struct ElementOf { using type = std::decay_t<decltype(V{}[0])>; };
template <> struct ElementOf<double> { using type = double; };
template <> struct ElementOf<float> { using type = float; };
template <class V> using Element = typename ElementOf<V>::type;

template <class T> INLINE Pack<T> load(const T *p) {
  return *reinterpret_cast<const typename PackOf<T>::in_memory *>(p);
}
template <class T> INLINE void store(T *p, Pack<T> v) {
  *reinterpret_cast<typename PackOf<T>::in_memory *>(p) = v;
}

// The first n elements; the others are zero, and not touched in memory.
#if defined(__AVX512F__) && defined(__AVX512DQ__)
INLINE Pack<double> load_part(const double *p, int n) {
  return (Pack<double>)_mm512_maskz_loadu_pd((__mmask8)((1u << n) - 1u), p);
}
INLINE Pack<float> load_part(const float *p, int n) {
  return (Pack<float>)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1u), p);
}
INLINE void store_part(double *p, Pack<double> v, int n) {
  _mm512_mask_storeu_pd(p, (__mmask8)((1u << n) - 1u), (__m512d)v);
}
INLINE void store_part(float *p, Pack<float> v, int n) {
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1u), (__m512)v);
}
#elif defined(__AVX2__)
alignas(64) constexpr i64 KEEP64[8] = {-1, -1, -1, -1, 0, 0, 0, 0};
alignas(64) constexpr i32 KEEP32[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
INLINE __m256i mask_of(const double *, int n) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i *>(KEEP64 + 4 - n));
}
INLINE __m256i mask_of(const float *, int n) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i *>(KEEP32 + 8 - n));
}
INLINE Pack<double> load_part(const double *p, int n) {
  return (Pack<double>)_mm256_maskload_pd(p, mask_of(p, n));
}
INLINE Pack<float> load_part(const float *p, int n) {
  return (Pack<float>)_mm256_maskload_ps(p, mask_of(p, n));
}
INLINE void store_part(double *p, Pack<double> v, int n) {
  _mm256_maskstore_pd(p, mask_of(p, n), (__m256d)v);
}
INLINE void store_part(float *p, Pack<float> v, int n) {
  _mm256_maskstore_ps(p, mask_of(p, n), (__m256)v);
}
#else
template <class T> INLINE Pack<T> load_part(const T *p, int n) {
  Pack<T> v = {};
  for (int i = 0; i < n; i++) v[i] = p[i];
  return v;
}
template <class T> INLINE void store_part(T *p, Pack<T> v, int n) {
  for (int i = 0; i < n; i++) p[i] = v[i];
}
#endif

template <class T> INLINE Integer<T> bits(T x) {
  Integer<T> i;
  std::memcpy(&i, &x, sizeof x);
  return i;
}
INLINE double number(std::int64_t i) { double x; std::memcpy(&x, &i, sizeof x); return x; }
INLINE float number(std::int32_t i) { float x; std::memcpy(&x, &i, sizeof x); return x; }
INLINE Pack<std::int64_t> bits(Pack<double> x) { return (Pack<std::int64_t>)x; }
INLINE Pack<std::int32_t> bits(Pack<float> x) { return (Pack<std::int32_t>)x; }
INLINE Pack<double> number(Pack<std::int64_t> i) { return (Pack<double>)i; }
INLINE Pack<float> number(Pack<std::int32_t> i) { return (Pack<float>)i; }

template <class I> struct UnsignedOf { typedef std::make_unsigned_t<I> type; };
template <> struct UnsignedOf<Pack<std::int64_t>> { typedef typename PackOf<std::uint64_t>::type type; };
template <> struct UnsignedOf<Pack<std::int32_t>> { typedef typename PackOf<std::uint32_t>::type type; };
template <class I> using Unsigned = typename UnsignedOf<I>::type;

INLINE double root(double x) { return __builtin_sqrt(x); }
INLINE float root(float x) { return __builtin_sqrtf(x); }
#if defined(__AVX512F__) && defined(__AVX512DQ__)
INLINE Pack<double> root(Pack<double> x) { return (Pack<double>)_mm512_sqrt_pd((__m512d)x); }
INLINE Pack<float> root(Pack<float> x) { return (Pack<float>)_mm512_sqrt_ps((__m512)x); }
#elif defined(__AVX2__)
INLINE Pack<double> root(Pack<double> x) { return (Pack<double>)_mm256_sqrt_pd((__m256d)x); }
INLINE Pack<float> root(Pack<float> x) { return (Pack<float>)_mm256_sqrt_ps((__m256)x); }
#else
template <class V> INLINE V root(V x) {
  for (int i = 0; i < WIDTH<Element<V>>; i++) x[i] = root(x[i]);
  return x;
}
#endif

template <class T> INLINE Pack<T> spread(T x) { return Pack<T>{} + x; }

// Elements of two packs: those of every second block of H elements from a, then from b.
template <int H, class V, class I> INLINE V blocks(V a, V b, int from) {
  constexpr int W = WIDTH<Element<V>>;
  I which = {};
  for (int i = 0; i < W; i++) {
    const int block = i / (2 * H), inside = i % (2 * H);
    which[i] = block * 2 * H + inside % H + from + (inside < H ? 0 : W);
  }
#if defined(__clang__)
  V out = {};
  for (int i = 0; i < W; i++) out[i] = which[i] < W ? a[which[i]] : b[which[i] - W];
  return out;
#else
  return __builtin_shuffle(a, b, which);
#endif
}

// The sums of WIDTH packs, as one pack.
template <class T, int H = WIDTH<T> / 2> INLINE Pack<T> sums(Pack<T> *v) {
  using I = Pack<Integer<T>>;
  UNROLL
  for (int i = 0; i < H; i++) {
    const Pack<T> a = v[i], b = v[i + H];
    v[i] = blocks<H, Pack<T>, I>(a, b, 0) + blocks<H, Pack<T>, I>(a, b, H);
  }
  if constexpr (H > 1) return sums<T, H / 2>(v);
  return v[0];
}

template <class T> INLINE T sum(Pack<T> v) {
  using I = Pack<Integer<T>>;
  v = v + blocks<WIDTH<T> / 2, Pack<T>, I>(v, v, WIDTH<T> / 2);
  if constexpr (WIDTH<T> > 2) v = v + blocks<WIDTH<T> / 4, Pack<T>, I>(v, v, WIDTH<T> / 4);
  if constexpr (WIDTH<T> > 4) v = v + blocks<WIDTH<T> / 8, Pack<T>, I>(v, v, WIDTH<T> / 8);
  if constexpr (WIDTH<T> > 8) v = v + blocks<WIDTH<T> / 16, Pack<T>, I>(v, v, WIDTH<T> / 16);
  return v[0];
}

INLINE void prefetch(const void *p) { __builtin_prefetch(p, 0, 3); }

#else  // another compiler

template <class T> constexpr int WIDTH = 1;
constexpr int BYTES = 8;
template <class T> using Pack = T;
template <class V> using Element = V;
template <class T> INLINE T load(const T *p) { return *p; }
template <class T> INLINE void store(T *p, T v) { *p = v; }
template <class T> INLINE T load_part(const T *p, int n) { return n ? *p : T(0); }
template <class T> INLINE void store_part(T *p, T v, int n) { if (n) *p = v; }
template <class T> INLINE Integer<T> bits(T x) { Integer<T> i; std::memcpy(&i, &x, sizeof x); return i; }
INLINE double number(std::int64_t i) { double x; std::memcpy(&x, &i, sizeof x); return x; }
INLINE float number(std::int32_t i) { float x; std::memcpy(&x, &i, sizeof x); return x; }
template <class I> using Unsigned = std::make_unsigned_t<I>;
INLINE double root(double x) { return std::sqrt(x); }
INLINE float root(float x) { return std::sqrt(x); }
template <class T> INLINE T spread(T x) { return x; }
template <class T> INLINE T sums(T *v) { return v[0]; }
template <class T> INLINE T sum(T v) { return v; }
INLINE void prefetch(const void *) {}

#endif

}}  // namespace core
