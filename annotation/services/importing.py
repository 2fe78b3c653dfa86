"""Prompts, responses, tasks and judgments from outside -> rows, all or nothing."""

import gc
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from annotation.exceptions import NotFound
from annotation.importers.line_errors import MOST_ERRORS, FileErrors, ImportFileError, LineError
from annotation.importers.reading_ahead import read_ahead
from annotation.importers.records import ImportedPrompt
from annotation.kinds.criteria import CriterionSpec
from annotation.models import Project, User, WorkQueue
from annotation.permissions import Role, require_role
from annotation.queueing import enqueue
from annotation.services import audit
from annotation.services.comparisons import add_comparison_tasks
from annotation.services.import_batch import store_batch
from annotation.services.import_checks import CriterionRanges, check_prompt, check_task_ids, specs_of
from annotation.services.import_known import compare_with_stored, find_stored
from annotation.services.import_people import ImportedPeople
from annotation.services.table_counts import recount_tables
from annotation.services.unchecked_keys import hold_parents

__all__ = ["ImportSummary", "add_comparison_tasks", "import_prompts"]

BATCH_PROMPTS = 5000
BATCH_CHARACTERS = 16_000_000
"""A batch ends here even if it has fewer prompts, so that memory doesn't grow with the length of texts.

Each batch costs some twenty statements: parts of a fifth of these sizes took a fifth longer.
"""
IMPORTS_LOCK = 7_041_777
"""Any fixed number: names the lock under which imports into one project take turns."""
WAIT_SECONDS = 0.2


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
    specs: list[CriterionSpec] | None
    """The project's scales, or None where the import makes them."""
    origin: str
    ranges: CriterionRanges | None
    people: ImportedPeople
    errors: FileErrors
    on_batch: Callable[[ImportSummary, FileErrors], None] | None
    summary: ImportSummary = field(default_factory=ImportSummary)


@transaction.atomic
def import_prompts(
    *,
    project: Project,
    prompts: Iterable[ImportedPrompt | LineError],
    actor: User | None,
    origin: str = "import",
    infer_criteria: bool = False,
    address: str | None = None,
    errors: FileErrors | None = None,
    on_batch: Callable[[ImportSummary, FileErrors], None] | None = None,
) -> ImportSummary:
    """Stores prompts with their responses, tasks and judgments. Imports into one project take turns.

    A prompt whose external_id is in the project already is passed over when it says the same. Judgments keep their
    time; their annotators become people who cannot sign in, unless they are members of the project.
    prompts: a stream; two batches at a time are in memory. actor: None for the product itself (commands).
    infer_criteria: makes the criteria from the scores seen, instead of holding the scores against the project's.
    errors: where the errors are collected; by default reading ends after 20.
    on_batch: called after each batch, and while another import goes first, with what is done so far; what it raises
    ends the import, and nothing is stored.
    Raises: NotFound, NotPermitted; ImportFileError by line and field, in which case nothing at all is stored.
    """
    if actor is not None:
        require_role(user=actor, project=project, role=Role.MANAGER)
    ranges, specs = (CriterionRanges(), None) if infer_criteria else (None, specs_of(project))
    work = _Import(project, specs, origin, ranges, ImportedPeople(project), errors or FileErrors(), on_batch)
    _begin(work)
    _take_all(prompts, work)
    if work.summary.tasks:
        _enter_queue(project)
    recount_tables(judgments=work.summary.judgments)
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


def _begin(work: _Import) -> None:
    """Waits for the turn of this import. Foreign keys are checked as rows come, while the next part is being read.

    Raises: NotFound when the project is gone by then.
    """
    with connection.cursor() as cursor:
        while True:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [IMPORTS_LOCK, work.project.pk])
            if cursor.fetchone()[0]:
                break
            if work.on_batch is not None:
                work.on_batch(work.summary, work.errors)
            time.sleep(WAIT_SECONDS)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    if not hold_parents(Project, [work.project.pk]):
        raise NotFound("The project is gone.")


def _enter_queue(project: Project) -> None:
    """Sends everybody who looks for work to the front of the queue, as the trigger `slot_enter_queue` does.

    At the end: whoever else makes slots in this project waits from here on until the import is stored.
    """
    WorkQueue.objects.bulk_create([WorkQueue(project=project)], ignore_conflicts=True)
    WorkQueue.objects.filter(project=project).update(epoch=F("epoch") + 1)


def _take_all(found: Iterable[ImportedPrompt | LineError], work: _Import) -> None:
    """Raises: ImportFileError with what the reader and the checks found, in the order of the lines."""
    try:
        with _settled_objects(), closing(read_ahead(split_batches(found))) as batches:
            for batch in batches:
                _take(batch, work)
                if work.on_batch is not None:
                    work.on_batch(work.summary, work.errors)
    except ImportFileError as error:
        if error.errors == work.errors.kept:
            raise
        raise ImportFileError([*work.errors.kept, *error.errors][:MOST_ERRORS], more=error.more) from None
    work.errors.raise_if_any()


@contextmanager
def _settled_objects() -> Iterator[None]:
    """Keeps what the process loaded before out of the garbage collector's rounds: a sixth of an import's computing."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def split_batches(found: Iterable[ImportedPrompt | LineError]) -> Iterator[list[ImportedPrompt | LineError]]:
    """The stream in parts of bounded length and size."""
    batch: list[ImportedPrompt | LineError] = []
    characters = 0
    for each in found:
        batch.append(each)
        if isinstance(each, ImportedPrompt):
            characters += each.characters
        if len(batch) >= BATCH_PROMPTS or characters >= BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _take(found: list[ImportedPrompt | LineError], work: _Import) -> None:
    batch = [item for item in found if isinstance(item, ImportedPrompt)]
    for item in found:
        wrong = [item] if isinstance(item, LineError) else check_prompt(item, project=work.project, criteria=work.specs)
        for error in wrong:
            work.errors.add(error)
    if work.errors.count:
        return  # go on reading for further errors; nothing is stored any more
    people = work.people.find(judgment.annotator for item in batch for judgment in item.judgments)
    new = list(_without_known(batch, work, people))
    for error in check_task_ids(new, project=work.project):
        work.errors.add(error)
    if not work.errors.count:
        _store(new, work, people)


def _store(new: list[ImportedPrompt], work: _Import, people: dict[str, User]) -> None:
    if work.ranges is not None:
        for item in new:
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
        for error in compare_with_stored(item, known, people):
            work.errors.add(error)
        work.summary.skipped += 1
