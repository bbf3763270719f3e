// The core, compiled once for each instruction set: -DCORE_VARIANT names it.

#include <new>

#include "epochs.hpp"
#include "prepare.hpp"
#include "updates.hpp"

#ifndef CORE_VARIANT
#define CORE_VARIANT baseline
#endif
#define JOINED(a, b) a##b
#define TABLE_NAME(variant) JOINED(core_table_, variant)
#define TEXT(x) #x
#define NAME_OF(variant) TEXT(variant)

namespace core { namespace {

struct AnyFit {
  bool is_double;
  void *fit;
};

template <class T> void *make(const Description *d) {
  auto *fit = new (std::nothrow) Fit<T>(*d);
  if (fit && !fit->prepare()) {
    delete fit;
    fit = nullptr;
  }
  return fit;
}

void destroy(void *handle) {
  auto *any = static_cast<AnyFit *>(handle);
  if (any->is_double) delete static_cast<Fit<double> *>(any->fit);
  else delete static_cast<Fit<float> *>(any->fit);
  delete any;
}

void *create(const Description *d, int is_double) {
  auto *any = new (std::nothrow) AnyFit{is_double != 0, is_double ? make<double>(d) : make<float>(d)};
  if (any && !any->fit) {
    delete any;
    any = nullptr;
  }
  return any;
}

void run(void *handle, Epochs *e) {
  auto *any = static_cast<AnyFit *>(handle);
  if (any->is_double) static_cast<Fit<double> *>(any->fit)->run(*e);
  else static_cast<Fit<float> *>(any->fit)->run(*e);
}

double objective(void *handle) {
  auto *any = static_cast<AnyFit *>(handle);
  if (any->is_double) return static_cast<Fit<double> *>(any->fit)->objective();
  return static_cast<Fit<float> *>(any->fit)->objective();
}

void draw_numbers(void *bit_generator, int is_twister, std::int64_t count, std::uint32_t *out) {
  draw(static_cast<Generator *>(bit_generator), is_twister != 0, count, out);
}

const Part activations[] = {
#define LINE(code, S, name, constant) {name, "", constant},
    ACTIVATIONS(LINE){nullptr, nullptr, nullptr}
#undef LINE
};
const Part losses[] = {
    {"cross_entropy", "softmax", ""},
#define LINE(code, Loss, name, link, constant) {name, link, constant},
    LOSSES(LINE){nullptr, nullptr, nullptr}
#undef LINE
};
const Part rules[] = {
#define LINE(code, Rule, name, arrays) {name, "", arrays},
    RULES(LINE){nullptr, nullptr, nullptr}
#undef LINE
};

const Table table = {NAME_OF(CORE_VARIANT), WIDTH<double>, create, run, destroy, draw_numbers, objective, activations, losses, rules};

}}  // namespace core

extern "C" const Table *TABLE_NAME(CORE_VARIANT)(void);
extern "C" const Table *TABLE_NAME(CORE_VARIANT)(void) { return &core::table; }
