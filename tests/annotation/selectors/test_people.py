from typing import Any

import pytest

from annotation.models import PersonSkill, Project, Skill, User
from annotation.selectors.people import people_page
from annotation.services.reports import refresh_agreement_report
from annotation.services.slots import acquire_task
from tests.annotation.selectors.test_boards import judge_next
from tests.factories import make_member, make_task

pytestmark = pytest.mark.django_db


def test_people_come_with_their_work_and_skills(campaign: Project, bob: User, carol: User) -> None:
    for _ in range(3):
        make_task(campaign)
    for person in (bob, bob, carol):
        judge_next(campaign, person)
    acquire_task(project=campaign, annotator=carol)
    skill = Skill.objects.create(project=campaign, name="french", label="French")
    PersonSkill.objects.create(skill=skill, person=bob, level=4)
    refresh_agreement_report(project=campaign)
    people = {each.membership.user.username: each for each in people_page(project=campaign).people}
    assert list(people) == ["alice", "bob", "carol", "rita"]
    assert [(people[name].lately, people[name].total, people[name].leases) for name in ("alice", "bob", "carol")] == [
        (0, None, 0), (2, 2, 0), (1, 1, 1),
    ]  # fmt: skip
    assert [(each.skill.name, each.level) for each in people["bob"].skills] == [("french", 4)]
    assert people["carol"].last_seen is not None
    assert people["alice"].last_seen is None


def test_pages_and_search(campaign: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("annotation.selectors.people.PAGE_PEOPLE", 3)
    first = people_page(project=campaign)
    second = people_page(project=campaign, after=first.next or "")
    names = [each.membership.user.username for each in (*first.people, *second.people)]
    assert (names, first.total, second.next) == (["alice", "bob", "carol", "rita"], 4, None)
    assert [each.membership.user.username for each in people_page(project=campaign, search="ARO").people] == ["carol"]
    assert people_page(project=campaign, search="nobody").people == []


def test_many_people_cost_seven_queries(campaign: Project, django_assert_num_queries: Any) -> None:
    for _ in range(5):
        make_member(campaign)
    with django_assert_num_queries(6):
        assert len([each.membership.user.email for each in people_page(project=campaign).people]) == 9
