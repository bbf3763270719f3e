// The core, compiled once for each instruction set: -DCORE_VARIANT names it.
//
// Nothing but the table is seen from outside. An inline function of another file (a template of the
// standard library, say) would be merged with those of the other variants, and run where the
// processor lacks its instructions: .ci/run looks for such.

#include "core.h"

#ifndef CORE_VARIANT
#define CORE_VARIANT baseline
#endif
#define JOIN(a, b) a##b
#define JOINED(a, b) JOIN(a, b)
#define TEXT(a) #a
#define TEXT_OF(a) TEXT(a)
#define TABLE_NAME JOINED(core_table_, CORE_VARIANT)

namespace {

template <typename T>
T dot(int64_t n, const T *x, const T *y) {
  T sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; ++i) sum += x[i] * y[i];
  return sum;
}

const Table table = {TEXT_OF(CORE_VARIANT), dot<double>, dot<float>};

}  // namespace

extern "C" const Table *TABLE_NAME(void);
extern "C" const Table *TABLE_NAME(void) { return &table; }
