"""The quality cards of a project's people: stored judgments -> the pure side."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.db import connection
from django.db.models import Count, F

from annotation.kinds.criteria import CriterionSpec
from annotation.models import FeedbackKind, Judgment, Project, Skip, Task
from annotation.quality.card import QualityCard
from annotation.quality.closeness import share_right, share_same
from annotation.quality.positions import position_bias
from annotation.quality.signals import TOO_FAST
from annotation.quality.wilson import Share, wilson_share
from annotation.selectors.scales import scales_of

RANKINGS_LOOKED_AT = 500
"""The newest ones of a person; older habits tell little about today's."""
FEEDBACK_STEP = 10
"""People see their figures in steps of so many gold tasks and repeats: a figure that moves after each task would tell
which one it was."""

COUNTS = """
SELECT j.annotator_id, count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY j.active_ms),
       count(j.active_ms), count(*) FILTER (WHERE j.active_ms IS NOT NULL AND j.warnings ? %(too_fast)s),
       count(*) FILTER (WHERE j.warnings - %(too_fast)s::text <> '[]'::jsonb)
FROM annotation_judgment j JOIN annotation_task t ON t.id = j.task_id AND t.purpose = 'normal'
WHERE j.project_id = %(project)s AND j.annotator_id = ANY(%(people)s) AND j.is_current AND NOT j.is_imported
GROUP BY j.annotator_id
"""


@dataclass(slots=True)
class _Gathered:
    """What belongs to one person."""

    right: list[float] = field(default_factory=list)
    same: list[float] = field(default_factory=list)
    rankings: list[tuple[list[str], list[list[str]]]] = field(default_factory=list)
    judgments: int = 0
    median_active_ms: float | None = None
    timed: int = 0
    too_fast: int = 0
    in_a_row: int = 0
    skips: int = 0

    def card(self) -> QualityCard:
        return QualityCard(
            gold=wilson_share(sum(self.right), len(self.right)),
            consistency=wilson_share(sum(self.same), len(self.same)),
            too_fast=wilson_share(self.too_fast, self.timed),
            bias=position_bias(self.rankings),
            median_active_ms=self.median_active_ms,
            judgments=self.judgments,
            in_a_row=self.in_a_row,
            skips=self.skips,
        )


def quality_cards(*, project: Project, people: Iterable[int]) -> dict[int, QualityCard]:
    """{user id: card} for these people; a fixed number of queries, whatever their number."""
    return {person: each.card() for person, each in _gather(project, list(people)).items()}


def measured_shares(*, project: Project, people: Iterable[int]) -> dict[int, tuple[Share, Share]]:
    """{user id: (right on gold, same on repeats)}, as on their cards."""
    found: dict[int, _Gathered] = {person: _Gathered() for person in people}
    _measure(project, found)
    return {
        person: (wilson_share(sum(each.right), len(each.right)), wilson_share(sum(each.same), len(each.same)))
        for person, each in found.items()
    }


def measured_people(*, project: Project) -> list[int]:
    """Ids of everybody who answered a gold task or a repeat."""
    purposes = [Task.Purpose.GOLD, Task.Purpose.REPEAT]
    judged = Judgment.objects.filter(project=project, is_current=True, task__purpose__in=purposes).order_by()
    return list(judged.values_list("annotator_id", flat=True).distinct())


def own_quality(*, project: Project, person: int) -> QualityCard:
    """A person's card as they may see it: in coarse steps, and without anything that names a task."""
    mine = _gather(project, [person])[person]
    mine.right = mine.right[: len(mine.right) // FEEDBACK_STEP * FEEDBACK_STEP]
    mine.same = mine.same[: len(mine.same) // FEEDBACK_STEP * FEEDBACK_STEP]
    return mine.card()


def projects_with_feedback(*, person: int) -> list[int]:
    """Ids of the projects in which so much was measured of this person that they may be told."""
    rows = Judgment.objects.filter(
        annotator=person, is_current=True, is_imported=False, task__purpose__in=[Task.Purpose.GOLD, Task.Purpose.REPEAT]
    )
    counted = rows.values("project").annotate(measured=Count("id")).filter(measured__gte=FEEDBACK_STEP)
    return list(counted.values_list("project", flat=True))


def _gather(project: Project, people: list[int]) -> dict[int, _Gathered]:
    found: dict[int, _Gathered] = {person: _Gathered() for person in people}
    _measure(project, found)
    for person, *counts in _counts(project, people):
        each = found[person]
        each.judgments, each.median_active_ms, each.timed, each.too_fast, each.in_a_row = counts
    for person, skips in _skips(project, people):
        found[person].skips = skips
    if project.kind == FeedbackKind.RANKING:
        for person, rankings in _rankings(project, people).items():
            found[person].rankings = rankings
    return found


def _measure(project: Project, found: dict[int, _Gathered]) -> None:
    people, scales = list(found), scales_of(project=project)
    for person, share in _gold(project, people, scales):
        found[person].right.append(share)
    for person, share in _repeats(project, people, scales):
        found[person].same.append(share)


def _gold(project: Project, people: list[int], scales: dict[str, CriterionSpec]) -> Iterable[tuple[int, float]]:
    """Each person's share of right answers on each gold task, in the order of their answers."""
    rows = Judgment.objects.filter(
        project=project, annotator__in=people, is_current=True, is_imported=False, task__purpose=Task.Purpose.GOLD
    ).order_by("id")  # fmt: skip
    for person, kind, known, *said in rows.values_list("annotator_id", "kind", "task__gold", *SAID):
        share = share_right(
            _answer(said), known, kind=kind, criteria=scales, tolerance=project.gold_tolerance
        )  # fmt: skip
        if share is not None:
            yield person, share


SAID = ("tiers", "scores")


def _answer(said: Sequence[Any]) -> dict[str, Any]:
    return dict(zip(SAID, said, strict=True))


def _repeats(project: Project, people: list[int], scales: dict[str, CriterionSpec]) -> Iterable[tuple[int, float]]:
    """How far each person said the same, for each repeat, in the order of their answers."""
    repeats = Judgment.objects.filter(
        project=project, annotator__in=people, is_current=True, task__purpose=Task.Purpose.REPEAT
    ).annotate(original=F("task__original")).order_by("id")  # fmt: skip
    rows = list(repeats.values_list("annotator_id", "original", "kind", *SAID))
    first = Judgment.objects.filter(annotator__in=people, is_current=True, task__in={row[1] for row in rows})
    before = {(person, task): said for person, task, *said in first.values_list("annotator_id", "task_id", *SAID)}
    for person, original, kind, *said in rows:
        share = share_same(
            _answer(said),
            _answer(before[person, original]),
            kind=kind,
            criteria=scales,
            tolerance=project.gold_tolerance,
        )
        if share is not None:
            yield person, share


def _counts(project: Project, people: list[int]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(COUNTS, {"project": project.pk, "people": people, "too_fast": TOO_FAST})
        return cursor.fetchall()


def _skips(project: Project, people: list[int]) -> Iterable[tuple[int, int]]:
    rows = Skip.objects.filter(task__project=project, annotator__in=people).values("annotator")
    return rows.annotate(skips=Count("id")).values_list("annotator", "skips")


RANKINGS = """
SELECT person, said.shown_order, said.tiers FROM unnest(%(people)s::bigint[]) AS person
CROSS JOIN LATERAL (
    SELECT j.shown_order, j.tiers FROM annotation_judgment j
    JOIN annotation_task t ON t.id = j.task_id AND t.purpose = 'normal'
    WHERE j.annotator_id = person AND j.project_id = %(project)s AND j.is_current AND NOT j.is_imported
    ORDER BY j.created_at DESC LIMIT %(most)s
) said
"""


def _rankings(project: Project, people: list[int]) -> dict[int, list[tuple[list[str], list[list[str]]]]]:
    found: dict[int, list[tuple[list[str], list[list[str]]]]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(RANKINGS, {"people": people, "project": project.pk, "most": RANKINGS_LOOKED_AT})
        for person, shown, tiers in cursor:
            found[person].append((orjson.loads(shown), orjson.loads(tiers)))
    return found
