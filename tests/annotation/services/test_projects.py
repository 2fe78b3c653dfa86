import pytest

from annotation.exceptions import ApplicationError, Conflict, NotFound, NotPermitted
from annotation.models import AuditEvent, Membership, Project, Slot, User
from annotation.permissions import Role, find_role, require_role
from annotation.services.projects import create_project, remove_member, set_role, set_task_state, update_project
from annotation.services.slots import Lease, acquire_task
from tests.factories import make_task

pytestmark = pytest.mark.django_db


def test_a_manager_creates_a_project_and_manages_it(campaign: Project, alice: User) -> None:
    project = create_project(
        name="Round 2",
        slug="round-2",
        kind="ranking",
        created_by=alice,
        criteria=[{"name": "clear"}, {"name": "safe", "minimum": 0, "maximum": 1, "label": "Safe?"}],
    )
    assert find_role(user=alice, project=project) == Role.MANAGER
    assert [(row.name, row.label, row.maximum) for row in project.criteria.all()] == [
        ("clear", "Clear", 5),
        ("safe", "Safe?", 1),
    ]
    assert AuditEvent.objects.filter(action="create_project", object_id=str(project.pk), actor=alice).exists()


def test_annotators_create_no_projects(campaign: Project, bob: User) -> None:
    with pytest.raises(NotPermitted):
        create_project(name="Mine", slug="mine", kind="ranking", created_by=bob)
    assert not Project.objects.filter(slug="mine").exists()


def test_a_taken_slug_and_bad_values_are_named(campaign: Project, alice: User) -> None:
    with pytest.raises(Conflict) as taken:
        create_project(name="Again", slug="campaign", kind="ranking", created_by=alice)
    assert taken.value.code == "slug_taken"
    with pytest.raises(ApplicationError) as caught:
        create_project(name="", slug="no spaces", kind="essay", created_by=alice, judgments_per_task=0)
    assert {fault["field"] for fault in caught.value.extra["faults"]} >= {"name", "slug", "kind", "judgments_per_task"}
    with pytest.raises(ApplicationError, match="lease_secs"):
        create_project(name="x", slug="x", kind="ranking", created_by=alice, lease_secs=3)
    with pytest.raises(ApplicationError, match="maximum: must be above the lowest point, 5"):
        create_project(
            name="x", slug="x", kind="ranking", created_by=alice, criteria=[{"name": "c", "minimum": 5, "maximum": 1}]
        )


def test_a_changed_guideline_gets_a_version(campaign: Project, alice: User) -> None:
    assert update_project(project=campaign, actor=alice, guideline="Be fair.").guideline_version == 2
    assert update_project(project=campaign, actor=alice, guideline="Be fair.").guideline_version == 2
    assert update_project(project=campaign, actor=alice, name="New").guideline_version == 2


def test_a_changed_overlap_opens_and_withdraws_slots(campaign: Project, alice: User, bob: User) -> None:
    task = make_task(campaign)
    lease = acquire_task(project=campaign, annotator=bob)
    assert isinstance(lease, Lease)

    def states() -> list[str]:
        return list(Slot.objects.filter(task=task).order_by("number").values_list("state", flat=True))

    update_project(project=campaign, actor=alice, judgments_per_task=4)
    assert states() == ["leased", "free", "free", "free"]
    update_project(project=campaign, actor=alice, judgments_per_task=1)
    assert states() == ["leased", "released", "released", "released"]
    update_project(project=campaign, actor=alice, judgments_per_task=2)
    assert states() == ["leased", "free", "released", "released"]


def test_only_managers_change_a_project(campaign: Project, alice: User, rita: User, oscar: User) -> None:
    task = make_task(campaign)
    for person, error in ((rita, NotPermitted), (oscar, NotFound)):
        with pytest.raises(error):
            update_project(project=campaign, actor=person, name="Mine")
        with pytest.raises(error):
            set_role(project=campaign, user=oscar, role="manager", actor=person)
        with pytest.raises(error):
            remove_member(project=campaign, user=alice, actor=person)
        with pytest.raises(error):
            set_task_state(task=task, state="paused", actor=person)
    assert Membership.objects.filter(project=campaign, user=oscar).count() == 0


def test_a_project_keeps_a_manager(campaign: Project, alice: User, rita: User) -> None:
    for attempt in (
        lambda: set_role(project=campaign, user=alice, role="annotator", actor=alice),
        lambda: remove_member(project=campaign, user=alice, actor=alice),
    ):
        with pytest.raises(Conflict) as caught:
            attempt()
        assert caught.value.code == "last_manager"
    set_role(project=campaign, user=rita, role="manager", actor=alice)
    remove_member(project=campaign, user=alice, actor=rita)
    with pytest.raises(NotFound):
        require_role(user=alice, project=campaign, role=Role.ANNOTATOR)


def test_who_leaves_loses_the_lease(campaign: Project, alice: User, bob: User) -> None:
    make_task(campaign)
    acquire_task(project=campaign, annotator=bob)
    remove_member(project=campaign, user=bob, actor=alice)
    assert not Slot.objects.filter(state="leased").exists()


def test_an_unknown_role_is_refused(campaign: Project, alice: User, oscar: User) -> None:
    with pytest.raises(ApplicationError, match="use annotator, reviewer, manager"):
        set_role(project=campaign, user=oscar, role="owner", actor=alice)


def test_a_superuser_manages_everything(campaign: Project, oscar: User) -> None:
    oscar.is_superuser = True
    require_role(user=oscar, project=campaign, role=Role.MANAGER)
