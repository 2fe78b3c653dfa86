"""Pages of models and runs: they work, and refuse whom they should."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from annotation.models import Project, Task
from trainingruns.models import Metric, ModelVersion, Run, Sample
from trainingruns.services.snapshots import create_snapshot
from trainingruns.web.forms import PURPOSES

MakeRun = Callable[..., Run]


def addresses(run: Run, version: ModelVersion) -> list[str]:
    return [f"/projects/{run.project.slug}/models/", f"/runs/{run.pk}/", f"/runs/{run.pk}/live/"]


def test_outsiders_find_nothing_and_annotators_may_not(
    make_run: MakeRun, base_model: ModelVersion, signed_in: Callable[[str | None], Client]
) -> None:
    outsider, annotator, reviewer = signed_in(None), signed_in("annotator"), signed_in("reviewer")
    for address in addresses(make_run(), base_model):
        assert outsider.get(address).status_code == 404, address
        assert annotator.get(address).status_code == 403, address
        assert reviewer.get(address).status_code == 200, address
        assert Client().get(address).status_code == 302, address


def test_the_run_page_shows_curves_samples_and_reason(
    make_run: MakeRun, signed_in: Callable[[str | None], Client]
) -> None:
    run = make_run(kind="grpo", state="failed", reason="Diverged: the loss is not finite", step=3, total_steps=9)
    now = timezone.now()
    Metric.objects.bulk_create(
        Metric(run=run, step=step, at=now, values={"reward": step / 10, "kl_sequence": None if step == 2 else 0.5})
        for step in range(1, 4)
    )
    for source in ("reference", "policy"):
        Sample.objects.create(
            run=run,
            step=0,
            prompt_id="1",
            prompt=[{"role": "user", "content": "hi"}],
            response="<script>x</script>",
            reward=0.5,
            source=source,
        )
    page = signed_in("reviewer").get(f"/runs/{run.pk}/").content.decode()
    assert "Diverged: the loss is not finite" in page
    assert 'class="line"' in page and "KL to the reference" in page
    assert "Same prompt, before and after" in page
    assert "<script>x" not in page and "&lt;script&gt;x" in page
    assert "hx-trigger" not in page.split('id="run-live"')[1].split(">")[0]


def test_the_moving_part_is_sent_again_only_when_something_moved(
    make_run: MakeRun, signed_in: Callable[[str | None], Client]
) -> None:
    run, client = make_run(state="running"), signed_in("reviewer")
    seen = client.get(f"/runs/{run.pk}/live/").context["seen"]
    assert client.get(f"/runs/{run.pk}/live/?seen={seen}").status_code == 204
    Run.objects.filter(pk=run.pk).update(step=2)
    assert client.get(f"/runs/{run.pk}/live/?seen={seen}").status_code == 200


def test_a_manager_stops_a_run_and_a_reviewer_may_not(
    make_run: MakeRun, signed_in: Callable[[str | None], Client]
) -> None:
    run = make_run(state="running")
    assert signed_in("reviewer").post(f"/runs/{run.pk}/stop/", {"keep": "yes"}).status_code == 403
    manager = signed_in("manager")
    assert manager.get(f"/runs/{run.pk}/stop/").status_code == 405
    assert manager.post(f"/runs/{run.pk}/stop/", {"keep": "yes"}).status_code == 302
    run.refresh_from_db()
    assert run.cancel_requested_at is not None and run.cancel_keeps_checkpoint


def test_the_form_names_an_unknown_key_and_starts_nothing(
    project: Project, base_model: ModelVersion, judge: Callable[..., None], signed_in: Callable[[str | None], Client]
) -> None:
    for number in range(4):
        judge(f"q{number}")
    snapshot = create_snapshot(project=project, eval_share=0.4)
    client = signed_in("manager")
    form = {"kind": "reward", "snapshot": snapshot.pk, "overrides": "training.epoch=3"}
    answer = client.post("/projects/p/models/", form)
    assert answer.status_code == 400
    assert "training.epoch: unknown key" in answer.content.decode()
    assert not Run.objects.exists()
    answer = client.post("/projects/p/models/", {**form, "overrides": "training.epochs=3"})
    assert answer.status_code == 302
    assert Run.objects.get().config["training"]["epochs"] == 3


def test_snapshots_are_made_on_the_data_page(
    project: Project, judge: Callable[..., None], artifacts: object, signed_in: Callable[[str | None], Client]
) -> None:
    judge("q1"), judge("q2")
    manager = signed_in("manager")
    assert manager.post("/projects/p/snapshots/", {"view": "majority", "eval_share": 0.4, "seed": 0}).status_code == 302
    assert "1" in manager.get("/projects/p/snapshots/").content.decode()
    assert project.snapshots.count() == 1
    assert signed_in("reviewer").get("/projects/p/snapshots/").status_code == 403


def test_a_version_page_shows_its_lineage(
    base_model: ModelVersion, project: Project, signed_in: Callable[[str | None], Client]
) -> None:
    version = ModelVersion.objects.create(
        project=project, kind="policy", name="p-policy", number=1, parent=base_model, artifact="runs/1/model"
    )
    page = signed_in("manager").get(f"/models/{version.pk}/").content.decode()
    assert "base v1" in page and "Promote" in page
    assert signed_in(None).get(f"/models/{version.pk}/").status_code == 404


def test_what_the_brakes_saw_is_told_newest_first(make_run: MakeRun, signed_in: Callable[[str | None], Client]) -> None:
    warnings = [
        {"step": 3, "brake": "flat", "action": "warn", "sentence": "62% of groups all fail: prompts too hard."},
        {"step": 5, "brake": "kl", "action": "pause", "sentence": "KL is 21 nats, above the budget of 20."},
    ]
    run = make_run(kind="grpo", state="cancelled", checkpoint_step=5, step=5, status={"warnings": warnings})
    page = signed_in("manager").get(f"/runs/{run.pk}/").content.decode()
    assert page.index("KL is 21 nats") < page.index("62% of groups")
    assert "Paused by its brakes" in page and "checkpoint of step 5 is kept" in page
    assert f'action="/runs/{run.pk}/resume/"' in page
    assert "resume" not in signed_in("reviewer").get(f"/runs/{run.pk}/").content.decode()


def test_a_run_that_its_brakes_ended_says_so_and_shows_its_outcome(
    make_run: MakeRun, signed_in: Callable[[str | None], Client]
) -> None:
    share = {"value": 0.75, "low": 0.5, "high": 0.9, "n": 8}
    result = {
        "stopped_by": "Reward rises while people's win rate falls.",
        "reward_gain": {"value": 0.5, "low": 0.1, "high": 0.9, "n": 8},
        "win_rate_reference": share,
        "win_rate_by": "model",
        "accuracy": {"number": {"policy": {"1": share}, "reference": {"1": share}, "gain_over_reference": share}},
    }
    run = make_run(kind="ppo", state="succeeded", step=9, result=result)
    page = signed_in("reviewer").get(f"/runs/{run.pk}/").content.decode()
    for words in ("Ended early by its brakes", "people&#x27;s win rate falls", "+0.50", "leaves chance out",
                  "Beats the reference, by the reward model", "75.0% (50.0% to 90.0%)", "pass@1"):  # fmt: skip
        assert words in page, words


def test_useless_prompts_lead_to_their_tasks(
    make_run: MakeRun, judge: Callable[..., None], artifacts: Path, signed_in: Callable[[str | None], Client]
) -> None:
    judge("q1", question="What is too hard?")
    task = Task.objects.get()
    run = make_run(kind="dapo", state="succeeded", result={"prompts": {"asked": 2, "too_hard": 1, "too_easy": 0}})
    rows = [
        {"prompt_id": str(task.prompt_id), "groups": 2, "completions": 16, "all_low": 2, "all_high": 0,
         "reward_mean": -1.0, "verdict": "too_hard"},
        {"prompt_id": "999999", "groups": 1, "completions": 8, "all_low": 0, "all_high": 0,
         "reward_mean": 0.5, "verdict": ""},
    ]  # fmt: skip
    folder = artifacts / "runs" / str(run.pk)
    folder.mkdir(parents=True)
    (folder / "prompts_report.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    page = signed_in("reviewer").get(f"/runs/{run.pk}/").content.decode()
    assert f'<a href="/projects/p/tasks/{task.pk}/" dir="auto">What is too hard?</a>' in page
    assert "too hard</span>" in page and "999999" not in page


def test_the_words_on_metrics_are_a_page(signed_in: Callable[[str | None], Client]) -> None:
    page = signed_in(None).get("/help/metrics/").content.decode()
    assert 'id="policy-runs.kl_sequence"' in page
    assert "<code>reward_std</code>" in page
    assert Client().get("/help/metrics/").status_code == 302


def test_every_kind_has_a_button_with_a_sentence(
    project: Project, base_model: ModelVersion, judge: Callable[..., None], signed_in: Callable[[str | None], Client]
) -> None:
    judge("q1"), judge("q2")
    snapshot = create_snapshot(project=project, eval_share=0.4)
    client = signed_in("manager")
    page = client.get("/projects/p/models/").content.decode()
    for kind, sentence in PURPOSES.items():
        assert f'value="{kind}"' in page and escape(sentence) in page
    answer = client.post("/projects/p/models/", {"kind": "ppo", "snapshot": snapshot.pk, "overrides": "critic.pases=2"})
    assert answer.status_code == 400
    assert "critic.pases: unknown key" in str(answer.context["form"].errors["overrides"])


def test_further_reward_models_are_asked_for_only_where_there_is_one(
    project: Project, base_model: ModelVersion, judge: Callable[..., None], signed_in: Callable[[str | None], Client]
) -> None:
    judge("q1"), judge("q2")
    create_snapshot(project=project, eval_share=0.4)
    manager = signed_in("manager")
    page = manager.get("/projects/p/models/").content.decode()
    assert ("Further reward models" in page, "none yet" in page) == (False, True)
    ModelVersion.objects.create(project=project, kind="reward", name="r", number=1, artifact="r")
    page = manager.get("/projects/p/models/").content.decode()
    assert ("Further reward models" in page, "none yet" in page) == (True, False)


def test_the_form_names_the_models_that_are_taken_when_nobody_chooses(
    project: Project, base_model: ModelVersion, judge: Callable[..., None], signed_in: Callable[[str | None], Client]
) -> None:
    judge("q1"), judge("q2")
    create_snapshot(project=project, eval_share=0.4)
    manager = signed_in("manager")

    def defaults() -> list[str]:
        form = manager.get("/projects/p/models/").context["form"]
        return [form.fields[name].empty_label for name in ("base_version", "reward_version")]

    assert defaults() == ["the default: base v1", "none yet"]
    ModelVersion.objects.create(kind="reward", name="outside", number=1, artifact="base")
    assert defaults()[1] == "no default: choose one"
    # Two of them, of which the newest is taken.
    base_model.pk, base_model.name = None, "other"
    base_model.save()
    made = [
        ModelVersion.objects.create(project=project, kind=kind, name=name, number=1, artifact="base")
        for kind, name in (("reward", "r"), ("policy", "p"))
    ]
    assert defaults() == ["the default: other v1", "the newest: r v1 (none with people's scores)"]
    ModelVersion.objects.filter(pk__in=[each.pk for each in made]).update(stage="champion")
    assert defaults() == [
        "the default: p v1; a reward model from other v1",
        "the champion: r v1 (none with people's scores)",
    ]


@pytest.mark.parametrize(
    ("fields", "is_told"),
    [
        ({"state": "running"}, True),
        ({"state": "succeeded"}, False),
        ({"state": "succeeded", "config": {"checkpoint": {"keep_when_done": False}}}, False),
        ({"state": "succeeded", "config": {"checkpoint": {"keep_when_done": True}}}, True),
        ({"state": "cancelled"}, True),
        ({"state": "cancelled", "cancel_keeps_checkpoint": False}, False),
        ({"state": "failed"}, True),
    ],
)
def test_a_checkpoint_is_told_of_only_while_it_is_there(
    make_run: MakeRun, signed_in: Callable[[str | None], Client], fields: dict[str, Any], is_told: bool
) -> None:
    run = make_run(**{"kind": "sft", "step": 9, "total_steps": 9, "checkpoint_step": 8, "config": {}, **fields})
    Metric.objects.create(run=run, step=8, at=timezone.now(), values={"loss": 1.0})
    page = signed_in("reviewer").get(f"/runs/{run.pk}/").content.decode()
    assert ("checkpoint of step 8, " in page) is is_told


def test_registry_and_runs_are_told_a_page_at_a_time(
    make_run: MakeRun, project: Project, base_model: ModelVersion, signed_in: Callable[[str | None], Client]
) -> None:
    versions = ModelVersion.objects.bulk_create(
        ModelVersion(
            kind="policy", name="p-policy", number=number, artifact="base", project=project,
            stage="champion" if number == 1 else "candidate",
        )
        for number in range(1, 121)
    )  # fmt: skip
    runs = [make_run() for _ in range(22)]
    reviewer = signed_in("reviewer")

    def shown(**query: object) -> tuple[list[str], list[str], str]:
        page = reviewer.get("/projects/p/models/", query).content.decode()
        registry, _, rest = page.split('id="registry"')[1].partition('id="runs"')
        rows = r'row"><a href="/{}/(\d+)/'
        return re.findall(rows.format("models"), registry), re.findall(rows.format("runs"), rest), page

    listed, ran, page = shown()
    assert listed == [str(each.pk) for each in reversed(versions[100:])]
    assert ran == [str(each.pk) for each in reversed(runs[2:])]
    assert f'Champion: <a href="/models/{versions[0].pk}/">p-policy v1</a>.' in page
    assert "Newest" not in page
    assert f"versions_before={versions[100].pk}#registry" in page and f"runs_before={runs[2].pk}#runs" in page
    listed, ran, page = shown(versions_before=versions[15].pk, runs_before=runs[2].pk)
    assert listed == [str(each.pk) for each in [*reversed(versions[:15]), base_model]]
    assert ran == [str(runs[1].pk), str(runs[0].pk)]
    assert f'href="?runs_before={runs[2].pk}#registry">Newest' in page and "Older" not in page
    assert shown(versions_before="x", runs_before="9" * 30)[:2] == shown()[:2]
    assert shown(versions_before=1, runs_before=1)[:2] == ([], [])
