from typing import Any

import pytest

from annotation.exceptions import ApplicationError, Conflict, NotFound, NotPermitted
from annotation.models import AuditEvent, Criterion, Judgment, Project, Score, User
from annotation.services.criteria import MOST_CRITERIA, add_criterion, change_criterion, remove_criterion
from tests.annotation.selectors.test_boards import judge_next
from tests.factories import make_project, make_task

pytestmark = pytest.mark.django_db


@pytest.fixture
def tone(campaign: Project, alice: User) -> Criterion:
    return add_criterion(project=campaign, criterion={"name": "tone", "anchors": {"1": "rude"}}, actor=alice)


def use(criterion: Criterion, bob: User) -> None:
    make_task(criterion.project)
    Criterion.objects.filter(pk=criterion.pk).update(required=False)
    judgment: Judgment = judge_next(criterion.project, bob)
    response = judgment.task.prompt.responses.first()
    assert response is not None
    Score.objects.create(judgment=judgment, criterion=criterion, response=response, value=3)


def test_scales_are_added_in_order_and_changed(campaign: Project, tone: Criterion, alice: User) -> None:
    second = add_criterion(project=campaign, criterion={"name": "truth"}, actor=alice)
    third = add_criterion(project=campaign, criterion={"name": "style"}, actor=alice)
    remove_criterion(project=campaign, criterion_id=second.pk, actor=alice)
    fourth = add_criterion(project=campaign, criterion={"name": "form"}, actor=alice)
    assert list(campaign.criteria.all()) == [tone, third, fourth]
    changed = change_criterion(
        project=campaign, criterion_id=tone.pk, changes={"maximum": 7.0, "label": "Tone of voice"}, actor=alice
    )
    assert (changed.maximum, changed.label) == (7.0, "Tone of voice")
    change_criterion(project=campaign, criterion_id=tone.pk, changes={"maximum": 7.0}, actor=alice)
    assert AuditEvent.objects.filter(action="change_criterion").count() == 1


def test_numbers_that_were_given_keep_their_meaning(campaign: Project, tone: Criterion, alice: User, bob: User) -> None:
    use(tone, bob)
    for changes in ({"maximum": 9.0}, {"minimum": 0.0}, {"step": None}, {"name": "voice"}):
        with pytest.raises(Conflict, match="cannot change"):
            change_criterion(project=campaign, criterion_id=tone.pk, changes=changes, actor=alice)
    with pytest.raises(Conflict, match="lost"):
        remove_criterion(project=campaign, criterion_id=tone.pk, actor=alice)
    changed = change_criterion(
        project=campaign, criterion_id=tone.pk, changes={"description": "How polite?", "maximum": 5.0}, actor=alice
    )
    assert changed.description == "How polite?"


@pytest.mark.parametrize("changes", [{"maximum": 0.5}, {"step": -1.0}, {"name": "a b"}, {"colour": "red"}])
def test_impossible_scales_are_refused(
    changes: dict[str, Any], campaign: Project, tone: Criterion, alice: User
) -> None:
    with pytest.raises(ApplicationError):
        change_criterion(project=campaign, criterion_id=tone.pk, changes=changes, actor=alice)


def test_a_name_is_taken_once_and_there_is_an_end(campaign: Project, tone: Criterion, alice: User) -> None:
    with pytest.raises(Conflict, match="this name"):
        add_criterion(project=campaign, criterion={"name": "tone"}, actor=alice)
    for number in range(MOST_CRITERIA - 1):
        Criterion.objects.create(project=campaign, name=f"c-{number}", label="c", position=number + 1)
    with pytest.raises(ApplicationError, match="at most"):
        add_criterion(project=campaign, criterion={"name": "more"}, actor=alice)


def test_only_managers_of_the_project(campaign: Project, tone: Criterion, alice: User, rita: User, oscar: User) -> None:
    for person, error in ((rita, NotPermitted), (oscar, NotFound)):
        with pytest.raises(error):
            add_criterion(project=campaign, criterion={"name": "x"}, actor=person)
        with pytest.raises(error):
            remove_criterion(project=campaign, criterion_id=tone.pk, actor=person)
    other = make_project()
    other.memberships.create(user=alice, role="manager")
    with pytest.raises(NotFound):
        change_criterion(project=other, criterion_id=tone.pk, changes={}, actor=alice)
