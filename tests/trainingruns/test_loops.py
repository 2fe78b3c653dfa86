"""Standing orders, the demo, the registry's champions, and commands."""

import json
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from annotation.exceptions import ApplicationError, Conflict, NotFound, NotPermitted
from annotation.models import AuditEvent, Membership, Project, Prompt, Task, User
from tests.trainingruns.conftest import fake_command
from trainingruns.jobs import evaluate_loops
from trainingruns.models import Loop, ModelVersion, Run
from trainingruns.services import registry
from trainingruns.services.demo import load_demo
from trainingruns.services.loops import gate_record, set_loop
from trainingruns.services.runs import cancel_run, start_run
from trainingruns.services.snapshots import create_snapshot
from trainingruns.supervisor import supervise_run

Judge = Callable[..., None]


@pytest.fixture
def manager(project: Project) -> User:
    user = User.objects.create(username="alice")
    Membership.objects.create(project=project, user=user, role="manager")
    return user


def verdict(project: Project) -> str:
    evaluate_loops()
    return Loop.objects.get(project=project).last_verdict


def test_the_order_waits_for_judgments_then_agreement_then_starts_once(
    project: Project, manager: User, judge: Judge, base_model: ModelVersion
) -> None:
    set_loop(project=project, actor=manager, is_enabled=True, min_new_judgments=8)
    judge("q0")
    assert "2 new ones of 8" in verdict(project)
    for number in range(1, 4):
        judge(f"q{number}", good=1, bad=1)
    assert "below the gate" in verdict(project) or "undefined" in verdict(project)
    Project.objects.filter(pk=project.pk).update(agreement_gate=-1)
    for number in range(4, 8):
        judge(f"q{number}", good=2 if number % 2 else 0, bad=0 if number % 2 else 2)
    assert "Started" in verdict(project)
    run = Run.objects.get()
    assert run.kind == "reward" and run.purpose == {"by": "loop"}
    assert "Waiting for" in verdict(project)
    assert Run.objects.count() == 1


def test_the_gate_reads_the_alpha_that_pages_show() -> None:
    rows = [
        {"criterion": "preference", "statistic": "pairwise_agreement", "level": "ordinal"},
        {"criterion": "preference", "statistic": "krippendorff_alpha", "level": "nominal"},
        {"criterion": "preference", "statistic": "krippendorff_alpha", "level": "ordinal"},
        {"criterion": "tone", "statistic": "krippendorff_alpha", "level": "ordinal"},
        {"criterion": "tone", "statistic": "krippendorff_alpha", "level": "interval"},
    ]
    assert gate_record(rows, "") == rows[2]
    assert gate_record(rows, "tone") == rows[4]
    assert gate_record(rows, "style") is None


def test_only_managers_set_an_order_and_unknown_fields_are_named(project: Project, manager: User) -> None:
    with pytest.raises(NotFound):
        set_loop(project=project, actor=User.objects.create(username="oscar"), is_enabled=True)
    with pytest.raises(ApplicationError, match="speed"):
        set_loop(project=project, actor=manager, speed=1)


def test_an_unknown_key_of_a_config_is_refused_when_the_order_is_given(project: Project, manager: User) -> None:
    for name in ("reward_config", "policy_config"):
        with pytest.raises(ApplicationError, match="speed: unknown key") as caught:
            set_loop(project=project, actor=manager, **{name: {"speed": 1}})
        assert caught.value.code == "invalid_config"
    assert not Loop.objects.exists()
    set_loop(project=project, actor=manager, reward_config={"seed": 3}, policy_config={"seed": 2})


def test_one_champion_a_name_and_the_old_one_steps_back(project: Project, manager: User) -> None:
    first, second = (
        registry.register_version(kind="policy", name="p", artifact="x", sha256=str(n), project=project) for n in "12"
    )
    assert (first.number, second.number) == (1, 2)
    registry.promote(version=first, actor=manager)
    registry.promote(version=second, actor=manager)
    first.refresh_from_db()
    assert (first.stage, second.stage) == ("candidate", "champion")
    with pytest.raises(Conflict):
        registry.archive(version=second, actor=manager)
    with pytest.raises(IntegrityError), transaction.atomic():
        ModelVersion.objects.filter(pk=first.pk).update(stage="champion")
    assert AuditEvent.objects.filter(action="promote_version").count() == 2


def test_annotators_promote_nothing(project: Project) -> None:
    version = registry.register_version(kind="policy", name="p", artifact="x", sha256="1", project=project)
    bob = User.objects.create(username="bob")
    Membership.objects.create(project=project, user=bob, role="annotator")
    with pytest.raises(NotPermitted):
        registry.promote(version=version, actor=bob)


def test_a_folder_that_is_no_model_is_refused(artifacts: Any, db: Any) -> None:
    with pytest.raises(ApplicationError, match="no model folder"):
        registry.register_base_version(name="x", folder=str(artifacts))


def test_a_waiting_run_is_cancelled_at_once(make_run: Callable[..., Run], manager: User) -> None:
    run = cancel_run(run=make_run(), actor=manager)
    assert run.state == "cancelled" and "alice" in run.reason
    assert supervise_run(run_id=run.pk, build_command=fake_command()) is None


def test_a_run_without_a_snapshot_or_with_an_empty_one_is_refused(
    project: Project, base_model: ModelVersion, judge: Judge
) -> None:
    with pytest.raises(ApplicationError, match="needs a snapshot"):
        start_run(project=project, kind="reward")
    judge("q1")
    with pytest.raises(ApplicationError, match="0 held out"):
        start_run(project=project, kind="reward", snapshot=create_snapshot(project=project))
    with pytest.raises(ApplicationError, match="has 1 prompts; a policy run needs at least 2"):
        start_run(project=project, kind="grpo", snapshot=create_snapshot(project=project))
    assert not Run.objects.exists()


def test_the_demo_is_loaded_once(artifacts: Any, db: Any) -> None:
    project, run = load_demo()
    assert run is not None and (run.kind, run.state) == ("fetch", "queued")
    again, same = load_demo()
    assert (again.pk, same) == (project.pk, run)
    assert Prompt.objects.filter(project=project).count() >= 40
    assert Membership.objects.get(project=project, role="manager").user.username == "manager"
    assert not User.objects.get(username="manager").has_usable_password()


def test_demo_tasks_appear_while_the_answers_come_in(base_model: ModelVersion, artifacts: Any) -> None:
    ModelVersion.objects.filter(pk=base_model.pk).update(name="smollm2-135m-instruct")
    project, run = load_demo()
    assert run is not None and run.kind == "sample"
    prompt_ids = run.purpose["prompt_ids"]
    lines = [
        {"prompt_id": str(prompt_id), "sample": sample, "text": f"text {sample} \0"}
        for prompt_id in prompt_ids[:2]
        for sample in range(4)
    ]
    # The second prompt still waits for its last response.
    answers = "".join(json.dumps(line) + "\n" for line in lines[:7])
    script = f"import os; open('responses.jsonl', 'w').write({answers!r}); raise SystemExit(3)"
    supervise_run(
        run_id=run.pk,
        build_command=lambda run, directory: ["sh", "-c", f'cd {directory} && exec python3 -c "$0"', script],
    )
    task = Task.objects.get(project=project)
    assert task.prompt_id == prompt_ids[0] and task.task_responses.count() == 4
    assert task.slots.count() == project.judgments_per_task


def test_commands_print_json_and_name_what_is_wrong(project: Project, judge: Judge, base_model: ModelVersion) -> None:
    judge("q1"), judge("q2")
    out = StringIO()
    call_command("snapshot", "p", "--eval-share", "0.5", "--json", stdout=out)
    snapshot = json.loads(out.getvalue())
    assert set(snapshot["counts"].values()) == {1}
    assert {"train_pairs", "eval_pairs", "train_prompts", "eval_prompts", "train_examples"} <= set(snapshot["counts"])
    with pytest.raises(CommandError, match=r"optimizer\.rate: unknown key"):
        call_command("run", "reward", "--snapshot", str(snapshot["id"]), "--set", "optimizer.rate=1")
    with pytest.raises(CommandError, match="no model version 'nobody/1'"):
        call_command("lineage", "nobody/1")
    with pytest.raises(CommandError, match="no project 'q'"):
        call_command("snapshot", "q")
    out = StringIO()
    call_command("lineage", "base", "--json", stdout=out)
    assert json.loads(out.getvalue())["sha256"] == base_model.sha256
