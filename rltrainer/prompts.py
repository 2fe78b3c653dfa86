"""Prompts in the policy's tokens, split and drawn the same way in every run of one seed."""

import logging
from collections.abc import Sequence

import torch

from rewardmodel.records import DataError, PromptRecord
from rewardmodel.runtime.rendering import Renderer
from rewardmodel.runtime.seeding import derive_generator
from rltrainer.records import EncodedPrompt

log = logging.getLogger(__name__)


def encode_prompts(
    records: Sequence[PromptRecord], renderer: Renderer, *, max_tokens: int
) -> tuple[list[EncodedPrompt], int]:
    """The prompts that have at most `max_tokens` tokens, and how many are longer.

    Raises: DataError where none is left, where a prompt_id occurs twice, or where the chat template refuses a prompt.
    """
    if not records:
        raise DataError("prompts.jsonl: the file has no records; a run needs prompts")
    seen: set[str] = set()
    for record in records:
        if record.prompt_id in seen:
            raise DataError(f"prompts.jsonl: prompt_id {record.prompt_id!r} occurs twice; each prompt needs its own")
        seen.add(record.prompt_id)
    encoded = [
        EncodedPrompt(record, renderer.render(record.prompt, prompt_id=record.prompt_id).token_ids)
        for record in records
    ]
    fitting = [prompt for prompt in encoded if len(prompt.token_ids) <= max_tokens]
    if not fitting:
        raise DataError(f"prompts.jsonl: none of {len(records)} prompts has at most {max_tokens} tokens")
    return fitting, len(encoded) - len(fitting)


def split_held_out(
    prompts: Sequence[EncodedPrompt], *, held_out: int, seed: int
) -> tuple[list[EncodedPrompt], list[EncodedPrompt]]:
    """Prompts to train on and prompts kept for the evaluation: `held_out` of them, but at most a quarter of all.

    One is held out in any case. Prompts of one text count as one and come to one side, whatever their ids.
    Raises: DataError where none is left to train on.
    """
    texts = _group_by_text(prompts)
    twins = _name_twins(prompts, texts)
    if len(texts) < 2:
        raise DataError(f"prompts.jsonl: only one usable prompt{twins}; a run needs one to learn from and one held out")
    if twins:
        log.warning("prompts.jsonl: prompts of one text are kept on one side and count as one%s", twins)
    most = max(1, len(texts) // 4)
    if held_out > most:
        message = (
            "evaluation.prompts asks for %d prompts; of %d in all only %d are held out, for most must be learned from"
        )
        log.warning(message, held_out, len(texts), most)
        held_out = most
    order = torch.randperm(len(texts), generator=derive_generator(seed, "held-out")).tolist()
    chosen = {place for text in order[:held_out] for place in texts[text]}
    return (
        [prompt for place, prompt in enumerate(prompts) if place not in chosen],
        [prompt for place, prompt in enumerate(prompts) if place in chosen],
    )


def _group_by_text(prompts: Sequence[EncodedPrompt]) -> list[list[int]]:
    """The places of each text, as the policy reads it, in the order of the first of them."""
    places: dict[tuple[int, ...], list[int]] = {}
    for place, prompt in enumerate(prompts):
        places.setdefault(tuple(prompt.token_ids), []).append(place)
    return list(places.values())


def _name_twins(prompts: Sequence[EncodedPrompt], texts: Sequence[Sequence[int]]) -> str:
    """Ids of the first prompts that share a text, and of how many; empty where none do."""
    shared = [places for places in texts if len(places) > 1]
    if not shared:
        return ""
    first, second = (repr(prompts[place].record.prompt_id) for place in shared[0][:2])
    return f" ({first} and {second} have the same text, as have {sum(map(len, shared))} prompts in all)"


class PromptSampler:
    """Draws prompts without end: each once an epoch, in an order of its own.

    `drawn` is all of its state: the same seed and number give the same next prompts.
    """

    def __init__(self, prompts: Sequence[EncodedPrompt], *, seed: int, drawn: int = 0) -> None:
        self.prompts = list(prompts)
        self.seed = seed
        self.drawn = drawn

    def draw(self, count: int) -> list[EncodedPrompt]:
        """The next prompts."""
        places = range(self.drawn, self.drawn + count)
        self.drawn += count
        size = len(self.prompts)
        orders = {epoch: self._order(epoch) for epoch in {place // size for place in places}}
        return [self.prompts[orders[place // size][place % size]] for place in places]

    def _order(self, epoch: int) -> list[int]:
        generator = derive_generator(self.seed, "prompt-order", epoch)
        return [int(place) for place in torch.randperm(len(self.prompts), generator=generator)]
