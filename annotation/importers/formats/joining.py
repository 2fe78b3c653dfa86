"""PURE. Records that follow each other and are about the same prompt -> one line."""

from dataclasses import replace

from annotation.importers.formats.parsed import LETTERS
from annotation.importers.records import ImportedJudgment, ImportedPrompt, ImportedResponse
from annotation.kinds.scalar import ScalarAnswer


def join_judgments(one: ImportedPrompt, other: ImportedPrompt) -> ImportedPrompt | None:
    """The same task with the judgments of both; None where they are two tasks."""
    if _task_of(one) != _task_of(other) or not (one.judgments and other.judgments):
        return None
    names = {judgment.annotator for judgment in one.judgments}
    if any(judgment.annotator in names for judgment in other.judgments):
        return None
    return replace(one, judgments=one.judgments + other.judgments)


def _task_of(prompt: ImportedPrompt) -> tuple[object, ...]:
    return prompt.external_id, prompt.kind, prompt.prompt, prompt.responses, prompt.gold


def join_responses(one: ImportedPrompt, other: ImportedPrompt) -> ImportedPrompt | None:
    """One scoring line with the responses of both, under the next letters; None where the prompts differ."""
    if one.prompt != other.prompt or len(one.responses) + len(other.responses) > len(LETTERS):
        return None
    (response,), (judgment,), (known,) = other.responses, other.judgments, one.judgments
    key = LETTERS[len(one.responses)]
    assert isinstance(judgment.answer, ScalarAnswer) and isinstance(known.answer, ScalarAnswer)
    scores = {name: dict(by_response) for name, by_response in known.answer.scores.items()}
    for name, by_response in judgment.answer.scores.items():
        scores.setdefault(name, {})[key] = next(iter(by_response.values()))
    answer = replace(known.answer, scores=scores)
    return replace(
        one,
        responses=(*one.responses, ImportedResponse(key, response.text, response.source)),
        judgments=(ImportedJudgment(known.annotator, answer, known.created_at),),
    )
