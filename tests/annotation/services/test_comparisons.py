import pytest

from annotation.exceptions import ApplicationError, NotFound
from annotation.models import Project, Response, Task
from annotation.services.comparisons import add_comparison_tasks
from annotation.services.slots import Lease, acquire_task
from tests.factories import make_member, make_project, make_task

pytestmark = pytest.mark.django_db

CHAMPION = {"text": "Rivers bend.", "source": "champion/1", "sampling": {"seed": 1}}
CHALLENGER = {"text": "Water seeks the soft bank.", "source": "policy/2", "sampling": {"seed": 1}}


@pytest.fixture
def project() -> Project:
    return make_project(judgments_per_task=2)


def test_responses_become_a_blind_task(project: Project) -> None:
    prompt = make_task(project).prompt
    (task,) = add_comparison_tasks(
        project=project, prompts=[(prompt.pk, [CHAMPION, CHALLENGER])], origin="run:12", priority=3.0
    )
    assert (task.origin, task.priority, task.kind) == ("run:12", 3.0, "ranking")
    assert task.slots.filter(state="free", priority=3.0).count() == 2
    keys = list(task.task_responses.values_list("response__key", flat=True))
    assert not any("policy" in key or "champion" in key for key in keys)
    lease = acquire_task(project=project, annotator=make_member(project))
    assert isinstance(lease, Lease)
    assert lease.task == task


def test_the_same_call_again_gives_the_same_tasks(project: Project) -> None:
    prompts = [(make_task(project).prompt_id, [CHAMPION, CHALLENGER])]
    first = add_comparison_tasks(project=project, prompts=prompts, origin="run:12")
    assert add_comparison_tasks(project=project, prompts=prompts, origin="run:12") == first
    other = add_comparison_tasks(project=project, prompts=prompts, origin="run:13")
    assert other != first
    # The champion said the same again: one row, so that its wins add up.
    assert Response.objects.filter(source="champion/1").count() == 1


def test_equal_texts_are_one_response_and_too_few_are_no_task(project: Project) -> None:
    prompt = make_task(project).prompt
    echo = {**CHALLENGER, "text": " Rivers bend.\n"}
    assert add_comparison_tasks(project=project, prompts=[(prompt.pk, [CHAMPION, echo])], origin="run:1") == []
    (task,) = add_comparison_tasks(project=project, prompts=[(prompt.pk, [CHAMPION, echo, CHALLENGER])], origin="run:2")
    assert list(task.task_responses.values_list("response__source", flat=True)) == ["champion/1", "policy/2"]


def test_foreign_prompts_and_scalar_projects_are_refused(project: Project) -> None:
    foreign = make_task(make_project()).prompt_id
    with pytest.raises(NotFound):
        add_comparison_tasks(project=project, prompts=[(foreign, [CHAMPION, CHALLENGER])], origin="run:1")
    with pytest.raises(ApplicationError) as caught:
        add_comparison_tasks(project=make_project(kind="scalar"), prompts=[], origin="run:1")
    assert caught.value.code == "wrong_kind"
    assert Task.objects.filter(origin="run:1").count() == 0
