"""Prompts that are in the project already: the same again is passed over, anything else is a fault."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from annotation.importers.line_errors import LineError
from annotation.importers.records import ImportedPrompt
from annotation.kinds.faults import FaultList
from annotation.models import Judgment, Project, Prompt, User
from annotation.services.import_checks import one_of
from annotation.services.judgment_rows import stored_answer


@dataclass(frozen=True, slots=True)
class StoredPrompt:
    """A prompt of the project with the judgments that came with it."""

    prompt: Prompt
    answers: dict[int, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    """Annotator id -> imported answers; several for scalar prompts, one a response."""


def find_stored(project: Project, batch: Sequence[ImportedPrompt]) -> dict[str, StoredPrompt]:
    """The prompts of a batch that the project has, by external id; three queries."""
    prompts = Prompt.objects.filter(project=project, external_id__in=one_of([item.external_id for item in batch]))
    stored = {row.pk: StoredPrompt(row) for row in prompts.prefetch_related("responses")}
    if stored:
        imported = Judgment.objects.filter(task__prompt__in=list(stored), is_imported=True, revision=1)
        for row in imported.select_related("task"):
            stored[row.task.prompt_id].answers[row.annotator_id].append(stored_answer(row).as_mapping())
    return {known.prompt.external_id: known for known in stored.values()}


def compare_with_stored(item: ImportedPrompt, stored: StoredPrompt, people: dict[str, User]) -> list[LineError]:
    """How the file's prompt differs from the stored one; nothing when they say the same."""
    faults = FaultList()
    if stored.prompt.messages != [{"role": turn.role, "content": turn.content} for turn in item.prompt]:
        faults.add("differs from the text that is stored", "prompt")
    known = [(row.key, row.text, row.source or None) for row in stored.prompt.responses.all()]
    given = [(response.key, response.text, response.source or None) for response in item.responses]
    # Responses that a policy gave later come after the imported ones.
    if known[: len(given)] != given:
        faults.add("differ from those that are stored", "responses")
    for number, judgment in enumerate(item.judgments):
        mine = stored.answers.get(people[judgment.annotator].pk, [])
        if not mine or _join(mine) != judgment.answer.as_mapping():
            faults.at("judgments").at(number).add("is not among those that were imported")
    hint = f"for the prompt {item.external_id!r} of this project; give a different prompt another external_id"
    return [LineError(item.line, fault["field"], f"{fault['message']} {hint}") for fault in faults.faults]


def _join(answers: list[dict[str, Any]]) -> dict[str, Any]:
    """One answer out of those about single responses."""
    scores: dict[str, dict[str, Any]] = {}
    for answer in answers:
        for name, by_response in answer["scores"].items():
            scores.setdefault(name, {}).update(by_response)
    return {**answers[0], "scores": scores}
