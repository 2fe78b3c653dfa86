from typing import Any

import pytest

from annotation.exceptions import ApplicationError, NotFound, NotPermitted
from annotation.models import AuditEvent, Project, Skill, Slot, Task, User
from annotation.selectors.task_filters import TaskFilters
from annotation.services.slots import acquire_task
from annotation.services.task_bulk import ACTIONS, TaskSelection
from tests.annotation.selectors.test_boards import judge_next
from tests.factories import make_project, make_task

pytestmark = pytest.mark.django_db

ARGUMENTS: dict[str, dict[str, Any]] = {
    "prioritize": {"priority": 2.5}, "tag": {"tag": "law"}, "untag": {"tag": "law"}, "want_judgments": {"wanted": 3},
    "set_state": {"state": "paused"}, "end_leases": {}, "ask_for_skill": {"skill": "french", "level": 2},
}  # fmt: skip
WRONG: list[tuple[str, dict[str, Any]]] = [
    ("prioritize", {"priority": float("nan")}), ("prioritize", {"priority": 1e12}), ("tag", {"tag": " "}),
    ("tag", {"tag": "a\nb"}), ("untag", {"tag": "x" * 61}), ("want_judgments", {"wanted": 0}),
    ("want_judgments", {"wanted": 51}), ("set_state", {"state": "held"}), ("set_state", {"state": "gone"}),
    ("ask_for_skill", {"skill": "none", "level": 1}), ("ask_for_skill", {"skill": "french", "level": 6}),
]  # fmt: skip


@pytest.fixture
def tasks(campaign: Project) -> list[Task]:
    Skill.objects.create(project=campaign, name="french", label="French")
    return [make_task(campaign, external_id=f"q-{number}", priority=number) for number in range(3)]


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_changes_what_is_meant_and_nothing_else(
    action: str, campaign: Project, tasks: list[Task], alice: User, bob: User
) -> None:
    acquire_task(project=campaign, annotator=bob)
    selection = TaskSelection(campaign, filters=TaskFilters(priority_min=1))
    ACTIONS["tag"](selection=TaskSelection(campaign, ids=[tasks[0].pk]), tag="law", actor=alice)
    before = look(tasks[0])
    assert ACTIONS[action](selection=selection, actor=alice, **ARGUMENTS[action]) == 2
    assert look(tasks[0]) == before
    once = [look(task) for task in tasks]
    selected = TaskSelection(campaign, ids=[tasks[1].pk, tasks[2].pk])
    assert ACTIONS[action](selection=selected, actor=alice, **ARGUMENTS[action]) == 2
    assert [look(task) for task in tasks] == once, "doing it twice changes nothing more"
    assert AuditEvent.objects.filter(project_id=campaign.pk, actor=alice).count() == 3


def look(task: Task) -> list[Any]:
    task.refresh_from_db()
    slots = Slot.objects.filter(task=task).order_by("number").values_list("number", "state", "priority", "asks")
    prompt = type(task.prompt).objects.get(pk=task.prompt_id)
    return [task.priority, task.state, task.skill_id, task.skill_level, prompt.tags, list(slots)]


def test_what_each_action_leaves(campaign: Project, tasks: list[Task], alice: User, bob: User, carol: User) -> None:
    everything = TaskSelection(campaign, filters=TaskFilters())
    judge_next(campaign, bob)
    acquire_task(project=campaign, annotator=carol)
    for action, arguments in ARGUMENTS.items():
        if action not in ("untag", "end_leases", "set_state"):
            ACTIONS[action](selection=everything, actor=alice, **arguments)
    task = tasks[2]
    assert look(task)[0] == 2.5
    assert look(task)[4] == ["law"]
    skill = Skill.objects.get()
    states = sorted((state, priority, asks) for _, state, priority, asks in look(task)[5])
    assert states == [(state, 2.5, skill.pk) for state in ("free", "leased", "submitted")]
    ACTIONS["want_judgments"](selection=everything, wanted=1, actor=alice)
    assert sorted(state for _, state, *_ in look(task)[5]) == ["leased", "released", "submitted"]
    ACTIONS["end_leases"](selection=everything, actor=alice)
    assert not Slot.objects.filter(state="leased").exists()
    ACTIONS["untag"](selection=everything, tag="law", actor=alice)
    assert look(task)[4] == []
    ACTIONS["ask_for_skill"](selection=everything, skill="", level=1, actor=alice)
    assert look(task)[2] is None


@pytest.mark.parametrize(("action", "arguments"), WRONG)
def test_wrong_values_change_nothing(
    action: str, arguments: dict[str, Any], campaign: Project, tasks: list[Task], alice: User
) -> None:
    before = [look(task) for task in tasks]
    with pytest.raises(ApplicationError):
        ACTIONS[action](selection=TaskSelection(campaign, filters=TaskFilters()), actor=alice, **arguments)
    assert [look(task) for task in tasks] == before
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize("action", ACTIONS)
def test_only_managers_change_tasks_and_only_of_their_project(
    action: str, campaign: Project, tasks: list[Task], alice: User, rita: User, oscar: User
) -> None:
    selection = TaskSelection(campaign, ids=[tasks[0].pk])
    with pytest.raises(NotPermitted):
        ACTIONS[action](selection=selection, actor=rita, **ARGUMENTS[action])
    with pytest.raises(NotFound):
        ACTIONS[action](selection=selection, actor=oscar, **ARGUMENTS[action])
    foreign = make_task(make_project())
    with pytest.raises(NotFound, match="not in the project"):
        ACTIONS[action](
            selection=TaskSelection(campaign, ids=[tasks[0].pk, foreign.pk]), actor=alice, **ARGUMENTS[action]
        )
    with pytest.raises(ApplicationError, match="Say which"):
        ACTIONS[action](selection=TaskSelection(campaign), actor=alice, **ARGUMENTS[action])


def test_tasks_that_measure_people_get_no_waiting_slots(campaign: Project, alice: User) -> None:
    gold = make_task(campaign, purpose="gold", gold={"tiers": [["a"], ["b"]]})
    Slot.objects.filter(task=gold).delete()
    assert ACTIONS["want_judgments"](selection=TaskSelection(campaign, ids=[gold.pk]), wanted=3, actor=alice) == 0
    assert not Slot.objects.filter(task=gold).exists()
