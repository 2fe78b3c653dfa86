"""What people say of a policy."""

import pytest

from annotation.agreement.wilson import wilson_interval
from annotation.models import Judgment, Project, Prompt, Response, Task, TaskResponse, User
from trainingruns.models import ModelVersion, Run
from trainingruns.selectors.verdicts import human_verdicts, share_won


def test_every_pair_of_ours_and_theirs_counts_and_ties_half() -> None:
    assert share_won([["a"], ["x"]], ours=["a"], theirs=["x"]) == 1.0
    assert share_won([["a", "x"]], ours=["a"], theirs=["x"]) == 0.5
    assert share_won([["a"], ["x"], ["b"]], ours=["a", "b"], theirs=["x"]) == 0.5
    assert share_won([["a"]], ours=["a"], theirs=["x"]) is None


def test_blind_tasks_are_counted_task_by_task(project: Project, base_model: ModelVersion) -> None:
    version = ModelVersion.objects.create(
        project=project, kind="policy", name="p-policy", number=1, parent=base_model, artifact="runs/1/model"
    )
    run = Run.objects.create(
        project=project, kind="sample", base_version=version,
        purpose={"then": "serve_blind_tasks", "against": base_model.pk},
    )  # fmt: skip
    people = [User.objects.create(username=f"u{number}") for number in range(3)]
    for number, answers in enumerate([[["new"], ["old"]], [["new"], ["old"]], [["old"], ["new"]]]):
        task = make_blind_task(project, run, number)
        Judgment.objects.create(project=project, task=task, annotator=people[0], kind="ranking", tiers=answers)
    # The second person ties on the third task: half a task won there.
    third = Task.objects.order_by("-id").first()
    Judgment.objects.create(project=project, task=third, annotator=people[1], kind="ranking", tiers=[["new", "old"]])
    make_blind_task(project, run, 9)
    [verdict] = human_verdicts(version=version)
    assert verdict.value == pytest.approx((1 + 1 + 0.25) / 3)
    assert (verdict.tasks, verdict.waiting, verdict.judgments, verdict.simulated) == (3, 1, 4, 0)
    assert verdict.rival == base_model and verdict.origins == (f"run:{run.pk}",)
    assert verdict.label == "the reference, base v1"
    assert (verdict.low, verdict.high) == pytest.approx(wilson_interval(2.25, 3))
    assert human_verdicts(version=base_model) == []


def make_blind_task(project: Project, run: Run, number: int) -> Task:
    prompt = Prompt.objects.create(project=project, external_id=f"q{number}", messages=[])
    task = Task.objects.create(
        project=project, prompt=prompt, external_id=f"q{number}@run", kind="ranking", origin=f"run:{run.pk}"
    )
    for place, (key, source) in enumerate((("new", "p-policy/1"), ("old", "base/1"))):
        response = Response.objects.create(prompt=prompt, key=key, text=key, source=source)
        TaskResponse.objects.create(task=task, response=response, position=place)
    return task
