"""Agreement reports: stored judgments -> pure statistics -> a row."""

from collections import Counter
from collections.abc import Sequence
from time import perf_counter
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Max, Min

from annotation.agreement.closeness import Closeness, order_by_disagreement, widest_disagreement
from annotation.agreement.report import RESAMPLES, StatisticRecord, agreement_report
from annotation.models import AgreementReport, Judgment, Project, Score, Task
from annotation.selectors.observations import load_observations
from annotation.selectors.report_rests import REST
from annotation.selectors.reports import PersonCounts, is_fresh, latest_report, newest_judgment_id, stale_projects
from annotation.services.agreement_details import save_details
from annotation.services.person_figures import save_agreement_figures
from annotation.services.report_contents import (
    SEED,
    ReportContents,
    compute_contents,
    follow_contents,
    save_totals,
)
from annotation.services.task_splits import store_criterion_splits, store_splits
from annotation.services.turns import within_turn

MOST_HARD_TASKS = 20
KEPT_REPORTS = 200
PAUSE_SECONDS = 10.0
TURN_SECONDS = 30.0 / REST
"""How long one call refreshes, of the half minute until the next."""
PROMPT_CHARACTERS = 160


def compute_statistics(*, project: Project, seed: int = SEED, resamples: int = RESAMPLES) -> list[StatisticRecord]:
    """The statistics of a project as they are now, without storing them."""
    return agreement_report(load_observations(project=project), seed=seed, resamples=resamples)


@transaction.atomic
def refresh_agreement_report(*, project: Project) -> AgreementReport:
    """The project's report; a new one only if somebody has judged since the last."""
    _wait_for_turn(project)
    known = latest_report(project=project)
    if known is not None and is_fresh(known, project=project):
        return known
    start = perf_counter()
    newest = newest_judgment_id(project=project)
    followed = follow_contents(project=project, last=known, newest=newest) if known is not None else None
    contents = followed or compute_contents(project=project, newest=newest)
    report = _store(project, contents)
    _forget_old(project)
    report.seconds = perf_counter() - start
    report.save(update_fields=["seconds"])
    return report


def _store(project: Project, contents: ReportContents) -> AgreementReport:
    closeness, counts = [each.closeness for each in contents.pictures.values()], contents.counts
    worst = widest_disagreement(each.disagreement for each in closeness)
    save_totals(project=project, contents=contents)
    save_details(project=project, contents=contents)
    save_agreement_figures(project=project, contents=contents)
    store_splits(project=project, disagreement=worst, changed=contents.changed)
    by_part = {name: each.closeness.disagreement for name, each in contents.pictures.items()}
    store_criterion_splits(project=project, by_part=by_part, changed=contents.changed)
    return AgreementReport.objects.create(
        project=project,
        statistics=[record for each in contents.pictures.values() for record in each.records],
        hard_tasks=_hard_tasks(project, worst),
        people=_people(contents.people, closeness),
        judgments=counts.judgments,
        annotators=counts.annotators,
        tasks=counts.tasks,
        simulated_judgments=counts.simulated,
        newest_judgment_id=counts.newest,
        seconds=0,
    )


def refresh_stale_reports() -> int:
    """Refreshes reports that are due for as long as a turn lasts, and tells how many.

    Projects that were just refreshed wait their pause.
    """
    due = stale_projects(pause_seconds=PAUSE_SECONDS, long_seconds=TURN_SECONDS)
    projects = Project.objects.in_bulk(due)
    done = 0
    for project in within_turn([projects[pk] for pk in due if pk in projects], seconds=TURN_SECONDS):
        refresh_agreement_report(project=project)
        done += 1
    return done


def _wait_for_turn(project: Project) -> None:
    """One report of a project at a time; who waited finds the fresh one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"agreement:{project.pk}"])


def _forget_old(project: Project) -> None:
    kept = AgreementReport.objects.filter(project=project).order_by("-id").values_list("id", flat=True)
    old = kept[KEPT_REPORTS : KEPT_REPORTS + 1].first()
    if old is not None:
        AgreementReport.objects.filter(project=project, id__lte=old).delete()


def _people(people: Sequence[PersonCounts], closeness: Sequence[Closeness]) -> list[dict[str, Any]]:
    """Each person's work and their mean agreement with the others over all that they share, None without overlap."""
    near: Counter[object] = Counter()
    compared: Counter[object] = Counter()
    for each in closeness:
        near.update(each.near)
        compared.update(each.compared)
    return [
        {
            "annotator": person.annotator,
            "pseudonym": person.pseudonym,
            "judgments": person.judgments,
            "agreement": near[person.annotator] / compared[person.annotator] if compared[person.annotator] else None,
            "median_active_ms": person.median_active_ms,
            "simulated": person.simulated,
        }
        for person in people
    ]


def _hard_tasks(project: Project, worst: dict[Any, float]) -> list[dict[str, Any]]:
    """Tasks on which people are furthest apart."""
    split = {task: apart for task, apart in worst.items() if apart > 0}
    hardest = order_by_disagreement(split)[:MOST_HARD_TASKS]
    return [_describe(task, worst) for task in _tasks_of(project, hardest)]


def _tasks_of(project: Project, keys: Sequence[Any]) -> list[Task]:
    """Scalar observations are grouped by prompt: its first task stands for them."""
    by_prompt = project.kind == "scalar"
    field = "prompt_id" if by_prompt else "id"
    found: dict[int, Task] = {}
    for task in Task.objects.filter(project=project, **{f"{field}__in": keys}).select_related("prompt").order_by("id"):
        found.setdefault(getattr(task, field), task)
    return [found[key] for key in keys if key in found]


def _describe(task: Task, worst: dict[Any, float]) -> dict[str, Any]:
    by_prompt = task.kind == "scalar"
    found = _widest_scores(task.prompt_id) if by_prompt else (task.pk, _split(task))
    # Nothing is found where the judgments went while the report was made.
    pk, split = found or (task.pk, "")
    return {
        "task": pk,
        "prompt": task.prompt.text[:PROMPT_CHARACTERS],
        "split": split,
        "disagreement": worst[task.prompt_id if by_prompt else task.pk],
    }


def _split(task: Task) -> str:
    """How people fell apart: "3 · 2" for three who ranked one way and two another."""
    judgments = Judgment.objects.filter(task=task, is_current=True)
    said = Counter(str([sorted(tier) for tier in row.tiers]) for row in judgments)
    return " · ".join(str(count) for _, count in said.most_common())


def _widest_scores(prompt_id: int) -> tuple[int, str] | None:
    """The task of a prompt whose response got the widest range of scores on one criterion, and that range: "2 – 5".

    As a share of the criterion's scale; the earliest task where several are as wide. None where nothing is scored.
    """
    judgments = Judgment.objects.filter(task__prompt=prompt_id, task__purpose=Task.Purpose.NORMAL, is_current=True)
    ranges = (
        Score.objects.filter(judgment__in=judgments)
        .values("judgment__task", "response", "criterion")
        .annotate(low=Min("value"), high=Max("value"))
        .annotate(share=(F("high") - F("low")) / (F("criterion__maximum") - F("criterion__minimum")))
        .order_by("-share", "judgment__task", "criterion")
    )
    widest = ranges.first()
    return widest and (widest["judgment__task"], f"{widest['low']:g} – {widest['high']:g}")
