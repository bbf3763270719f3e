"""Schedules: from the count of epochs to the learning rate η.

A schedule is a pure function of the base learning rate and the count, so that training
can go on where it stopped with nothing but the count.
"""

from __future__ import annotations

from abc import abstractmethod

from sklearn_neuron.recipes import Recipe


class Schedule(Recipe):
    """A learning rate that depends on how many epochs are done."""

    name: str

    @abstractmethod
    def __call__(self, eta: float, epoch: int) -> float:
        """Return η of this epoch (counted from 0 over all calls), given the base rate."""


class Constant(Schedule):
    """η_t = η."""

    name = "constant"

    def __call__(self, eta: float, epoch: int) -> float:
        return eta


#: Schedules by the name that ``schedule=`` takes. A new one needs a line here.
SCHEDULES: dict[str, type[Schedule]] = {schedule.name: schedule for schedule in (Constant,)}
