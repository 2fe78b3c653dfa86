"""Which tasks a batch of prompts becomes, with the keys that their rows will have."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from annotation.allocation import spread
from annotation.importers.records import ImportedJudgment, ImportedPrompt
from annotation.kinds.registry import Answer
from annotation.kinds.scalar import ScalarAnswer, select_response
from annotation.models import Prompt, Response, Task
from annotation.services.copied_rows import reserve_ids

Said = Sequence[tuple[ImportedJudgment, Answer]]


@dataclass(frozen=True, slots=True)
class PlannedTask:
    """A task to be made of a prompt, with what people said about it."""

    pk: int
    external_id: str
    prompt_id: int
    response_ids: Mapping[str, int]
    """Response key -> row id, in stored order."""
    gold: Answer | None
    said: Said
    jitter: float
    """Its place among tasks of equal priority, by its id: the order of a file has no say in who judges what first."""


@dataclass(frozen=True, slots=True)
class PlannedBatch:
    """Prompts with their keys, and the tasks they become."""

    prompts: Sequence[tuple[int, ImportedPrompt, Mapping[str, int]]]
    """Row id, prompt, response key -> row id."""
    tasks: Sequence[PlannedTask]


def plan_batch(batch: Sequence[ImportedPrompt]) -> PlannedBatch:
    """A ranking is one task of all responses; scalar responses are a task each."""
    response_ids = iter(reserve_ids(Response, sum(len(item.responses) for item in batch)))
    prompts = [
        (pk, item, {response.key: next(response_ids) for response in item.responses})
        for pk, item in zip(reserve_ids(Prompt, len(batch)), batch, strict=True)
    ]
    shapes = [(prompt_id, *shape) for prompt_id, item, ids in prompts for shape in _shapes(item, ids)]
    tasks = [
        PlannedTask(pk, external_id, prompt_id, ids, gold, said, spread(external_id))
        for pk, (prompt_id, external_id, ids, gold, said) in zip(reserve_ids(Task, len(shapes)), shapes, strict=True)
    ]
    return PlannedBatch(prompts, tasks)


def _shapes(
    item: ImportedPrompt, ids: Mapping[str, int]
) -> Iterator[tuple[str, Mapping[str, int], Answer | None, Said]]:
    """Per task: external id, responses, gold answer, and who said what."""
    if item.kind == "ranking" or len(ids) == 1:
        yield item.external_id, ids, item.gold, [(judgment, judgment.answer) for judgment in item.judgments]
        return
    for key, pk in ids.items():
        about = [(judgment, _about(judgment.answer, key)) for judgment in item.judgments]
        gold = None if item.gold is None else _about(item.gold, key)
        said = [(judgment, answer) for judgment, answer in about if answer is not None]
        yield f"{item.external_id}#{key}", {key: pk}, gold, said


def _about(answer: Answer, key: str) -> Answer | None:
    assert isinstance(answer, ScalarAnswer)
    return select_response(answer, key)
