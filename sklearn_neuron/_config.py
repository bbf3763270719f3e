"""Configuration: which engine computes the epochs of training.

============  ==================================================================
engine        what computes an epoch
============  ==================================================================
``auto``      the compiled core if it is there and covers the job; otherwise NumPy
``numpy``     always plain NumPy
``compiled``  the same as ``auto``, with an error or a warning where it is NumPy
============  ==================================================================

The setting applies to the whole process, so that the threads of a search see it, too. It is that of
the newest ``config_context`` that has not ended, or else of ``set_config``. Processes started by a
search read the environment variable ``SKLEARN_NEURON_ENGINE`` instead.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from sklearn_neuron._typing import EngineName

ENGINES = ("auto", "numpy", "compiled")


def _check(engine: str, source: str) -> str:
    if engine not in ENGINES:
        raise ValueError(f"{source} must be one of {ENGINES}; got {engine!r}.")
    return engine


class _Setting:
    """One configuration; the newest one that has not ended applies."""

    def __init__(self, engine: str) -> None:
        self.engine = engine


_ENVIRONMENT = "SKLEARN_NEURON_ENGINE"
_settings = [_Setting(_check(os.environ.get(_ENVIRONMENT, "").lower() or "auto", _ENVIRONMENT))]


def get_config() -> dict[str, str]:
    """Retrieve the current configuration.

    Returns
    -------
    config : dict
        Keys are parameter names that can be passed to ``set_config``. The dict is a copy;
        modifying it does not change the configuration.

    See Also
    --------
    set_config : Set the configuration.
    config_context : Context manager for the configuration.

    Examples
    --------
    >>> from sklearn_neuron import get_config
    >>> sorted(get_config())
    ['engine']
    """
    return {"engine": _settings[-1].engine}


def set_config(*, engine: EngineName | None = None) -> None:
    """Set the configuration of this process.

    Parameters
    ----------
    engine : {"auto", "numpy", "compiled"}, default=None
        What computes the epochs of training: ``"numpy"`` is plain NumPy; ``"auto"`` is the compiled
        core where it was built and covers the job, otherwise NumPy; ``"compiled"`` is the same, but
        raises an ImportError if the core was not built and warns where it does not cover the job.
        The results agree up to rounding. The setting applies to all threads. If None, the existing
        value won't change. Its initial value is that of the environment variable
        ``SKLEARN_NEURON_ENGINE``, or else ``"auto"``.

    Raises
    ------
    ValueError
        If ``engine`` is not one of the options.

    See Also
    --------
    config_context : Context manager for the configuration.
    get_config : Retrieve the current configuration.

    Examples
    --------
    >>> from sklearn_neuron import get_config, set_config
    >>> set_config(engine="numpy")
    >>> get_config()["engine"]
    'numpy'
    >>> set_config(engine="auto")
    """
    if engine is not None:
        _settings[-1].engine = _check(engine, "engine")


@contextmanager
def config_context(*, engine: EngineName | None = None) -> Iterator[None]:
    """Context manager to temporarily change the configuration, in all threads.

    Parameters
    ----------
    engine : {"auto", "numpy", "compiled"}, default=None
        As for ``set_config``.

    Yields
    ------
    None
        The previous configuration is restored at the end, even if an exception is raised.

    See Also
    --------
    set_config : Set the configuration.
    get_config : Retrieve the current configuration.

    Examples
    --------
    >>> from sklearn_neuron import LogisticNeuronClassifier, config_context
    >>> with config_context(engine="numpy"):
    ...     neuron = LogisticNeuronClassifier(max_iter=5, tol=None).fit([[0.0], [1.0]], [0, 1])
    """
    setting = _Setting(get_config()["engine"] if engine is None else _check(engine, "engine"))
    _settings.append(setting)
    try:
        yield
    finally:
        _settings.remove(setting)  # not always the last one: other threads may have added theirs
