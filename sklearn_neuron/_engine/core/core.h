// What the Python face and the compiled variants say to each other, in C.

#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// A fit: the network, its loss and penalties, the optimizer, and the data. Pointers are to numbers
// of the precision of theta unless they say otherwise, and outlive the fit.
typedef struct {
  // the network, and its parameters: W of all layers one after the other, then b of all layers
  int64_t n_layers;
  const int64_t *sizes;       // n_layers + 1 of them
  const int32_t *activations; // codes of the hidden layers
  const double *constants;    // c of the hidden layers
  int32_t loss;
  double loss_constant;
  int32_t fit_intercept;
  void *theta, *grad;
  // the objective's penalties
  double alpha, beta;
  // the optimizer
  int32_t rule;
  double first, second, epsilon;  // mu, or beta_1 and beta_2, or mu and rho
  double decay, max_norm;         // max_norm: 0 for none
  int64_t average;                // 0 for none
  void *memory[2], *averaged;
  double *paid;  // of the L1 penalty, by the weights: see Network.shrink
  double dropout;
  // the data: dense X, or CSR
  int64_t n;
  const void *X, *values;
  int32_t X_by_columns;   // dense X is in column-major order
  const int32_t *indices;
  const int64_t *indptr;
  const void *Y;          // (n, K)
  int32_t Y_is_bool;
  double Y_scale, Y_shift; // Y times scale plus shift is what is learned
  const void *weight;      // (n,), or null
  int64_t batch_size;      // n or more: all samples in one update
  // Rows of a block: a batch is cut evenly into blocks of at most block_bytes, which a row takes
  // row_bytes of. least_blocks holds for a batch of all samples.
  int64_t row_bytes, block_bytes, least_blocks;
  // NumPy's bit generator, or null where samples keep their order and no unit is dropped
  void *bit_generator;
  int32_t is_twister;  // it is an MT19937 as random.hpp knows it
  int32_t shuffle;
  // Called every 50 ms; training ends if it returns other than 0.
  int (*poll)(void *);
  // If not null, called after every update, of the m samples from `first` on in this order (null:
  // their own), with the batch's objective before it. The parameters are then outside.
  int (*on_update)(void *, const int32_t *order, int64_t first, int64_t m, double before);
  void *argument;  // of both
} Description;

enum { DONE, PLATEAU, SOLVED, DIVERGED, INTERRUPTED };

// Some epochs of a fit.
typedef struct {
  int64_t n_epochs;
  const double *rates;  // of each epoch
  double *losses;       // receives those of complete epochs
  double tol;           // an improvement is larger; negative: training never stops by it
  int64_t patience;
  double best;          // these two go on from call to call
  int64_t stale;
  int64_t t, n_updates; // counters of the optimizer and of averaging, which go on too
  double due;           // of the L1 penalty
  int64_t done;         // complete epochs
  int32_t status;
} Epochs;

typedef struct {
  const char *name, *link, *constant;
} Part;

typedef struct {
  const char *simd;
  int32_t width;  // numbers of double precision in a vector
  void *(*create)(const Description *, int is_double);  // null if memory is short
  void (*run)(void *fit, Epochs *);
  void (*destroy)(void *fit);
  // Draws numbers of 32 bits, as next_uint32 of the bit generator does.
  void (*draw)(void *bit_generator, int is_twister, int64_t count, uint32_t *out);
  double (*objective)(void *fit);  // over all samples; its gradient goes to grad
  // By code; they end with a line without a name.
  const Part *activations, *losses, *rules;
} Table;

#ifdef __cplusplus
}
#endif
