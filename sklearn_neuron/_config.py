"""Configuration: which engine computes the epochs of training.

=========  =====================================================================
engine     what computes an epoch
=========  =====================================================================
``auto``   compiled code where it is installed, covers the job and pays
``numpy``  plain NumPy, always
``numba``  compiled code wherever it covers the job, however small; else NumPy
=========  =====================================================================

The setting is one for the whole process, so that the threads of a search see it too: the newest
``config_context`` that has not ended, else what ``set_config`` was given. Processes that a search
starts read the environment variable ``SKLEARN_NEURON_ENGINE`` instead.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

ENGINES = ("auto", "numpy", "numba")


def _check(engine: str, source: str) -> str:
    if engine not in ENGINES:
        raise ValueError(f"{source} must be one of {ENGINES}; got {engine!r}.")
    return engine


class _Setting:
    """One configuration; the last one made that has not ended counts."""

    def __init__(self, engine: str) -> None:
        self.engine = engine


_ENVIRONMENT = "SKLEARN_NEURON_ENGINE"
_settings = [_Setting(_check(os.environ.get(_ENVIRONMENT, "").lower() or "auto", _ENVIRONMENT))]


def get_config() -> dict[str, str]:
    """Return the configuration.

    Returns
    -------
    dict
        ``engine``: see ``set_config``. A copy: changing it changes nothing.

    See Also
    --------
    set_config, config_context

    Examples
    --------
    >>> from sklearn_neuron import get_config
    >>> sorted(get_config())
    ['engine']
    """
    return {"engine": _settings[-1].engine}


def set_config(*, engine: str | None = None) -> None:
    """Set the configuration of this process.

    Parameters
    ----------
    engine : {"auto", "numpy", "numba"}, default=None
        What computes the epochs of training: ``"numpy"`` always plain NumPy; ``"numba"`` compiled
        code for all that it covers, compiling it first where need be; ``"auto"`` compiled code
        where Numba is installed and the job is large enough to gain. Both agree to rounding.
        ``None`` leaves the setting as it is, which is one for all threads. The first setting is
        that of the environment variable ``SKLEARN_NEURON_ENGINE``, else ``"auto"``.

    Raises
    ------
    ValueError
        For any other engine.

    See Also
    --------
    config_context : The same for some lines of code.

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
def config_context(*, engine: str | None = None) -> Iterator[None]:
    """Set the configuration for some lines of code, and for what other threads do meanwhile.

    Parameters
    ----------
    engine : {"auto", "numpy", "numba"}, default=None
        As for ``set_config``.

    Yields
    ------
    None
        The earlier configuration comes back at the end, whatever happens.

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
        _settings.remove(setting)  # wherever it stands: other threads may have set theirs since
