"""Who comes first for the tasks that ask for a skill, as measured lately."""

from random import Random

from django.db import transaction
from django.utils import timezone

from annotation.allocation import rank_people
from annotation.models import PersonSkill, Skill
from annotation.selectors.skill_evidence import measure_people


@transaction.atomic
def refresh_standings(*, skill: Skill, generator: Random) -> int:
    """Measures the people who have the skill and ranks them anew; tells how many.

    The product's own bookkeeping, done every few minutes: it changes no right and no answer, so no audit event.
    """
    evidence = measure_people(skill=skill)
    standings = rank_people(evidence, generator=generator)
    rows = list(PersonSkill.objects.select_for_update().filter(skill=skill, person__in=evidence))
    for row in rows:
        found = evidence[row.person_id]
        row.agreed, row.compared = found.agreed, found.compared
        row.gold_right, row.gold_asked = found.gold_right, found.gold_asked
        row.standing, row.measured_at = standings[row.person_id], timezone.now()
    PersonSkill.objects.bulk_update(
        rows, ["agreed", "compared", "gold_right", "gold_asked", "standing", "measured_at"], batch_size=500
    )
    return len(rows)


def refresh_all_standings(*, generator: Random) -> int:
    """`refresh_standings` for every skill of an open project that tasks ask for; tells of how many skills."""
    skills = Skill.objects.filter(project__is_open=True, tasks__state="open").distinct()
    for skill in skills:
        refresh_standings(skill=skill, generator=generator)
    return len(skills)
