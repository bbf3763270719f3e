"""What a bug report should tell: versions, and whether the compiled core is there."""

from __future__ import annotations

import importlib

import sklearn

from sklearn_neuron._engine import core


def show_versions() -> None:
    """Print versions, and whether the compiled core is there, for bug reports.

    The core is compiled when sklearn_neuron is installed. Where that was not possible, for example
    without a compiler, NumPy computes everything, and the reason is printed. The rest is
    scikit-learn's ``show_versions``: the system, the versions of dependencies and thread pools.

    See Also
    --------
    set_config : Choose what computes the epochs of training.

    Examples
    --------
    >>> from sklearn_neuron import show_versions
    >>> show_versions()  # doctest: +ELLIPSIS
    <BLANKLINE>
    sklearn_neuron:
          version: ...
    compiled core: ...
    """
    version = importlib.import_module(__package__).__version__
    print("\nsklearn_neuron:")
    print(f"{'version':>13}: {version}")
    print(f"{'compiled core':>13}: {_core()}")
    sklearn.show_versions()


def _core() -> str:
    """Return one line on the core: its instruction set and compiler, or why there is none."""
    if reason := core.why_not():
        return f"no, NumPy computes everything: {reason.removeprefix(core.NONE)}"
    info = core.build_info()
    return (
        f"yes, instruction set {core.load().simd}, {info['compiler'] if info else 'built in place'}"
    )
