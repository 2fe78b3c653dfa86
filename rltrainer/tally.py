"""Sums and counts of one step's measurements, over all its micro-batches."""

import torch
from torch import Tensor


class Tally:
    """Collects values by name; means are taken once at the end, so that micro-batches of any size weigh right."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = {}
        self._counts: dict[str, float] = {}
        self._extremes: dict[str, float] = {}

    def add_mean(self, name: str, values: Tensor, mask: Tensor | None = None, *, weights: Tensor | None = None) -> None:
        """Values whose mean is reported; only those under the mask count. Summed in float64.

        weights: how often each counts, of a shape that expands to that of the values; None for once.
        """
        counted = (values.detach() if mask is None else values.detach()[mask]).double()
        total, count = counted.sum(), float(counted.numel())
        if weights is not None:
            weights = weights.expand_as(values) if mask is None else weights.expand_as(values)[mask]
            total, count = (counted * weights).sum(), float(weights.sum())
        self._sums[name] = self._sums.get(name, 0.0) + float(total)
        self._counts[name] = self._counts.get(name, 0.0) + count

    def add_sum(self, name: str, value: float) -> None:
        """A value whose sum is reported."""
        self._sums[name] = self._sums.get(name, 0.0) + value

    def add_share(self, name: str, part: float, whole: float) -> None:
        """A share of something whose parts are added up; the share of the sums is reported."""
        self._sums[name] = self._sums.get(name, 0.0) + part
        self._counts[name] = self._counts.get(name, 0.0) + whole

    def add_extremes(self, name: str, values: Tensor, mask: Tensor | None = None) -> None:
        """Values whose least and greatest are reported as `<name>_min` and `<name>_max`."""
        counted = values.detach() if mask is None else values.detach()[mask]
        if counted.numel():
            low, high = (float(bound) for bound in torch.aminmax(counted))
            self._extremes[f"{name}_min"] = min(low, self._extremes.get(f"{name}_min", low))
            self._extremes[f"{name}_max"] = max(high, self._extremes.get(f"{name}_max", high))

    def sum_and_count(self, name: str) -> tuple[float, float]:
        """What a mean is made of; (0, 0) where nothing was added."""
        return self._sums.get(name, 0.0), self._counts.get(name, 0.0)

    def merge(self, other: "Tally") -> None:
        """Add all that another tally has collected."""
        for mine, theirs in ((self._sums, other._sums), (self._counts, other._counts)):
            for name, value in theirs.items():
                mine[name] = mine.get(name, 0.0) + value
        for name, value in other._extremes.items():
            choose = min if name.endswith("_min") else max
            self._extremes[name] = choose(value, self._extremes.get(name, value))

    def settle(self, *names: str) -> None:
        """Make one observation of each of these sums: merged with others, their mean is reported."""
        self._counts.update({name: 1.0 for name in names if name in self._sums})

    def renamed(self, **names: str) -> "Tally":
        """The same measurements, some under other names: `tally.renamed(grad_norm="critic_grad_norm")`."""
        changed = Tally()
        for mine, theirs in ((changed._sums, self._sums), (changed._counts, self._counts)):
            mine.update({names.get(name, name): value for name, value in theirs.items()})
        changed._extremes.update(self._extremes)
        return changed

    def values(self) -> dict[str, float]:
        """All that was collected: a mean over nothing is left out."""
        means = {
            name: total / self._counts[name] if name in self._counts else total
            for name, total in self._sums.items()
            if self._counts.get(name) != 0
        }
        return {**means, **self._extremes}
