"""Records as tokens: a prompt with the one response to imitate, or with the chosen and the rejected one."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from rewardmodel.records import DataError, ExampleRecord, PreferenceRecord
from rewardmodel.runtime.rendering import Renderer

Record = ExampleRecord | PreferenceRecord
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Lesson:
    """One record, ready for the network."""

    record: Record
    """Where it comes from."""
    prompt_ids: tuple[int, ...]
    """What was asked as tokens, up to where the answer begins."""
    responses: tuple[tuple[int, ...], ...]
    """Tokens of each response, the end of turn included: no other tokens have a loss."""
    target: float = 1.0
    """Probability that the first response is better than the second; without meaning where there is one."""
    weight: float = 1.0
    """Weight in the mean over pairs."""

    @property
    def key(self) -> tuple[str, str]:
        """Its name among all lessons of a run: a prompt is in one file, and an id once in its file."""
        return self.record.prompt_id, self.record.id

    @property
    def tokens(self) -> int:
        """Tokens of all responses."""
        return sum(map(len, self.responses))

    @property
    def longest(self) -> int:
        """Tokens of the prompt and the longest response."""
        return len(self.prompt_ids) + max(map(len, self.responses))


def make_lesson(
    record: Record, texts: Sequence[str], renderer: Renderer, *, target: float = 1.0, weight: float = 1.0
) -> Lesson:
    """The record's prompt with these responses, in this order."""
    whole = [renderer.render(record.prompt, text, prompt_id=record.prompt_id) for text in texts]
    start = whole[0].response_start
    prompt_ids = whole[0].token_ids[:start]
    return Lesson(record, prompt_ids, tuple(rendering.token_ids[start:] for rendering in whole), target, weight)


def keep_fitting(lessons: Sequence[Lesson], *, max_tokens: int, name: str) -> tuple[list[Lesson], int]:
    """The lessons whose longest sequence has at most `max_tokens`, and how many are longer.

    name: the file's key in the config, for messages.
    Raises: DataError where none is left, or where a record's id occurs twice.
    """
    seen: set[str] = set()
    for lesson in lessons:
        if lesson.record.id in seen:
            raise DataError(f"{name}: id {lesson.record.id!r} occurs twice; each record needs its own")
        seen.add(lesson.record.id)
    if not lessons:
        raise DataError(f"{name}: the file has no records; a run needs at least one there")
    fitting = [lesson for lesson in lessons if lesson.longest <= max_tokens]
    if not fitting:
        raise DataError(f"{name}: none of {len(lessons)} records has at most {max_tokens} tokens")
    return fitting, len(lessons) - len(fitting)


def check_apart(train: Sequence[Lesson], held_out: Sequence[Lesson]) -> None:
    """Raises: DataError where a prompt is in both. The same text under two ids is told in the log."""
    shared = {lesson.record.prompt_id for lesson in train} & {lesson.record.prompt_id for lesson in held_out}
    if shared:
        raise DataError(
            f"prompt_id: {len(shared)} prompts, for instance {sorted(shared)[0]!r}, are in both data.train and "
            "data.eval; split by prompt, or what is measured says nothing"
        )
    learned = {lesson.prompt_ids: lesson.record.prompt_id for lesson in train}
    if twins := [lesson for lesson in held_out if lesson.prompt_ids in learned]:
        log.warning(
            "%d held-out prompts have the text of one that is learned from, for instance %r of data.eval that of %r of "
            "data.train: what is measured on them says little; split by text",
            len({twin.record.prompt_id for twin in twins}),
            twins[0].record.prompt_id,
            learned[twins[0].prompt_ids],
        )
