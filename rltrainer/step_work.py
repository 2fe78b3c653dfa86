"""How much a step computes: its operations, those that padding costs, and the share of the device's peak."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from transformers import PreTrainedModel

from rewardmodel.runtime.device import ComputeDevice
from rewardmodel.runtime.peak import DevicePeak, find_peak
from rewardmodel.runtime.status import StatusWriter
from rltrainer.architecture import output_head, token_embeddings
from rltrainer.layouts import Cluster
from rltrainer.llama.body import find_body
from rltrainer.ranks import Ranks
from rltrainer.tally import Tally

OPERATIONS = "operations"
"""Under this name a tally adds them up; `PeakWatch` makes rates of them."""
FORWARD = 2.0
"""Operations of a forward pass, for each weight and token: a product and a sum."""
WEIGHT_GRADIENT = 2.0
"""Those of a weight's gradient; as many again are what goes back through it to the layers below."""


@dataclass(frozen=True, slots=True)
class NetworkSize:
    """Operations that a network takes for a token. Attention's own products are not counted, nor what is done twice."""

    body_forward: float
    """Of a forward pass up to the head."""
    body_both: float
    """Of a forward and a backward pass."""
    head_forward: float
    """Of the output layer, which only tokens of completions go through."""
    head_both: float

    def operations(self, clusters: Sequence[Cluster], *, with_gradient: bool) -> float:
        """Of one pass over these clusters; padding is no work."""
        body, head = (self.body_both, self.head_both) if with_gradient else (self.body_forward, self.head_forward)
        completions = sum(len(own) for cluster in clusters for own in cluster.completions)
        return body * sum(cluster.tokens for cluster in clusters) + head * completions


def measure_size(network: PreTrainedModel) -> NetworkSize:
    """The network's operations by its weights; looking a token up in the table of embeddings is none."""
    head, table = output_head(network).weight, token_embeddings(network).weight
    body = [weights for weights in network.parameters() if weights is not head and weights is not table]
    return NetworkSize(
        body_forward=sum(FORWARD * weights.numel() for weights in body),
        body_both=sum(_both(weights) for weights in body),
        head_forward=FORWARD * head.numel(),
        head_both=_both(head),
    )


def _both(weights: torch.Tensor) -> float:
    """Forward, back to the layers below, and, where the weights learn, their own gradient."""
    return weights.numel() * (2 * FORWARD + (WEIGHT_GRADIENT if weights.requires_grad else 0.0))


class WorkCount:
    """Notes what the passes of a step compute."""

    def __init__(self, network: PreTrainedModel) -> None:
        self._network = network
        self._size = measure_size(network)

    def note(self, batches: Sequence[Sequence[Cluster]], tally: Tally) -> None:
        """Passes with gradient over these micro-batches, and how much of them is padding."""
        padded = find_body(self._network) is None
        for clusters in batches:
            tokens, places = count_places(clusters, padded=padded)
            tally.add_share("padding_fraction", places - tokens, places)
            tally.add_sum(OPERATIONS, self._size.operations(clusters, with_gradient=True))

    def note_scoring(self, batches: Sequence[Sequence[Cluster]], tally: Tally) -> None:
        """Passes without gradient over these micro-batches."""
        tally.add_sum(OPERATIONS, sum(self._size.operations(clusters, with_gradient=False) for clusters in batches))


def count_places(clusters: Sequence[Cluster], *, padded: bool) -> tuple[int, int]:
    """Tokens of one pass, and the places that the network runs for them.

    padded: clusters become rows of one length; else they are laid out without padding.
    """
    tokens = [cluster.tokens for cluster in clusters]
    return sum(tokens), len(tokens) * max(tokens) if padded else sum(tokens)


class PeakWatch:
    """The peak of all devices of a run; measured anew where the number of CPU threads has changed."""

    def __init__(
        self, compute: ComputeDevice, *, configured: float | None, ranks: Ranks, status: StatusWriter | None = None
    ) -> None:
        """configured: TFLOP/s of one device; None measures it. status: told what was found, and how."""
        self._compute = compute
        self._configured = configured
        self._ranks = ranks
        self._status = status
        self._threads = torch.get_num_threads()
        self.peak = self._find()

    def describe(self, measured: dict[str, float], seconds: float | None) -> dict[str, float | None]:
        """The rate of a step's operations and its share of the peak, None where that is not known. All ranks ask alike.

        measured: values of the step's tally; its operations are taken out of it. seconds: those that they took.
        """
        operations = measured.pop(OPERATIONS, 0.0)
        if self._ranks.any(self._threads != torch.get_num_threads()):
            self._threads = torch.get_num_threads()
            self.peak = self._find()
        if not seconds or not operations:
            return {}
        rate = operations / seconds / 1e12
        return {"tflops_train": rate, "peak_share_train": rate / self.peak.tflops if self.peak.tflops else None}

    def _find(self) -> DevicePeak:
        """All devices together: each is measured while the others are, as they will be at work."""
        peak = add_up(self._ranks.gather(find_peak(self._compute, self._configured)))
        if self._status is not None:
            self._status.update(device_peak=peak.to_dict())
        return peak


def add_up(peaks: Sequence[DevicePeak]) -> DevicePeak:
    """The peak of several devices; unknown where that of any is."""
    for peak in peaks:
        if peak.tflops is None:
            return peak
    times = f", {len(peaks)} of them" if len(peaks) > 1 else ""
    return DevicePeak(sum(peak.tflops or 0.0 for peak in peaks), peaks[0].source, peaks[0].note + times)
