"""What was measured of people on tasks that ask for a skill: agreement with others, and known answers."""

from collections import defaultdict

from django.db import connection

from annotation.allocation import Evidence
from annotation.models import Judgment, PersonSkill, Skill, Task

_AGREEMENT = """
WITH said AS (
    SELECT j.task_id, j.annotator_id, LEAST(p.chosen_id, p.rejected_id) AS low,
           GREATEST(p.chosen_id, p.rejected_id) AS high, p.chosen_id
    FROM annotation_task t
    JOIN annotation_judgment j ON j.task_id = t.id AND j.is_current
    JOIN annotation_preference p ON p.judgment_id = j.id
    WHERE t.skill_id = %s AND t.purpose = 'normal'
)
SELECT a.annotator_id, count(*) FILTER (WHERE a.chosen_id = b.chosen_id), count(*)
FROM said a JOIN said b USING (task_id, low, high) WHERE a.annotator_id <> b.annotator_id
GROUP BY 1
"""


def measure_people(*, skill: Skill) -> dict[int, Evidence]:
    """The evidence about each person who has the skill, by user id; an empty one where nothing was measured.

    Ties give no pair. Scores give none either, so in projects of scores nobody has to wait for anybody.
    """
    with connection.cursor() as cursor:
        cursor.execute(_AGREEMENT, [skill.pk])
        agreement = {person: (agreed, compared) for person, agreed, compared in cursor.fetchall()}
    gold = _measure_gold(skill)
    people = PersonSkill.objects.filter(skill=skill).values_list("person", flat=True)
    return {person: Evidence(*agreement.get(person, (0, 0)), *gold.get(person, (0, 0))) for person in people}


def _measure_gold(skill: Skill) -> dict[int, tuple[int, int]]:
    """Per person: pairs of tasks with a known answer that they put in its order, and pairs that they decided."""
    right: dict[int, int] = defaultdict(int)
    asked: dict[int, int] = defaultdict(int)
    judged = Judgment.objects.filter(task__skill=skill, task__gold__isnull=False, is_current=True, kind="ranking")
    judged = judged.exclude(task__purpose=Task.Purpose.NORMAL)
    for person, tiers, gold in judged.values_list("annotator", "tiers", "task__gold"):
        assert gold is not None, "the query asks for tasks with a known answer"
        known = _pairs(gold.get("tiers", []))
        for pair in _pairs(tiers):
            if pair in known or pair[::-1] in known:
                asked[person] += 1
                right[person] += pair in known
    return {person: (right[person], asked[person]) for person in asked}


def _pairs(tiers: list[list[str]]) -> set[tuple[str, str]]:
    """(better, worse) for each two responses of different tiers."""
    return {
        (better, worse)
        for place, tier in enumerate(tiers)
        for better in tier
        for lower in tiers[place + 1 :]
        for worse in lower
    }
