"""People compare a policy in training with where it started, and the run hears of it."""

import json
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from annotation.agreement.wilson import wilson_interval
from annotation.exceptions import ApplicationError
from annotation.models import Project, Prompt, Task, TaskResponse, User
from annotation.services.judgments import submit_judgment
from annotation.services.no_work import NoWork
from annotation.services.slots import acquire_task
from tests.factories import make_member, make_project
from tests.tiny_model import make_tiny_model
from trainingruns.models import Metric, Run, Sample, Snapshot
from trainingruns.selectors.live_verdicts import Judged
from trainingruns.services import claims
from trainingruns.services.asking_people import PeopleWatch, summarise
from trainingruns.services.registry import register_base_version
from trainingruns.services.runs import start_run
from trainingruns.services.snapshots import create_snapshot
from trainingruns.supervisor import supervise_run

SETTINGS = (
    "evaluation.people_every_steps=3",
    "evaluation.prompts=2",
    "evaluation.samples_per_prompt=1",
    "evaluation.shown_prompts=2",
    "rollout.prompts_per_step=2",
    "rollout.group_size=4",
    "rollout.max_new_tokens=10",
    "optimizer.learning_rate=0.01",
    "reward.brevity_weight=1",
    "brakes.people=stop",
    "brakes.window=1",
    "model.threads=1",
    "model.precision=float32",
    "stop.steps=800",
)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainingruns.supervisor.FOLLOW_SECONDS", 0.1)
    monkeypatch.setattr("trainingruns.services.asking_people.LOOK_SECONDS", 0.0)


def judge_next(project: Project, person: User, *, prefer_policy: bool) -> bool:
    """Judge one task of a policy in training, if there is one; the answers of step 0 are the reference's."""
    lease = acquire_task(project=project, annotator=person)
    if isinstance(lease, NoWork):
        return False
    places = TaskResponse.objects.filter(task=lease.task).select_related("response")
    keys = {not place.response.source.endswith("@0"): place.response.key for place in places}
    submit_judgment(
        annotator=person,
        task_id=lease.task.pk,
        lease_token=lease.token,
        answer={"tiers": [[keys[prefer_policy]], [keys[not prefer_policy]]]},
        idempotency_key=str(uuid.uuid4()),
    )
    return True


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_run_that_people_like_less_and_less_is_stopped_while_its_reward_rises(
    project: Project, judge: Callable[..., None], artifacts: Path
) -> None:
    for number in range(8):
        judge(f"q{number}")
    Task.objects.update(state="paused")
    make_tiny_model(artifacts / "tiny")
    base = register_base_version(name="tiny", folder="tiny")
    people = [make_member(project) for _ in range(project.judgments_per_task)]
    run = start_run(
        project=project, kind="grpo", snapshot=create_snapshot(project=project), base_version=base, overrides=SETTINGS
    )
    over = threading.Event()

    def judge_on() -> None:
        while not over.wait(0.1):
            told = Metric.objects.filter(run=run, values__has_key="human_win_rate").exists()
            for person in people:
                # The first answers please; what brevity makes of them later does not.
                while judge_next(project, person, prefer_policy=not told):
                    pass
        connection.close()

    crowd = threading.Thread(target=judge_on)
    crowd.start()
    try:
        state = supervise_run(run_id=run.pk)
    finally:
        over.set()
        crowd.join()
    run.refresh_from_db()
    assert state == "succeeded", run.log_tail
    assert "people prefer the policy in" in run.result["stopped_by"]
    votes = [row.values for row in run.metrics.filter(values__has_key="human_win_rate")]
    assert votes[0]["human_win_rate"] == 1.0
    assert votes[-1]["human_win_rate"] < 1.0
    assert {values["human_step"] % 3 for values in votes} == {0.0}
    assert all(
        values["human_win_rate_low"] <= values["human_win_rate"] <= values["human_win_rate_high"] for values in votes
    )
    assert Task.objects.filter(origin__startswith=f"run:{run.pk}@").count() >= 2


@pytest.fixture
def watched(make_run: Callable[..., Run], project: Project) -> Run:
    """A run at work whose policy has answered two prompts after its second step."""
    run = make_run(kind="grpo", config={"kind": "grpo", "evaluation": {"people_every_steps": 2}})
    run = claims.claim_run(run_id=run.pk, worker="w") or run
    for name in ("x", "y"):
        prompt = Prompt.objects.create(project=project, external_id=name, messages=[{"role": "user", "content": name}])
        for step, source in ((0, "reference"), (2, "policy")):
            Sample.objects.create(
                run=run, step=step, prompt_id=str(prompt.pk), prompt=prompt.messages, response=f"{name} {source}",
                reward=step if name == "x" else -step, source=source,
            )  # fmt: skip
    return run


def lines(directory: Path) -> list[dict[str, Any]]:
    path = directory / "human_feedback.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_a_line_is_written_once_when_all_have_judged_all(watched: Run, project: Project, tmp_path: Path) -> None:
    people = [make_member(project) for _ in range(project.judgments_per_task)]
    watch = PeopleWatch(watched, tmp_path)
    watch.follow()
    tasks = list(Task.objects.filter(origin=f"run:{watched.pk}@2"))
    assert len(tasks) == 2
    for person in people:
        assert lines(tmp_path) == []
        while judge_next(project, person, prefer_policy=True):
            watch.follow()
    watch.follow()
    low, _ = wilson_interval(2, 2) or (0, 0)
    interval = {"win_rate": 1.0, "low": pytest.approx(low), "high": 1.0}
    said = {"step": 2, **interval, "judgments": 2 * len(people), "comparisons": 2, "reward_accuracy": 0.5}
    assert lines(tmp_path) == [said]
    # Another worker that goes on with the run makes no task twice and says nothing again.
    again = PeopleWatch(watched, tmp_path)
    again.follow()
    again.follow()
    assert lines(tmp_path) == [said]
    assert Task.objects.filter(origin=f"run:{watched.pk}@2").count() == 2


def test_half_of_the_answers_make_no_tasks_yet(watched: Run, tmp_path: Path) -> None:
    watched.samples.filter(source="policy").last().delete()
    PeopleWatch(watched, tmp_path).follow()
    assert not Task.objects.filter(origin__startswith="run:").exists()


def test_a_lost_run_shows_nothing(watched: Run, tmp_path: Path) -> None:
    Run.objects.filter(pk=watched.pk).update(fencing_token=99)
    with pytest.raises(claims.LeaseLost):
        PeopleWatch(watched, tmp_path).follow()
    assert not Task.objects.filter(origin__startswith="run:").exists()


def test_runs_that_ask_nobody_cost_nothing(
    make_run: Callable[..., Run], tmp_path: Path, django_assert_num_queries: Any
) -> None:
    run = make_run(kind="grpo", config={"kind": "grpo", "evaluation": {"people_every_steps": 0}})
    with django_assert_num_queries(0):
        PeopleWatch(run, tmp_path).follow()


def test_each_task_counts_once_and_ties_say_nothing_of_the_reward() -> None:
    judged = [Judged(1, 1.0, 3), Judged(2, 0.25, 2), Judged(3, 0.5, 1), Judged(4, 1.0, 1), Judged(5, 1.0, 1)]
    ours = {1: {"reward": 2.0}, 2: {"reward": 2.0}, 3: {"reward": 9.0}, 4: {"reward": 1.0}, 5: {"reward": None}}
    theirs = {number: {"reward": 1.0} for number in ours}
    # Won with more reward, lost with more reward, a tie, won with equal reward, and one whose reward nobody knows.
    counts = {"judgments": 8, "comparisons": 5}
    # Wilson's interval by hand: (3.75 + z^2/2 -+ z sqrt(3.75 * 0.25 + z^2/4)) / (5 + z^2), z = 1.95996.
    interval = {"win_rate": 0.75, "low": pytest.approx(0.3360, abs=1e-4), "high": pytest.approx(0.9468, abs=1e-4)}
    assert summarise(judged, ours, theirs) == {**interval, **counts, "reward_accuracy": 0.5}
    assert summarise([Judged(3, 0.5, 1)], ours, theirs)["reward_accuracy"] is None


def test_a_project_that_ranks_nothing_is_told_so(base_model: Any, artifacts: Path) -> None:
    scoring = make_project(kind="scalar")
    snapshot = Snapshot.objects.create(project=scoring, number=1, path="x", sha256="0" * 64, manifest={})
    with pytest.raises(
        ApplicationError, match=r"evaluation\.people_every_steps: people of this project compare"
    ) as found:
        start_run(project=scoring, kind="grpo", snapshot=snapshot, overrides=SETTINGS)
    assert found.value.code == "invalid_config"
