// Fuzzes the compiled core: any fit that Python could describe, in memory that is exactly as large.
//
// With Clang, in the project's root (about a thousand fits a second):
//   clang++ -std=c++17 -O1 -g -fsanitize=fuzzer,address,undefined -DCORE_VARIANT=baseline
//     -Isklearn_neuron/_engine/core tools/fuzz_core.cpp sklearn_neuron/_engine/core/kernels.cpp -o fuzz_core
//   ./fuzz_core -max_len=4096 -max_total_time=3600
// With -march=x86-64-v3 -DCORE_VARIANT=v3 -DFUZZED=core_table_v3 in addition it is the variant of AVX2.

#include <fuzzer/FuzzedDataProvider.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

#include "core.h"

#ifndef FUZZED
#define FUZZED core_table_baseline
#endif
extern "C" const Table *FUZZED(void);

namespace {

using i64 = std::int64_t;

// numpy/random/bitgen.h; a small generator (xorshift) behind it
struct Generator {
  void *state;
  std::uint64_t (*next_uint64)(void *);
  std::uint32_t (*next_uint32)(void *);
  double (*next_double)(void *);
  std::uint64_t (*next_raw)(void *);
};

std::uint64_t next64(void *state) {
  auto &s = *static_cast<std::uint64_t *>(state);
  s ^= s << 13;
  s ^= s >> 7;
  return s ^= s << 17;
}
std::uint32_t next32(void *state) { return static_cast<std::uint32_t>(next64(state) >> 32); }
double next_double(void *state) { return static_cast<double>(next64(state) >> 11) / 9007199254740992.0; }

// Memory of exactly so many bytes, so that one byte more is an error.
struct Block {
  void *at;
  explicit Block(std::size_t bytes) : at(std::malloc(bytes)) {}
  Block(const Block &) = delete;
  Block &operator=(const Block &) = delete;
  ~Block() { std::free(at); }
};

struct Case {
  FuzzedDataProvider from;
  std::vector<std::unique_ptr<Block>> blocks;
  bool is_double;
  i64 n_updates = 0, last_update = -1, n = 0;
  bool asked = false;

  Case(const std::uint8_t *data, std::size_t size) : from(data, size), is_double(from.ConsumeBool()) {}

  i64 integer(i64 least, i64 most) { return from.ConsumeIntegralInRange<i64>(least, most); }
  // A finite number: ordinary, or at an end of the range.
  double number() {
    static const double ends[] = {0.0, -0.0, 1e-310, 1e-45, 1e38, 1e300, -1e19, -1e160, 88.0, 710.0, -745.0};
    const double x = integer(0, 7) ? from.ConsumeFloatingPointInRange<double>(-4.0, 4.0)
                                   : ends[integer(0, 10)];
    return is_double ? x : std::fmax(std::fmin(x, 3e38), -3e38);
  }
  double positive() { return from.ConsumeProbability<double>(); }
  template <class T> T *array(i64 count) {
    blocks.push_back(std::make_unique<Block>(static_cast<std::size_t>(count) * sizeof(T)));
    return static_cast<T *>(blocks.back()->at);
  }
  template <class F> void *numbers(i64 count, F next) {
    if (is_double) {
      auto *x = array<double>(count);
      for (i64 j = 0; j < count; j++) x[j] = next();
      return x;
    }
    auto *x = array<float>(count);
    for (i64 j = 0; j < count; j++) x[j] = static_cast<float>(next());
    return x;
  }
  bool finite(const void *x, i64 count) const {
    for (i64 j = 0; j < count; j++)
      if (!std::isfinite(is_double ? static_cast<const double *>(x)[j] : static_cast<const float *>(x)[j])) return false;
    return true;
  }
};

void must(bool holds) {
  if (!holds) std::abort();
}

int length(const Part *part) {
  int n = 0;
  while (part[n].name) n++;
  return n;
}

int words(const char *text) {
  int n = 0;
  for (bool inside = false; *text; text++) {
    n += *text != ' ' && !inside;
    inside = *text != ' ';
  }
  return n;
}

int on_update(void *argument, const std::int32_t *order, i64 first, i64 m, double) {
  auto &c = *static_cast<Case *>(argument);
  must(first >= 0 && m > 0 && first + m <= c.n);
  for (i64 r = first; order && r < first + m; r++) must(order[r] >= 0 && order[r] < c.n);
  c.asked = true;
  return ++c.n_updates == c.last_update;
}

void add_rows(Case &c, Description &d, i64 p) {
  const i64 n = d.n;
  if (c.from.ConsumeBool()) {
    d.X = c.numbers(n * p, [&] { return c.number(); });
    d.X_by_columns = d.batch_size >= n && c.from.ConsumeBool();
    return;
  }
  auto *indptr = c.array<i64>(n + 1);
  std::vector<std::int32_t> indices;
  indptr[0] = 0;
  for (i64 i = 0; i < n; i++) {
    for (i64 j = c.integer(0, p); j < p; j += 1 + c.integer(0, p)) indices.push_back(static_cast<std::int32_t>(j));
    indptr[i + 1] = static_cast<i64>(indices.size());
  }
  auto *own = c.array<std::int32_t>(static_cast<i64>(indices.size()));
  if (!indices.empty()) std::memcpy(own, indices.data(), indices.size() * sizeof(std::int32_t));
  d.indptr = indptr;
  d.indices = own;
  d.values = c.numbers(static_cast<i64>(indices.size()), [&] { return c.number(); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  const Table &table = *FUZZED();
  Case c(data, size);
  Description d = {};
  const i64 width = c.is_double ? 8 : 4, L = d.n_layers = c.integer(1, 4);
  // the network
  auto *sizes = c.array<i64>(L + 1);
  i64 n_weights = 0, n_units = 0, widest = 0;
  for (i64 l = 0; l <= L; l++) sizes[l] = c.integer(1, c.integer(0, 9) ? 9 : 140);
  if (c.from.ConsumeBool()) sizes[L] = 1;
  for (i64 l = 0; l < L; l++) {
    n_weights += sizes[l] * sizes[l + 1];
    n_units += sizes[l + 1];
    widest = widest < sizes[l + 1] ? sizes[l + 1] : widest;
  }
  const i64 n_parameters = n_weights + n_units, p = sizes[0], K = sizes[L];
  auto *activations = c.array<std::int32_t>(L - 1);
  auto *constants = c.array<double>(L - 1);
  for (i64 l = 0; l < L - 1; l++) {
    activations[l] = static_cast<std::int32_t>(c.integer(0, length(table.activations) - 1));
    constants[l] = c.positive() * 2.0;
  }
  d.sizes = sizes;
  d.activations = activations;
  d.constants = constants;
  d.loss = static_cast<std::int32_t>(c.integer(0, length(table.losses) - 1));
  d.loss_constant = c.positive();
  d.fit_intercept = c.from.ConsumeBool();
  d.theta = c.numbers(n_parameters, [&] { return c.number(); });
  d.grad = c.numbers(n_parameters, [] { return 0.0; });
  d.alpha = c.from.ConsumeBool() ? c.positive() : 0.0;
  d.beta = c.integer(0, 3) ? 0.0 : c.positive();
  // the optimizer
  d.rule = static_cast<std::int32_t>(c.integer(0, length(table.rules) - 1));
  d.first = c.positive() * 0.999;
  d.second = c.positive() * 0.999;
  d.epsilon = 1e-8;
  d.decay = c.integer(0, 3) ? 0.0 : c.positive();
  d.max_norm = c.integer(0, 3) ? 0.0 : c.positive();
  d.average = c.integer(0, 3) ? 0 : c.integer(1, 5);
  const int n_memory = words(table.rules[d.rule].constant);
  for (int k = 0; k < n_memory && k < 2; k++) d.memory[k] = c.numbers(n_parameters, [&] { return c.positive(); });
  if (d.average) d.averaged = c.numbers(n_parameters, [] { return 0.0; });
  if (d.beta != 0.0) {
    d.paid = c.array<double>(n_weights);
    for (i64 j = 0; j < n_weights; j++) d.paid[j] = 0.0;
  }
  d.dropout = L == 1 || c.integer(0, 3) ? 0.0 : c.positive() * 0.9;
  // the samples
  d.n = c.n = c.integer(1, c.integer(0, 9) ? 40 : 1500);
  d.batch_size = c.integer(1, d.n + 2);
  add_rows(c, d, p);
  d.Y_is_bool = c.from.ConsumeBool();
  if (d.Y_is_bool) {
    auto *y = c.array<unsigned char>(d.n * K);
    for (i64 i = 0; i < d.n * K; i++) y[i] = c.from.ConsumeBool();
    d.Y = y;
  } else {
    d.Y = c.numbers(d.n * K, [&] { return c.number(); });
  }
  d.Y_scale = c.from.ConsumeBool() ? 1.0 : c.positive();
  d.Y_shift = c.from.ConsumeBool() ? 0.0 : c.positive();
  if (c.from.ConsumeBool()) d.weight = c.numbers(d.n, [&] { return c.positive(); });
  // how batches are cut, as compiled.py does
  d.row_bytes = (d.dropout > 0.0 ? widest : n_units + (d.X ? p : 0)) * width;
  d.block_bytes = d.row_bytes * c.integer(1, d.n + 1);
  d.least_blocks = d.batch_size >= d.n ? c.integer(1, 3) : 0;
  std::uint64_t state = 0x9E3779B97F4A7C15u;
  Generator generator = {&state, next64, next32, next_double, next64};
  d.shuffle = d.batch_size < d.n && c.from.ConsumeBool();
  if (d.shuffle || d.dropout > 0.0) d.bit_generator = &generator;
  d.argument = &c;
  if (!c.integer(0, 3)) {
    d.on_update = on_update;
    c.last_update = c.integer(0, 20);
  }

  void *fit = table.create(&d, c.is_double);
  must(fit != nullptr);
  Epochs e = {};
  e.tol = c.from.ConsumeBool() ? -1.0 : c.positive();
  e.patience = c.integer(1, 3);
  e.best = std::numeric_limits<double>::infinity();
  for (int call = 0; call < 2 && e.status == 0; call++) {
    const i64 n_epochs = e.n_epochs = c.integer(1, 3);
    auto *rates = c.array<double>(n_epochs);
    for (i64 k = 0; k < n_epochs; k++) rates[k] = c.integer(0, 9) ? c.positive() : 1e3;
    e.rates = rates;
    e.losses = c.array<double>(n_epochs);
    table.run(fit, &e);
    must(e.done >= 0 && e.done <= n_epochs && e.status >= DONE && e.status <= INTERRUPTED);
    must(e.status != DONE || e.done == n_epochs);
    for (i64 k = 0; k < e.done; k++) must(std::isfinite(e.losses[k]));
    // parameters outside are those of the last complete epoch, except after on_update
    must(c.asked || c.finite(d.theta, n_parameters));
  }
  if (d.dropout == 0.0 && d.batch_size >= d.n && c.finite(d.theta, n_parameters)) table.objective(fit);
  table.destroy(fit);
  return 0;
}
