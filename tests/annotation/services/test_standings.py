from random import Random

import pytest

from annotation.models import Judgment, PersonSkill, Project, Skill, Task, User
from annotation.selectors.skill_evidence import measure_people
from annotation.services.judgments import submit_judgment
from annotation.services.skills import add_skill, require_skill, set_person_skill
from annotation.services.slots import Lease, acquire_task
from annotation.services.standings import refresh_all_standings, refresh_standings
from tests.factories import make_member, make_project, make_task, ranking

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(alice: User) -> Project:
    return make_project(judgments_per_task=3)


@pytest.fixture
def manager(project: Project) -> User:
    return make_member(project, role="manager")


@pytest.fixture
def law(project: Project, manager: User) -> Skill:
    return add_skill(project=project, actor=manager, name="law")


def judge(task: Task, person: User, *tiers: str) -> None:
    lease = acquire_task(project=task.project, annotator=person)
    assert isinstance(lease, Lease) and lease.task == task
    submit_judgment(
        annotator=person,
        task_id=task.pk,
        lease_token=lease.token,
        answer=ranking(*tiers),
        idempotency_key=str(lease.token),
    )


def test_people_are_measured_by_pairs_on_tasks_that_ask(project: Project, manager: User, law: Skill) -> None:
    people = [make_member(project) for _ in range(3)]
    for person in people:
        set_person_skill(skill=law, person=person, level=1, actor=manager)
    task = make_task(project, keys="abc")
    require_skill(project=project, task_ids=[task.pk], skill=law, actor=manager)
    judge(task, people[0], "a", "b", "c")
    judge(task, people[1], "a", "b", "c")
    judge(task, people[2], "c", "ab")
    measured = measure_people(skill=law)
    # The third decided a-c and b-c, against both others; the first two agree with each other on three pairs.
    assert [(measured[each.pk].agreed, measured[each.pk].compared) for each in people] == [(3, 5), (3, 5), (0, 4)]
    gold = make_task(project, keys="abc")
    Task.objects.filter(pk=gold.pk).update(skill=law, purpose="gold", gold=ranking("a", "bc"))
    Judgment.objects.create(
        project=project, task=gold, annotator=people[0], kind="ranking", tiers=[["b"], ["a"], ["c"]]
    )
    measured = measure_people(skill=law)
    # Of the known pairs a-b and a-c one is right; b-c is tied in the known answer and tells nothing.
    assert (measured[people[0].pk].gold_right, measured[people[0].pk].gold_asked) == (1, 2)
    assert refresh_standings(skill=law, generator=Random(1)) == 3
    rows = PersonSkill.objects.filter(skill=law)
    assert sorted(rows.values_list("standing", flat=True)) == pytest.approx([0, 1 / 3, 2 / 3])
    assert all(row.measured_at for row in rows)
    assert refresh_all_standings(generator=Random(1)) == 1


def test_nobody_waits_where_nothing_was_measured(project: Project, manager: User, law: Skill) -> None:
    for _ in range(3):
        set_person_skill(skill=law, person=make_member(project), level=1, actor=manager)
    refresh_standings(skill=law, generator=Random(1))
    assert set(PersonSkill.objects.values_list("standing", flat=True)) == {0.0}


def test_among_equals_a_person_gets_what_they_stand_best_in(project: Project, manager: User, law: Skill) -> None:
    tax = add_skill(project=project, actor=manager, name="tax")
    person = make_member(project)
    plain, legal, fiscal = (make_task(project) for _ in range(3))
    require_skill(project=project, task_ids=[legal.pk], skill=law, actor=manager)
    require_skill(project=project, task_ids=[fiscal.pk], skill=tax, actor=manager)
    Project.objects.filter(pk=project.pk).update(widen_seconds=0)
    for skill, standing in ((law, 0.9), (tax, 0.1)):
        row = set_person_skill(skill=skill, person=person, level=1, actor=manager)
        PersonSkill.objects.filter(pk=row.pk).update(standing=standing)
    order = []
    for _ in range(3):
        lease = acquire_task(project=project, annotator=person)
        assert isinstance(lease, Lease)
        order.append(lease.task)
        judge(lease.task, person, "a", "b")
    assert order == [fiscal, plain, legal]
    urgent = make_task(project, priority=1)
    lease = acquire_task(project=project, annotator=person)
    assert isinstance(lease, Lease) and lease.task == urgent, "priority goes before all of that"
