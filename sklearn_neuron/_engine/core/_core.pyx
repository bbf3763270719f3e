# cython: language_level=3, binding=True, embedsignature=True
# cython: boundscheck=False, wraparound=False, initializedcheck=False
# cython: freethreading_compatible=True
"""The compiled core, as Python sees it: fits over arrays that Python owns."""

from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.exc cimport PyErr_CheckSignals
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport int32_t, int64_t, uint32_t

import os

import numpy as np
from numpy.random import MT19937


cdef extern from "core.h" nogil:
    ctypedef struct Description:
        int64_t n_layers
        const int64_t *sizes
        const int32_t *activations
        const double *constants
        int32_t loss
        double loss_constant
        int32_t fit_intercept
        void *theta
        void *grad
        double alpha
        double beta
        int32_t rule
        double first
        double second
        double epsilon
        double decay
        double max_norm
        int64_t average
        void *memory[2]
        void *averaged
        double *paid
        double dropout
        int64_t n
        const void *X
        const void *values
        int32_t X_by_columns
        const int32_t *indices
        const int64_t *indptr
        const void *Y
        int32_t Y_is_bool
        double Y_scale
        double Y_shift
        const void *weight
        int64_t batch_size
        int64_t row_bytes
        int64_t block_bytes
        int64_t least_blocks
        void *bit_generator
        int32_t is_twister
        int32_t shuffle
        int (*poll)(void *) noexcept nogil
        int (*on_update)(void *, const int32_t *, int64_t, int64_t, double) noexcept nogil
        void *argument

    ctypedef struct Epochs:
        int64_t n_epochs
        const double *rates
        double *losses
        double tol
        int64_t patience
        double best
        int64_t stale
        int64_t t
        int64_t n_updates
        double due
        int64_t done
        int32_t status

    ctypedef struct Part:
        const char *name
        const char *link
        const char *constant

    ctypedef struct Table:
        const char *simd
        int32_t width
        void *(*create)(const Description *, int) noexcept nogil
        void (*run)(void *, Epochs *) noexcept nogil
        void (*destroy)(void *) noexcept nogil
        void (*draw)(void *, int, int64_t, uint32_t *) noexcept nogil
        double (*objective)(void *) noexcept nogil
        const Part *activations
        const Part *losses
        const Part *rules


cdef extern from "variants.h" nogil:
    const Table *core_choose(const char *wanted)


STATUS = ("done", "plateau", "solved", "diverged", "interrupted")


wanted = os.environ.get("SKLEARN_NEURON_SIMD", "")
cdef const Table *table = core_choose(wanted.encode())
if table is NULL:
    raise ValueError(
        f"SKLEARN_NEURON_SIMD={wanted}: this processor does not support it, or this build does not "
        "have it. Choose one of baseline, v3 and v4, or leave the variable unset for the best."
    )

#: The instruction set in use: "baseline", "v3" (AVX2) or "v4" (AVX-512).
simd = table.simd.decode()
#: Numbers of double precision in a vector; 1 without vector instructions.
width = table.width


cdef list _parts(const Part *part):
    found = []
    while part.name is not NULL:
        found.append((part.name.decode(), part.link.decode(), part.constant.decode()))
        part += 1
    return found


#: Names, links and names of the hyper-parameter of what the core covers, by code.
activations = _parts(table.activations)
losses = _parts(table.losses)
rules = _parts(table.rules)


def draw(bit_generator, uint32_t[::1] out, bint is_twister):
    """Draw numbers of 32 bits from a bit generator."""
    table.draw(
        PyCapsule_GetPointer(bit_generator.capsule, "BitGenerator"), is_twister, out.shape[0], &out[0]
    )


def _knows_twister():
    """Return whether NumPy's MT19937 is laid out as random.hpp has it."""
    found = np.empty(1500, np.uint32)
    draw(MT19937(0), found, True)
    return np.array_equal(found, MT19937(0).random_raw(1500))


_TWISTER = MT19937 if _knows_twister() else None


class _Released:
    """Lets others draw from the generator meanwhile, a handler of this thread among them."""

    def __init__(self, lock):
        self.lock = lock

    def __enter__(self):
        if self.lock is not None:
            self.lock.release()

    def __exit__(self, *_):
        late = None
        while self.lock is not None:
            try:
                self.lock.acquire()
                break
            except BaseException as error:  # of a signal's handler, which waiting lets run
                late = error
        if late is not None:
            raise late


cdef int _poll(void *pointer) noexcept with gil:
    fit = <Fit>pointer
    try:
        with _Released(fit.lock):
            PyErr_CheckSignals()
    except BaseException as error:
        fit.interrupt = error
        return 1
    return 0


cdef int _on_update(
    void *pointer, const int32_t *order, int64_t first, int64_t m, double before
) noexcept with gil:
    fit = <Fit>pointer
    try:
        rows = slice(first, first + m)
        if order is not NULL:
            rows = [order[r] for r in range(first, first + m)]
        with _Released(fit.lock):
            fit.on_update(rows, before)
    except BaseException as error:
        fit.interrupt = error
        return 1
    return 0


cdef void _check_csr(
    const int32_t[::1] indices, const int64_t[::1] indptr, int64_t n_columns
) except *:
    """Raise unless all entries are inside the matrix."""
    cdef int64_t i, most = indices.shape[0]
    cdef bint right = indptr[0] >= 0 and indptr[indptr.shape[0] - 1] <= most
    with nogil:
        for i in range(indptr.shape[0] - 1):
            right &= indptr[i] <= indptr[i + 1]
        if right:
            for i in range(indptr[0], indptr[indptr.shape[0] - 1]):
                right &= 0 <= indices[i] < n_columns
    if not right:
        raise ValueError(
            f"X is not a valid CSR matrix: indptr must not decrease, and indices must be in "
            f"[0, {n_columns}). X.check_format() says more."
        )


cdef const void *_address(str name, object array, Py_ssize_t itemsize, Py_ssize_t size, int flags=PyBUF_SIMPLE) except? NULL:
    """Return the address of a contiguous array's data; NULL for None.

    Raise unless it has so many items of that size: the core reads and writes by these addresses.
    """
    cdef Py_buffer view
    cdef const void *address
    if array is None:
        return NULL
    PyObject_GetBuffer(array, &view, flags)
    address = view.buf
    fits = view.itemsize == itemsize and view.len == itemsize * size
    PyBuffer_Release(&view)
    if not fits:
        raise ValueError(
            f"{name} must be {size} items of {itemsize} bytes; got {array.size} of {array.itemsize}."
        )
    return address


cdef void *_memory(str name, object array, Py_ssize_t itemsize, Py_ssize_t size) except? NULL:
    """Return the address of data that will be written to."""
    return <void *>_address(name, array, itemsize, size, PyBUF_WRITABLE)


cdef class Fit:
    """A fit: see ``Description`` in core.h, whose fields the arguments are."""

    cdef void *handle
    cdef Description given
    cdef readonly object interrupt
    cdef tuple owned  # what the pointers are to
    cdef object lock
    cdef readonly bint winds_back  # what was drawn for an epoch that is interrupted
    cdef object on_update

    def __cinit__(self, *, sizes, activations, constants, loss, loss_constant, fit_intercept, theta,
                  grad, alpha, beta, rule, first, second, epsilon, decay, max_norm, average, memory,
                  averaged, paid, dropout, n, X, values, indices, indptr, Y, Y_scale,
                  Y_shift, weight, batch_size, row_bytes, block_bytes, least_blocks, rng, shuffle,
                  on_update):
        cdef Description *d = &self.given
        cdef Py_ssize_t width = theta.dtype.itemsize, n_layers = len(sizes) - 1
        cdef Py_ssize_t p = sizes[0], K = sizes[n_layers]
        cdef Py_ssize_t n_weights = sum(
            [int(sizes[l]) * int(sizes[l + 1]) for l in range(n_layers)]
        )
        cdef Py_ssize_t size = n_weights + sum([int(units) for units in sizes[1:]])
        self.handle = NULL
        self.owned = (sizes, activations, constants, theta, grad, memory, averaged, paid,
                      X, values, indices, indptr, Y, weight, rng)
        d.n_layers = n_layers
        d.sizes = <const int64_t *>_address("sizes", sizes, 8, n_layers + 1)
        d.activations = <const int32_t *>_address("activations", activations, 4, n_layers - 1)
        d.constants = <const double *>_address("constants", constants, 8, n_layers - 1)
        d.loss, d.loss_constant = loss, loss_constant
        d.fit_intercept = fit_intercept
        d.theta = _memory("theta", theta, width, size)
        d.grad = _memory("grad", grad, width, size)
        d.alpha, d.beta = alpha, beta
        d.rule, d.first, d.second, d.epsilon = rule, first, second, epsilon
        d.decay, d.max_norm, d.average = decay, max_norm, average
        d.memory[0] = _memory("the optimizer's state", memory[0], width, size)
        d.memory[1] = _memory("the optimizer's state", memory[1], width, size)
        d.averaged = _memory("the mean of theta", averaged, width, size)
        d.paid = <double *>_memory("the paid L1 penalty", paid, 8, n_weights)
        d.dropout = dropout
        d.n = n
        d.X = NULL
        d.X_by_columns = X is not None and not X.flags.c_contiguous
        if X is not None:
            d.X = _address("X", X.T if d.X_by_columns else X, width, n * p)
        if values is not None:
            _check_csr(indices, indptr, p)
            d.values = _address("X.data", values, width, values.size)
            d.indices = <const int32_t *>_address("X.indices", indices, 4, values.size)
            d.indptr = <const int64_t *>_address("X.indptr", indptr, 8, n + 1)
        d.Y_is_bool = Y.dtype.kind == "b"
        d.Y = _address("Y", Y, 1 if d.Y_is_bool else width, n * K)
        d.Y_scale, d.Y_shift = Y_scale, Y_shift
        d.weight = _address("sample_weight", weight, width, n)
        d.batch_size = batch_size
        d.row_bytes, d.block_bytes, d.least_blocks = row_bytes, block_bytes, least_blocks
        d.bit_generator, d.is_twister, self.lock, self.winds_back = NULL, False, None, True
        if rng is not None:  # whose lock is held while the core may draw
            generator = rng._bit_generator
            d.bit_generator = PyCapsule_GetPointer(generator.capsule, "BitGenerator")
            d.is_twister = self.winds_back = type(generator) is _TWISTER
            self.lock = generator.lock
        d.shuffle = shuffle
        d.poll, d.argument = _poll, <void *>self
        self.on_update = on_update
        d.on_update = NULL
        if on_update is not None:
            d.on_update = _on_update
        self.handle = table.create(d, width == 8)
        if self.handle is NULL:
            raise MemoryError("Not enough memory for the buffers of a fit.")

    def __dealloc__(self):
        if self.handle is not NULL:
            table.destroy(self.handle)

    def run(self, const double[::1] rates, double[::1] losses, double tol, int64_t patience,
            double best, int64_t stale, int64_t t, int64_t n_updates, double due):
        """Run epochs at the given rates; return how many are complete, the status, and counters."""
        cdef Epochs e
        e.n_epochs, e.rates, e.losses = rates.shape[0], &rates[0], &losses[0]
        e.tol, e.patience, e.best, e.stale = tol, patience, best, stale
        e.t, e.n_updates, e.due = t, n_updates, due
        self.interrupt = None
        if self.lock is None:
            with nogil:
                table.run(self.handle, &e)
        else:
            with self.lock, nogil:
                table.run(self.handle, &e)
        if self.interrupt is None and STATUS[e.status] != "diverged":
            try:  # what came since it was last looked for finds epochs that are complete
                PyErr_CheckSignals()
            except BaseException as error:
                self.interrupt = error
        return e.done, STATUS[e.status], e.best, e.stale, e.t, e.n_updates, e.due

    def objective(self):
        """Return the objective over all samples; its gradient is then in ``grad``."""
        cdef double value
        self.interrupt = None
        with nogil:
            value = table.objective(self.handle)
        if self.interrupt is not None:
            raise self.interrupt
        return value
