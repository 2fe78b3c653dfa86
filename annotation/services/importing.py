"""Prompts, responses, tasks and judgments from outside -> rows, all or nothing."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice

from django.db import transaction
from django.utils import timezone

from annotation.importers.line_errors import ImportFileError, LineError
from annotation.importers.records import ImportedPrompt
from annotation.models import Project, User
from annotation.permissions import Role, require_role
from annotation.queueing import enqueue
from annotation.services import audit
from annotation.services.comparisons import add_comparison_tasks
from annotation.services.import_batch import store_batch
from annotation.services.import_checks import CriterionRanges, check_prompt, check_task_ids, specs_of
from annotation.services.import_known import compare_with_stored, find_stored
from annotation.services.import_people import ImportedPeople

__all__ = ["ImportSummary", "add_comparison_tasks", "import_prompts"]

BATCH_PROMPTS = 1000
MOST_ERRORS = 20


@dataclass(slots=True)
class ImportSummary:
    """What an import stored."""

    prompts: int = 0
    responses: int = 0
    tasks: int = 0
    judgments: int = 0
    annotators: int = 0
    """People named by the judgments, new or known."""
    skipped: int = 0
    """Prompts that were in the project already, with the same content."""


@dataclass(slots=True)
class _Import:
    """One import on its way."""

    project: Project
    origin: str
    ranges: CriterionRanges | None
    people: ImportedPeople
    summary: ImportSummary = field(default_factory=ImportSummary)
    errors: list[LineError] = field(default_factory=list)


@transaction.atomic
def import_prompts(
    *,
    project: Project,
    prompts: Iterable[ImportedPrompt],
    actor: User | None,
    origin: str = "import",
    infer_criteria: bool = False,
    address: str | None = None,
) -> ImportSummary:
    """Stores prompts with their responses, tasks and judgments.

    A prompt whose external_id is in the project already is passed over when it says the same. Judgments keep their
    time; their annotators become people who cannot sign in, unless they are members of the project.
    prompts: a stream; one batch at a time is in memory. actor: None for the product itself (commands).
    infer_criteria: makes the criteria from the scores seen, instead of holding the scores against the project's.
    Raises: NotFound, NotPermitted; ImportFileError by line and field, in which case nothing at all is stored.
    """
    if actor is not None:
        require_role(user=actor, project=project, role=Role.MANAGER)
    work = _Import(project, origin, CriterionRanges() if infer_criteria else None, ImportedPeople(project))
    _take_all(iter(prompts), work)
    work.summary.annotators = work.people.count
    audit.record(
        actor=actor,
        action="import_prompts",
        obj=project,
        project=project,
        address=address,
        data={"origin": origin, **asdict(work.summary)},
    )
    enqueue("annotation.jobs.refresh_agreement_report", project_id=project.pk)
    return work.summary


def _take_all(stream: Iterator[ImportedPrompt], work: _Import) -> None:
    """Raises: ImportFileError with what the reader and the checks found, in the order of the lines."""
    try:
        while len(work.errors) < MOST_ERRORS and (batch := list(islice(stream, BATCH_PROMPTS))):
            _take(batch, work)
    except ImportFileError as error:
        raise ImportFileError([*work.errors, *error.errors][:MOST_ERRORS], more=error.more) from None
    if work.errors:
        raise ImportFileError(work.errors[:MOST_ERRORS], more=len(work.errors) >= MOST_ERRORS)


def _take(batch: list[ImportedPrompt], work: _Import) -> None:
    specs = None if work.ranges is not None else specs_of(work.project)
    for item in batch:
        work.errors += check_prompt(item, project=work.project, criteria=specs)
    if work.errors:
        return  # go on reading for further errors; nothing is stored any more
    people = work.people.find(judgment.annotator for item in batch for judgment in item.judgments)
    new = list(_without_known(batch, work, people))
    work.errors += check_task_ids(new, project=work.project)
    if work.errors:
        return
    for item in new:
        if work.ranges is not None:
            work.ranges.watch(item)
    criteria = (work.ranges or CriterionRanges()).save(work.project)
    counts = store_batch(
        new, project=work.project, people=people, criteria=criteria, origin=work.origin, now=timezone.now()
    )
    work.summary.prompts += len(new)
    work.summary.responses += counts.responses
    work.summary.tasks += counts.tasks
    work.summary.judgments += counts.judgments


def _without_known(batch: list[ImportedPrompt], work: _Import, people: dict[str, User]) -> Iterator[ImportedPrompt]:
    """The prompts that are not stored yet; known ones are counted, or reported where they differ."""
    stored = find_stored(work.project, batch)
    for item in batch:
        known = stored.get(item.external_id)
        if known is None:
            yield item
            continue
        work.errors += compare_with_stored(item, known, people)
        work.summary.skipped += 1
