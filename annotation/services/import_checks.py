"""What can be wrong with an imported prompt only in view of the project it goes into."""

from collections.abc import Sequence

from django.db.models.expressions import RawSQL

from annotation.importers.line_errors import LineError
from annotation.importers.records import ImportedPrompt
from annotation.kinds.criteria import CriterionSpec, read_scores
from annotation.kinds.faults import FaultList
from annotation.models import Criterion, Project, Task
from annotation.services.judgment_rows import criterion_specs


class CriterionRanges:
    """Criteria as the scores of a file suggest them: for projects that the import itself makes.

    A criterion runs from the smallest to the largest value seen, on a continuous scale, and is optional: a file
    tells nothing about the values that nobody gave.
    """

    def __init__(self) -> None:
        self._ranges: dict[str, tuple[float, float]] = {}

    def watch(self, prompt: ImportedPrompt) -> None:
        """Widens the ranges by the scores of a prompt's judgments and gold answer."""
        answers = [judgment.answer for judgment in prompt.judgments]
        for answer in [*answers, prompt.gold] if prompt.gold else answers:
            for name, by_response in answer.scores.items():
                for value in by_response.values():
                    if value is not None:
                        low, high = self._ranges.get(name, (value, value))
                        self._ranges[name] = (min(low, value), max(high, value))

    def save(self, project: Project) -> dict[str, Criterion]:
        """Makes or widens the project's criteria; all of them by name."""
        known = {criterion.name: criterion for criterion in Criterion.objects.filter(project=project)}
        for name, (low, high) in self._ranges.items():
            row = known.get(name) or Criterion(
                project=project,
                name=name,
                label=name.replace("-", " ").replace("_", " ").capitalize()[:120],
                position=len(known),
                required=False,
            )
            row.step = None
            row.minimum, row.maximum = low, high if high > low else low + 1
            row.save()
            known[name] = row
        return known


def check_prompt(
    prompt: ImportedPrompt, *, project: Project, criteria: Sequence[CriterionSpec] | None
) -> list[LineError]:
    """The faults of a prompt that the file format alone cannot know.

    criteria: the project's scales, or None where the import makes them.
    """
    faults = FaultList()
    if prompt.kind != project.kind:
        faults.add(f"this project takes {project.kind} lines, this is a {prompt.kind} one", "kind")
    elif criteria is not None:
        for number, judgment in enumerate(prompt.judgments):
            _check_scores(judgment.answer.scores, faults.at("judgments").at(number), prompt, criteria)
        if prompt.gold is not None:
            _check_scores(prompt.gold.scores, faults.at("gold"), prompt, criteria)
    else:
        _check_criterion_names(prompt, faults)
    return [LineError(prompt.line, fault["field"], fault["message"]) for fault in faults.faults]


def _check_scores(scores: object, faults: FaultList, prompt: ImportedPrompt, criteria: Sequence[CriterionSpec]) -> None:
    read_scores(scores, faults.at("scores"), response_keys=prompt.response_keys, criteria=criteria)


def _check_criterion_names(prompt: ImportedPrompt, faults: FaultList) -> None:
    for number, judgment in enumerate(prompt.judgments):
        for name in judgment.answer.scores:
            if not name.replace("-", "").replace("_", "").isalnum() or not name.isascii() or len(name) > 60:
                faults.at("judgments").at(number).at("scores").add(
                    "a criterion's name has up to 60 letters, digits, hyphens and underscores", name[:60]
                )


def task_ids(item: ImportedPrompt) -> list[str]:
    """The external ids of the tasks that a prompt becomes: its own, or one a response."""
    if item.kind == "ranking" or len(item.responses) == 1:
        return [item.external_id]
    return [f"{item.external_id}#{key}" for key in item.response_keys]


def check_task_ids(items: Sequence[ImportedPrompt], *, project: Project) -> list[LineError]:
    """The prompts of which a task would get the id of another one, as `q#a` and response `a` of `q` would."""
    wanted = [name for item in items for name in task_ids(item)]
    known = Task.objects.filter(project=project, external_id__in=one_of(wanted))
    taken = set(known.values_list("external_id", flat=True))
    errors = []
    for item in items:
        for name in task_ids(item):
            if name in taken:
                message = f"its task {name!r} would have the id of another task; give another external_id"
                errors.append(LineError(item.line, "external_id", message))
            taken.add(name)
    return errors


def one_of(names: Sequence[str]) -> RawSQL:
    """The names for an `__in` filter as one parameter; a parameter each takes longer to send than to look up."""
    return RawSQL("SELECT unnest(%s::text[])", [list(names)])


def specs_of(project: Project) -> list[CriterionSpec]:
    """The project's scales as the pure side knows them."""
    return criterion_specs(Criterion.objects.filter(project=project))
