"""Our own engine: all completions of a wave decoded together over one key-value cache."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from transformers import PreTrainedModel

from rewardmodel.runtime.cancellation import StopCheck, never_stop
from rewardmodel.runtime.faults import Diverged
from rltrainer.architecture import require_full_attention
from rltrainer.memory import within_memory
from rltrainer.records import Completion, FinishReason
from rltrainer.rollouts.decoder import Start, open_decoders
from rltrainer.rollouts.engine import SamplingRequest, SamplingRules
from rltrainer.rollouts.token_choice import choose_tokens

log = logging.getLogger(__name__)


class BatchedSampler:
    """Decodes many completions at once with the network it is given, in the network's own precision.

    A prompt is computed once, however many completions it gets. Finished rows leave the batch. Each completion draws
    from a generator of its own, so that its numbers depend on its seed and on nothing else.
    """

    def __init__(self, model: PreTrainedModel, *, batch_rows: int, check: StopCheck = never_stop) -> None:
        self.model = model
        self.batch_rows = batch_rows
        self.check = check

    @torch.inference_mode()
    def sample(self, requests: Sequence[SamplingRequest], rules: SamplingRules) -> list[tuple[Completion, ...]]:
        """For each request its completions, in the order of its seeds; fewer at once where memory does not suffice.

        Raises: Diverged where the logits are not finite or memory suffices for no completion; ConfigError where the
        network cannot see that far back; Interrupted, at any token, where the run should stop.
        """
        longest = max((len(request.prompt_ids) for request in requests), default=0)
        require_full_attention(self.model, longest + rules.max_new_tokens)
        return within_memory(lambda: self._answer(requests, rules), self._halve_rows)

    def _halve_rows(self) -> None:
        if self.batch_rows == 1:
            raise Diverged("out of memory even with one completion at a time; take a smaller model or shorter ones")
        self.batch_rows //= 2
        log.warning("out of memory: from now on at most %d are decoded at once", self.batch_rows)

    def _answer(self, requests: Sequence[SamplingRequest], rules: SamplingRules) -> list[tuple[Completion, ...]]:
        answers: list[list[Completion]] = [[] for _ in requests]
        with open_decoders(self.model, rows=self.batch_rows) as start:
            self._answer_waves(start, requests, rules, answers)
        return [tuple(completions) for completions in answers]

    def _answer_waves(
        self,
        start: Start,
        requests: Sequence[SamplingRequest],
        rules: SamplingRules,
        answers: list[list[Completion]],
    ) -> None:
        for wave in _plan_waves(requests, self.batch_rows):
            parts = [SamplingRequest(requests[index].prompt_ids, seeds) for index, seeds in wave]
            try:
                decoded = self._decode(start, parts, rules)
            except FloatingPointError as error:
                raise Diverged(str(error)) from error
            for (index, _), completions in zip(wave, decoded, strict=True):
                answers[index].extend(completions)

    def _decode(
        self, start: Start, requests: Sequence[SamplingRequest], rules: SamplingRules
    ) -> list[list[Completion]]:
        rows = [_Row(seed) for request in requests for seed in request.seeds]
        decoder = start(requests, rules.max_new_tokens)
        live = list(range(len(rows)))
        uniforms = _draw_uniforms(rows, rules.max_new_tokens)
        for step in range(rules.max_new_tokens):
            self.check()
            chosen = choose_tokens(
                decoder.logits, uniforms[live, step], temperature=rules.temperature, top_p=rules.top_p
            )
            for index, token, log_prob in zip(live, *(part.tolist() for part in chosen), strict=True):
                rows[index].append(token, log_prob, rules.stop_ids)
            writing = [place for place, index in enumerate(live) if not rows[index].stopped]
            if not writing or step + 1 == rules.max_new_tokens:
                break
            tokens = chosen[0]
            if len(writing) <= decoder.retire_share * len(live):
                kept = torch.tensor(writing, device=tokens.device)
                live, tokens = [live[place] for place in writing], tokens[kept]
                decoder.select_rows(kept)
            decoder.advance(tokens)
        completions = iter([row.finish() for row in rows])
        return [[next(completions) for _ in request.seeds] for request in requests]


@dataclass(slots=True)
class _Row:
    """A completion in the making."""

    seed: int
    token_ids: list[int] = field(default_factory=list)
    log_probs: list[float] = field(default_factory=list)
    stopped: bool = False

    def append(self, token: int, log_prob: float, stop_ids: frozenset[int]) -> None:
        if not self.stopped:
            self.token_ids.append(token)
            self.log_probs.append(log_prob)
            self.stopped = token in stop_ids

    def finish(self) -> Completion:
        reason: FinishReason = "stop" if self.stopped else "length"
        return Completion(tuple(self.token_ids), tuple(self.log_probs), reason, self.seed)


def _draw_uniforms(rows: Sequence[_Row], count: int) -> Tensor:
    return torch.stack([torch.rand(count, generator=torch.Generator().manual_seed(row.seed)) for row in rows])


def _plan_waves(requests: Sequence[SamplingRequest], batch_rows: int) -> Iterator[list[tuple[int, tuple[int, ...]]]]:
    """Requests in waves of at most `batch_rows` completions, neighbours in prompt length together."""
    wave: list[tuple[int, tuple[int, ...]]] = []
    room = batch_rows
    for index in sorted(range(len(requests)), key=lambda index: len(requests[index].prompt_ids)):
        seeds = requests[index].seeds
        while seeds:
            wave.append((index, seeds[:room]))
            seeds, room = seeds[room:], room - len(wave[-1][1])
            if not room:
                yield wave
                wave, room = [], batch_rows
    if wave:
        yield wave
