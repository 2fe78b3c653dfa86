"""What goes into an agreement report: computed from all judgments, or from the last report and what came since."""

from collections.abc import Mapping
from dataclasses import dataclass

from annotation.agreement.estimates import Settings
from annotation.agreement.observations import Observations
from annotation.agreement.report import CONFIDENCE, RESAMPLES
from annotation.agreement.running import Loader, Picture, RunningTotals, picture_all, picture_change
from annotation.agreement.totals_bytes import read_totals, write_totals
from annotation.agreement.trend import Weeks
from annotation.models import AgreementReport, AgreementTotals, FeedbackKind, Project, Task
from annotation.selectors.observations import CRITERION, Scope, load_by_part, load_part, report_parts
from annotation.selectors.report_changes import (
    NewJudgment,
    add_counts,
    count_known,
    new_judgments,
    tasks_drawn_together,
    tasks_of_people,
)
from annotation.selectors.reports import (
    JudgmentCounts,
    PersonCounts,
    count_judgments,
    count_people,
    counts_of_report,
    people_of_report,
)
from annotation.selectors.weeks import load_weeks
from annotation.services.table_counts import recount_tables

SEED = 0
MOST_PEOPLE = 500
"""People in a stored report: those who judged most. Everybody has figures of their own."""
EVERYBODY = 2**31 - 1
MOST_CHANGES = 5000
"""With more new judgments than this, looking at everything again is as quick."""
COUNT_PATIENCE = 10.0
"""Seconds to wait for each table whose rows the database has not counted."""
SETTINGS = Settings(SEED, RESAMPLES, CONFIDENCE)


@dataclass(frozen=True, eq=False, slots=True)
class _Change:
    """Tasks that changed between two moments."""

    tasks: list[int]
    before: int
    """Id of the newest judgment then."""
    after: int
    reported: frozenset[str]
    """What the report before was about."""

    @property
    def was(self) -> Scope:
        return Scope(tasks=self.tasks, newest=self.before)

    @property
    def now(self) -> Scope:
        return Scope(tasks=self.tasks, newest=self.after)

    @property
    def everything(self) -> Scope:
        return Scope(newest=self.after)


@dataclass(frozen=True, eq=False, slots=True)
class ReportContents:
    """A report before it is a row. All parts know the same judgments."""

    counts: JudgmentCounts
    people: list[PersonCounts]
    """Those who judged most."""
    pictures: Mapping[str, Picture]
    """By part, in the order of the report."""
    known: int
    """Current judgments of the project, of all tasks."""
    counted: list[PersonCounts]
    """Everybody who judged, or whoever judged since the last report."""
    changed: frozenset[int] | None = None
    """Tasks (of scores: prompts) that differ from the last report; None where any may."""
    measured: frozenset[int] | None = None
    """People who judged anything since the last report, known answers and repeats included; None for everybody."""


def compute_contents(*, project: Project, newest: int) -> ReportContents:
    """The contents from all judgments up to the newest."""
    known = count_known(project=project, newest=newest)
    recount_tables(judgments=known, patience=COUNT_PATIENCE)
    scope = Scope(newest=newest)
    observations, weeks = load_by_part(project=project, scope=scope), load_weeks(project=project, scope=scope)
    people = count_people(project=project, newest=newest, most=EVERYBODY)
    return ReportContents(
        counts=count_judgments(project=project, newest=newest),
        people=people[:MOST_PEOPLE],
        pictures={name: picture_all(each, SETTINGS, weeks) for name, each in observations.items()},
        known=known,
        counted=people,
    )


def follow_contents(*, project: Project, last: AgreementReport, newest: int) -> ReportContents | None:
    """The same from the last report's totals and the judgments since.

    Returns: None where that isn't possible: there are no totals, too much has changed, or a judgment came in late.
    """
    totals = _read_totals(project, last)
    if not totals:
        return None
    since = new_judgments(project=project, newest=last.newest_judgment_id, until=newest, most=MOST_CHANGES + 1)
    if len(since) > MOST_CHANGES:
        return None
    tasks = tasks_drawn_together(project=project, tasks={each.task for each in since if each.normal})
    known = count_known(project=project, newest=newest)
    reported = frozenset(each["criterion"] for each in last.statistics)
    pictures = _follow_pictures(project, totals, _Change(tasks, last.newest_judgment_id, newest, reported))
    if pictures is None:
        return None
    again = _count_again(project, since, newest)
    return ReportContents(
        counts=add_counts(counts_of_report(last), since, newest=newest),
        people=_follow_people(last, again),
        pictures=pictures,
        known=known,
        counted=again,
        changed=_drawn(project, tasks),
        measured=frozenset(each.annotator for each in since),
    )


def _drawn(project: Project, tasks: list[int]) -> frozenset[int]:
    """What the bootstrap draws of these tasks: themselves, or the prompts of scalar ones."""
    if project.kind != FeedbackKind.SCALAR:
        return frozenset(tasks)
    return frozenset(Task.objects.filter(pk__in=tasks).values_list("prompt_id", flat=True))


def save_totals(*, project: Project, contents: ReportContents) -> None:
    """Keeps what the next report can follow. Part of a report, so it neither asks nor records."""
    kept = {name: each.totals for name, each in contents.pictures.items() if each.totals is not None}
    AgreementTotals.objects.filter(project=project).exclude(part__in=kept).delete()
    for name, totals in kept.items():
        AgreementTotals.objects.update_or_create(
            project=project,
            part=name,
            defaults={
                "content": write_totals(totals, seed=SEED),
                "newest_judgment_id": contents.counts.newest,
                "current_judgments": contents.known,
            },
        )


def _read_totals(project: Project, last: AgreementReport) -> dict[str, RunningTotals]:
    """By part; empty unless they belong to the last report and no judgment came in late."""
    rows = list(AgreementTotals.objects.filter(project=project, newest_judgment_id=last.newest_judgment_id))
    known = count_known(project=project, newest=last.newest_judgment_id) if rows else 0
    read = {
        row.part: read_totals(bytes(row.content), seed=SEED, resamples=RESAMPLES)
        for row in rows
        if row.current_judgments == known
    }
    return {part: each for part, each in read.items() if each is not None}


def _follow_pictures(project: Project, totals: dict[str, RunningTotals], change: _Change) -> dict[str, Picture] | None:
    found: dict[str, Picture] = {}
    weeks = (load_weeks(project=project, scope=change.was), load_weeks(project=project, scope=change.now))
    for part in report_parts(project=project):
        if part in totals:
            picture = _follow_picture(project, part, totals[part], change, weeks)
            if picture is None:
                return None
            found[part] = picture
        elif part in change.reported or part.startswith(CRITERION):
            observations = load_part(project=project, part=part, scope=change.everything)
            found[part] = picture_all(observations, SETTINGS, load_weeks(project=project, scope=change.everything))
        elif len(load_part(project=project, part=part, scope=change.now).annotator_id):
            return None
    return found


def _follow_picture(
    project: Project, part: str, totals: RunningTotals, change: _Change, weeks: tuple[Weeks, Weeks]
) -> Picture | None:
    was, now = (load_part(project=project, part=part, scope=each) for each in (change.was, change.now))
    load = _loader(project, part, newest=change.after)
    return picture_change(totals, was, now, SETTINGS, weeks=weeks, load=load)


def _loader(project: Project, part: str, *, newest: int) -> Loader:
    def load(people: list[int]) -> Observations:
        tasks = tasks_drawn_together(project=project, tasks=tasks_of_people(project=project, people=people))
        return load_part(project=project, part=part, scope=Scope(tasks=tasks, newest=newest))

    return load


def _count_again(project: Project, since: list[NewJudgment], newest: int) -> list[PersonCounts]:
    busy = {each.annotator for each in since if each.normal}
    return count_people(project=project, newest=newest, most=len(busy), people=sorted(busy)) if busy else []


def _follow_people(last: AgreementReport, again: list[PersonCounts]) -> list[PersonCounts]:
    """Nobody's judgments become fewer, so whoever is among the busiest was so before or has just judged."""
    busy = {each.annotator for each in again}
    people = [*again, *(each for each in people_of_report(last) if each.annotator not in busy)]
    return sorted(people, key=lambda each: (-each.judgments, each.annotator))[:MOST_PEOPLE]
