// Which of the compiled variants runs: the best that the processor supports, or the one asked for.

#pragma once

#include <string.h>

#include "core.h"

#ifdef __cplusplus
extern "C" {
#endif
const Table *core_table_baseline(void);
#if defined(CORE_HAS_V3)
const Table *core_table_v3(void);
#endif
#if defined(CORE_HAS_V4)
const Table *core_table_v4(void);
#endif
#ifdef __cplusplus
}
#endif

// Null if `wanted` is neither empty nor available.
static inline const Table *core_choose(const char *wanted) {
#if defined(CORE_HAS_V4)
  if (!*wanted || !strcmp(wanted, "v4"))
    if (__builtin_cpu_supports("x86-64-v4")) return core_table_v4();
#endif
#if defined(CORE_HAS_V3)
  if (!*wanted || !strcmp(wanted, "v3"))
    if (__builtin_cpu_supports("x86-64-v3")) return core_table_v3();
#endif
  if (!*wanted || !strcmp(wanted, "baseline")) return core_table_baseline();
  return 0;
}
