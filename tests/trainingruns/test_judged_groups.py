"""A sample run's responses come back from people as groups that a policy can learn from."""

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from annotation.exceptions import ApplicationError
from annotation.models import Project, Prompt
from rltrainer.judged_records import read_judged_groups
from trainingruns.models import Run
from trainingruns.run_directory import prepare_run_directory
from trainingruns.services.runs import start_run
from trainingruns.services.snapshots import create_snapshot

Judge = Callable[..., None]


def _respond(artifacts: Path, run: Run, project: Project, **lines: list[str]) -> None:
    """Write the run's responses: texts by the prompt's external id."""
    folder = artifacts / f"runs/{run.pk}"
    folder.mkdir(parents=True)
    rows = [
        {
            "prompt_id": str(Prompt.objects.get(project=project, external_id=name).pk), "sample": sample, "text": text,
            "tokens": 2, "finish_reason": "stop", "seed": sample, "token_ids": [sample, 2], "log_probs": [-0.5, -0.25],
        }
        for name, texts in lines.items()
        for sample, text in enumerate(texts)
    ]  # fmt: skip
    (folder / "responses.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def _call(run: Run, out: Path, *arguments: str) -> dict[str, Any]:
    printed = StringIO()
    call_command("judged_groups", str(run.pk), "--out", str(out), "--json", *arguments, stdout=printed)
    return dict(json.loads(printed.getvalue()))


def test_what_people_said_comes_back_with_what_was_sampled(
    project: Project, judge: Judge, make_run: Callable[..., Run], artifacts: Path, tmp_path: Path
) -> None:
    judge("one", good=3, bad=1)
    judge("two", good=0, bad=0, tie=2)
    judge("three", good=2)
    config = {"schema": 1, "kind": "sample", "seed": 0, "sampling": {"temperature": 0.7}}
    run = make_run(config=config)
    _respond(
        artifacts, run, project, one=["No.", "A kind answer to one. "], two=["No.", "A kind answer to two."],
        three=["No.", "Never shown."], q=["a", "b"],
    )  # fmt: skip
    out = tmp_path / "groups.jsonl"
    assert _call(run, out) == {"groups": 2, "left_out": {"partly_judged": 1, "not_judged": 1}}
    one, two = read_judged_groups(out)
    assert (one.prompt.prompt, one.temperature) == (({"role": "user", "content": "Question one?"},), 0.7)
    assert [(each.token_ids, each.score) for each in one.completions] == [((0, 2), -0.5), ((1, 2), 0.5)]
    assert [each.score for each in two.completions] == [0.0, 0.0]


@pytest.mark.parametrize("kind", ["grpo", "reward"])
def test_other_runs_have_no_groups(make_run: Callable[..., Run], tmp_path: Path, kind: str) -> None:
    with pytest.raises(CommandError, match="is no sample run"):
        _call(make_run(kind=kind), tmp_path / "groups.jsonl")


def test_what_is_missing_is_told(
    project: Project, judge: Judge, make_run: Callable[..., Run], artifacts: Path, tmp_path: Path
) -> None:
    out = tmp_path / "groups.jsonl"
    with pytest.raises(CommandError, match="There is no run 0"):
        call_command("judged_groups", "0", "--out", str(out))
    run = make_run()
    with pytest.raises(CommandError, match="has no responses yet"):
        _call(run, out)
    _respond(artifacts, run, project, q=["a", "b"])
    with pytest.raises(CommandError, match="have not judged all responses"):
        _call(run, out)
    judge("one")
    bare = make_run(config={"kind": "sample", "sampling": {}})
    _respond(artifacts, bare, project, one=["No.", "A kind answer to one."])
    path = artifacts / f"runs/{bare.pk}/responses.jsonl"
    path.write_text(path.read_text().replace('"log_probs"', '"lengths"'))
    with pytest.raises(CommandError, match=r"sampled without log-probs; sample with sampling\.keep_log_probs"):
        _call(bare, out)
    assert not out.exists()


def _sample_run(make_run: Callable[..., Run], **sampling: Any) -> Run:
    settings = {"responses_per_prompt": 2, "temperature": 0.7, "max_new_tokens": 40, **sampling}
    return make_run(config={"kind": "sample", "sampling": settings})


def test_a_policy_run_learns_from_what_people_said(
    project: Project, judge: Judge, make_run: Callable[..., Run], artifacts: Path
) -> None:
    judge("one")
    judge("two")
    sample = _sample_run(make_run)
    _respond(artifacts, sample, project, one=["No.", "A kind answer to one."], two=["No.", "A kind answer to two."])
    snapshot = create_snapshot(project=project)
    printed = StringIO()
    call_command("run", "grpo", "--snapshot", str(snapshot.pk), "--groups", str(sample.pk), "--json", stdout=printed)
    run = Run.objects.get(pk=json.loads(printed.getvalue())["id"])
    assert run.config["rollout"].items() >= {
        "source": "judged", "group_size": 2, "temperature": 0.7, "max_new_tokens": 40,
    }.items()  # fmt: skip
    directory = prepare_run_directory(run)
    groups = read_judged_groups(directory / "data/groups.jsonl")
    assert [[each.score for each in group.completions] for group in groups] == [[-1.0, 1.0]] * 2
    # What the run learns from was frozen: nothing is asked again when it resumes.
    (artifacts / f"runs/{sample.pk}/responses.jsonl").unlink()
    assert read_judged_groups(prepare_run_directory(run) / "data/groups.jsonl") == groups


@pytest.mark.parametrize(
    ("overrides", "purpose", "fault"),
    [
        (["rollout.source=judged"], {}, "belong together"),
        (["reward.brevity_weight=1"], {"groups_of": 1}, "belong together"),
        (["rollout.source=judged"], {"groups_of": 0}, "has no run 0"),
    ],
)
def test_people_and_their_groups_belong_together(
    project: Project, judge: Judge, base_model: Any, overrides: list[str], purpose: dict[str, Any], fault: str
) -> None:
    judge("one")
    judge("two")
    snapshot = create_snapshot(project=project)
    with pytest.raises(ApplicationError, match=fault):
        start_run(project=project, kind="grpo", snapshot=snapshot, overrides=overrides, purpose=purpose)


def test_nobody_has_judged_yet(project: Project, judge: Judge, make_run: Callable[..., Run], artifacts: Path) -> None:
    judge("one")
    judge("two")
    sample = _sample_run(make_run)
    _respond(artifacts, sample, project, q=["a", "b"])
    with pytest.raises(CommandError, match="have not judged all responses"):
        call_command("run", "grpo", "--snapshot", str(create_snapshot(project=project).pk), "--groups", str(sample.pk))
    with pytest.raises(CommandError, match="There is no sample run 0"):
        call_command("run", "grpo", "--project", "p", "--groups", "0")
