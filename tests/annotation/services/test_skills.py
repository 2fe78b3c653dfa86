from datetime import timedelta

import pytest
from django.db.models import F

from annotation.exceptions import ApplicationError, Conflict, NotFound, NotPermitted
from annotation.models import AuditEvent, PersonSkill, Project, Skill, Slot, Task, User
from annotation.selectors.skills import find_skill, project_skills, skilled_people
from annotation.services.no_work import NoWork
from annotation.services.skills import (
    add_skill,
    remove_person_skill,
    remove_skill,
    require_skill,
    set_person_skill,
)
from annotation.services.slots import Lease, acquire_task
from tests.factories import make_project, make_task

pytestmark = pytest.mark.django_db


@pytest.fixture
def law(campaign: Project, alice: User) -> Skill:
    return add_skill(project=campaign, actor=alice, name="law")


def ask(skill: Skill, actor: User, *tasks: Task, level: int = 1) -> None:
    require_skill(project=skill.project, task_ids=[task.pk for task in tasks], skill=skill, level=level, actor=actor)


def make_old(*tasks: Task) -> None:
    Task.objects.filter(pk__in=[task.pk for task in tasks]).update(created_at=F("created_at") - timedelta(days=1))


def test_a_skill_is_labelled_counted_and_audited(campaign: Project, alice: User, bob: User, law: Skill) -> None:
    assert law.label == "Law"
    set_person_skill(skill=law, person=bob, level=2, actor=alice)
    ask(law, alice, make_task(campaign), make_task(campaign))
    found = project_skills(project=campaign).get()
    assert (found.people_count, found.task_count) == (1, 2)
    assert find_skill(project=campaign, name="law") == law
    assert [row.person for row in skilled_people(project=campaign)] == [bob]
    actions = AuditEvent.objects.filter(actor=alice).order_by("id").values_list("action", flat=True)
    assert list(actions) == ["add_skill", "set_person_skill", "require_skill"]


def test_a_name_is_taken_once_and_must_be_a_name(campaign: Project, alice: User, law: Skill) -> None:
    with pytest.raises(Conflict, match="already"):
        add_skill(project=campaign, actor=alice, name="law")
    with pytest.raises(ApplicationError, match="name"):
        add_skill(project=campaign, actor=alice, name="no blanks please")


def test_only_managers_set_skills(campaign: Project, rita: User, bob: User, oscar: User, law: Skill) -> None:
    with pytest.raises(NotPermitted):
        add_skill(project=campaign, actor=rita, name="tax")
    with pytest.raises(NotPermitted):
        set_person_skill(skill=law, person=bob, level=1, actor=bob)
    with pytest.raises(NotPermitted):
        require_skill(project=campaign, task_ids=[], skill=law, actor=rita)
    with pytest.raises(NotFound):
        remove_skill(skill=law, actor=oscar)


@pytest.mark.parametrize("level", [0, 6, True, "2"])
def test_a_level_lies_between_one_and_five(law: Skill, bob: User, alice: User, level: int) -> None:
    with pytest.raises(ApplicationError, match="from 1 to 5"):
        set_person_skill(skill=law, person=bob, level=level, actor=alice)


def test_an_outsider_gets_no_skill(law: Skill, oscar: User, alice: User) -> None:
    with pytest.raises(NotFound):
        set_person_skill(skill=law, person=oscar, level=1, actor=alice)


def test_a_requirement_changes_all_tasks_or_none(campaign: Project, law: Skill, alice: User) -> None:
    mine, foreign = make_task(campaign), make_task(make_project())
    with pytest.raises(NotFound, match="1 of these tasks"):
        ask(law, alice, mine, foreign)
    foreign_skill = Skill.objects.create(project=foreign.project, name="law", label="Law")
    with pytest.raises(NotFound):
        require_skill(project=campaign, task_ids=[mine.pk], skill=foreign_skill, actor=alice)


def test_a_skill_that_tasks_ask_for_stays(campaign: Project, law: Skill, alice: User) -> None:
    task = make_task(campaign)
    ask(law, alice, task)
    with pytest.raises(Conflict, match="1 tasks ask"):
        remove_skill(skill=law, actor=alice)
    require_skill(project=campaign, task_ids=[task.pk], skill=None, actor=alice)
    remove_skill(skill=law, actor=alice)
    assert not Skill.objects.exists()


def test_a_task_goes_only_to_whom_it_asks_for(
    campaign: Project, law: Skill, alice: User, bob: User, carol: User
) -> None:
    plain, legal, hard = make_task(campaign), make_task(campaign, priority=5), make_task(campaign, priority=9)
    ask(law, alice, legal)
    ask(law, alice, hard, level=3)
    set_person_skill(skill=law, person=bob, level=2, actor=alice)
    assert _task(campaign, bob) == legal
    assert _task(campaign, carol) == plain
    set_person_skill(skill=law, person=carol, level=3, actor=alice)
    Slot.objects.filter(annotator=carol).update(state="free", annotator=None)
    assert _task(campaign, carol) == hard


def test_who_lacks_the_skill_is_told_so(campaign: Project, law: Skill, alice: User, bob: User) -> None:
    ask(law, alice, make_task(campaign), level=2)
    assert acquire_task(project=campaign, annotator=bob) == NoWork("qualification_missing", None)
    set_person_skill(skill=law, person=bob, level=1, actor=alice)
    assert acquire_task(project=campaign, annotator=bob) == NoWork("qualification_missing", None)
    row = set_person_skill(skill=law, person=bob, level=2, actor=alice)
    assert isinstance(acquire_task(project=campaign, annotator=bob), Lease)
    remove_person_skill(skill=law, person=bob, actor=alice)
    assert not PersonSkill.objects.filter(pk=row.pk).exists()
    assert isinstance(acquire_task(project=campaign, annotator=bob), Lease), "a lease that is held stays"


def test_the_less_qualified_wait_until_the_task_widens(
    campaign: Project, law: Skill, alice: User, bob: User, carol: User
) -> None:
    task = make_task(campaign)
    ask(law, alice, task)
    for person, standing in ((bob, 0.0), (carol, 0.5)):
        row = set_person_skill(skill=law, person=person, level=1, actor=alice)
        PersonSkill.objects.filter(pk=row.pk).update(standing=standing)
    opens = task.created_at + timedelta(seconds=campaign.widen_seconds / 2)
    assert acquire_task(project=campaign, annotator=carol) == NoWork("qualification_missing", opens)
    assert _task(campaign, bob) == task
    make_old(task)
    assert _task(campaign, carol) == task


def _task(project: Project, person: User) -> Task:
    lease = acquire_task(project=project, annotator=person)
    assert isinstance(lease, Lease), lease
    return lease.task
