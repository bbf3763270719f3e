r"""Records: what ``history_`` keeps of training, how much of it, and in which precision.

==========  ===========  ==================================================================
record      one row per  columns
==========  ===========  ==================================================================
``loss``    epoch        epoch, eta, loss
``epoch``   epoch        the same, and the parameters after the epoch
``step``    update       epoch, step, eta, n_rows, rows, loss, loss_after, and the parameters
                         after the update
==========  ===========  ==================================================================

With validation data every row also has validation_loss and validation_score, measured after the
epoch (in rows of steps: NaN except for the last of an epoch); with ``state=True`` also state.

Epochs and steps are counted from 0. The loss of an epoch is the one of ``loss_curve_``; the loss of
a step is its batch's objective before the update, ``loss_after`` that of the same batch after it.
"""

from __future__ import annotations

from sklearn_neuron._typing import RecordName, RecordWidth
from sklearn_neuron.components import Component

#: What a row belongs to, for each kind of record.
UNITS: dict[RecordName, str] = {"loss": "epoch", "epoch": "epoch", "step": "step"}


class Record(Component):
    """What is recorded during training, for ``record=``.

    Parameters
    ----------
    kind : {"loss", "epoch", "step"}, default="epoch"
        ``"loss"`` records numbers after every epoch, ``"epoch"`` also the parameters, ``"step"``
        the parameters after every update. ``record="step"`` is short for
        ``record=Record("step")``.
    every : int, default=1
        Keep the rows of every so many epochs or updates: with 10 those of epochs 9, 19, 29 and so
        on (counted from 0), and the last one. ``loss_curve_`` always has all epochs.
    dtype : {"float32", "float64"} or None, default=None
        Precision of the recorded parameters; None is that of training. ``"float32"`` takes half
        the memory. Training itself does not change, nor do the initial parameters in ``start_``.
    state : bool, default=False
        Whether to record the state of the optimizer, too, such as Adam's moving averages. Each
        array of it takes as much memory as the parameters. Adaptive optimizers of a regressor may
        see y in units of a power of two; so does their state.
    max_bytes : int, default=268435456
        Largest size of the record that a call of ``fit`` or ``partial_fit`` may make. It is
        checked before the first epoch, for ``max_iter`` epochs or, with
        ``early_stopping="auto"``, for as many as have been chosen (and before these are looked for,
        for one). The default is 2²⁸, 268 MB.

    See Also
    --------
    sklearn_neuron.inspection.journal : The record as a table.
    sklearn_neuron.inspection.at : An estimator as it was then.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_neuron import ManualMLPClassifier, Record
    >>> X, y = load_iris(return_X_y=True)
    >>> record = Record("epoch", every=5, dtype="float32")
    >>> network = ManualMLPClassifier((4,), max_iter=12, tol=None, record=record).fit(X, y)
    >>> network.history_["epoch"].tolist(), len(network.loss_curve_)
    ([4, 9, 11], 12)
    """

    name = "record"

    def __init__(
        self,
        kind: RecordName = "epoch",
        *,
        every: int = 1,
        dtype: RecordWidth | None = None,
        state: bool = False,
        max_bytes: int = 268_435_456,
    ) -> None:
        self.kind = kind
        self.every = every
        self.dtype = dtype
        self.state = state
        self.max_bytes = max_bytes

    def validate(self) -> None:
        self.check_choice("kind", UNITS)
        self.check_choice("dtype", ("float32", "float64", None))
        self.check_number("every", 1, integer=True)
        self.check_number("max_bytes", integer=True)
        self.check_flag("state")
        if self.state and self.kind == "loss":
            raise ValueError(
                "state=True of Record records the optimizer's state together with the parameters: "
                "it needs kind='epoch' or kind='step'."
            )

    @property
    def unit(self) -> str:
        """What a row belongs to: "epoch" or "step"."""
        return UNITS[self.kind]

    def is_due(self, number: int) -> bool:
        """Return whether the row of an epoch or a step is kept.

        Parameters
        ----------
        number : int
            The epoch or step, counted from 0.

        Returns
        -------
        bool
            Whether ``every`` says so; the last row is kept in any case.
        """
        return (number + 1) % self.every == 0


#: Records by name, as ``record=`` takes it.
RECORDS: dict[str, Record] = {kind: Record(kind) for kind in UNITS}
