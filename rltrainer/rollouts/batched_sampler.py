"""Our own engine: all completions of a wave decoded together over one key-value cache."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from transformers import PreTrainedModel

from rewardmodel.runtime.cancellation import StopCheck, never_stop
from rewardmodel.runtime.faults import Diverged
from rltrainer.architecture import hidden_states, output_head, require_full_attention
from rltrainer.attention_mask import additive_mask
from rltrainer.records import Completion, FinishReason
from rltrainer.rollouts.decode_attention import decode_attention
from rltrainer.rollouts.engine import SamplingRequest, SamplingRules
from rltrainer.rollouts.kv_cache import BufferCache
from rltrainer.rollouts.packed_linear import packed_linears
from rltrainer.rollouts.token_choice import choose_tokens

RETIRE_SHARE = 0.75
"""Finished rows are taken out of the batch once at most this share of it is still being written."""


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
        """For each request its completions, in the order of its seeds.

        Raises: Diverged where the logits are not finite; ConfigError where the network cannot see that far back;
        Interrupted, at any token, where the run should stop.
        """
        longest = max((len(request.prompt_ids) for request in requests), default=0)
        require_full_attention(self.model, longest + rules.max_new_tokens)
        answers: list[list[Completion]] = [[] for _ in requests]
        with packed_linears(self.model, rows=self.batch_rows):
            self._answer_waves(requests, rules, answers)
        return [tuple(completions) for completions in answers]

    def _answer_waves(
        self, requests: Sequence[SamplingRequest], rules: SamplingRules, answers: list[list[Completion]]
    ) -> None:
        for wave in _plan_waves(requests, self.batch_rows):
            parts = [SamplingRequest(requests[index].prompt_ids, seeds) for index, seeds in wave]
            try:
                decoded = self._decode(parts, rules)
            except FloatingPointError as error:
                raise Diverged(str(error)) from error
            for (index, _), completions in zip(wave, decoded, strict=True):
                answers[index].extend(completions)

    def _decode(self, requests: Sequence[SamplingRequest], rules: SamplingRules) -> list[list[Completion]]:
        rows = [_Row(seed) for request in requests for seed in request.seeds]
        batch = self._prefill(requests, rules)
        live = list(range(len(rows)))
        uniforms = _draw_uniforms(rows, rules.max_new_tokens)
        for step in range(rules.max_new_tokens):
            self.check()
            chosen = choose_tokens(batch.logits, uniforms[live, step], temperature=rules.temperature, top_p=rules.top_p)
            for index, token, log_prob in zip(live, *(part.tolist() for part in chosen), strict=True):
                rows[index].append(token, log_prob, rules.stop_ids)
            writing = [place for place, index in enumerate(live) if not rows[index].stopped]
            if not writing or step + 1 == rules.max_new_tokens:
                break
            tokens = chosen[0]
            if len(writing) <= RETIRE_SHARE * len(live):
                kept = torch.tensor(writing, device=tokens.device)
                live, tokens = [live[place] for place in writing], tokens[kept]
                batch.select_rows(kept)
            self._advance(batch, tokens)
        completions = iter([row.finish() for row in rows])
        return [[next(completions) for _ in request.seeds] for request in requests]

    def _prefill(self, requests: Sequence[SamplingRequest], rules: SamplingRules) -> "_Batch":
        device = next(self.model.parameters()).device
        lengths = torch.tensor([len(request.prompt_ids) for request in requests], device=device)
        width = int(lengths.max())
        # Padding stands on the right, where causal attention never looks: no mask is needed here.
        padded = [[*request.prompt_ids, *[0] * (width - len(request.prompt_ids))] for request in requests]
        cache = BufferCache(layers=self.model.config.num_hidden_layers, capacity=width + rules.max_new_tokens)
        hidden = hidden_states(
            self.model, input_ids=torch.tensor(padded, device=device), past_key_values=cache, use_cache=True
        )
        last = hidden[torch.arange(len(requests), device=device), lengths - 1]
        counts = torch.tensor([len(request.seeds) for request in requests], device=device)
        owners = torch.arange(len(requests), device=device).repeat_interleave(counts)
        batch = _Batch(cache, output_head(self.model)(last), lengths, _mask(lengths, width, rules, hidden.dtype))
        batch.select_rows(owners)
        batch.logits = batch.logits[owners]
        return batch

    def _advance(self, batch: "_Batch", tokens: Tensor) -> None:
        length = batch.cache.get_seq_length() + 1
        mask = None if batch.mask is None else batch.mask[..., :length]
        with decode_attention(self.model):
            hidden = hidden_states(
                self.model,
                input_ids=tokens[:, None],
                attention_mask=mask,
                position_ids=batch.positions[:, None],
                past_key_values=batch.cache,
                use_cache=True,
            )
        batch.positions = batch.positions + 1
        batch.logits = output_head(self.model)(hidden[:, -1])


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


@dataclass(slots=True)
class _Batch:
    """The rows being decoded: their cache, the logits of their next token, its position and which keys count."""

    cache: BufferCache
    logits: Tensor
    positions: Tensor
    mask: Tensor | None

    def select_rows(self, rows: Tensor) -> None:
        self.cache.select_rows(rows)
        self.positions = self.positions[rows]
        self.mask = None if self.mask is None else self.mask[rows]


def _mask(lengths: Tensor, width: int, rules: SamplingRules, dtype: torch.dtype) -> Tensor | None:
    """Which keys count for the sampled tokens: all but the padding behind shorter prompts; None where there is none."""
    if bool((lengths == width).all()):
        return None
    places = torch.arange(width + rules.max_new_tokens, device=lengths.device)[None]
    return additive_mask((places < lengths[:, None]) | (places >= width), dtype)


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
