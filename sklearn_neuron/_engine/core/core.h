// What the Python face and the compiled variants say to each other, in C.

#pragma once

#include <stdint.h>

typedef struct {
  const char *simd;  // the name of the variant
  double (*dot_double)(int64_t n, const double *x, const double *y);
  float (*dot_float)(int64_t n, const float *x, const float *y);
} Table;
