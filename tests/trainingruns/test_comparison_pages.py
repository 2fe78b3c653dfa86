"""Rivals on the pages: the form of a run, the form of a model version, verdicts, and the curve with its band."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.utils import timezone

from annotation.models import Project, Prompt, Task, User
from tests.trainingruns.rivals import answer_all, follow, rank
from trainingruns.models import Metric, ModelVersion, Run, Snapshot
from trainingruns.services.snapshots import create_snapshot

SignIn = Callable[[str | None], Client]
MakePolicy = Callable[..., ModelVersion]


@pytest.fixture
def snapshot(project: Project, base_model: ModelVersion, judge: Callable[..., None]) -> Snapshot:
    for number in range(4):
        judge(f"j{number}")
    return create_snapshot(project=project, eval_share=0.4)


@pytest.mark.parametrize(
    ("sent", "purpose"),
    [
        ({"serve": "on", "against": "both"}, {"then": "serve_blind_tasks", "against": "both"}),
        ({"serve": "on", "against": "reference"}, {"then": "serve_blind_tasks", "against": "reference"}),
        ({"serve": "on"}, {"then": "serve_blind_tasks", "against": "champion"}),
        ({"against": "both"}, {}),
        ({"serve": "on", "against": "both", "kind": "sample"}, {"then": "make_ranking_tasks"}),
    ],
)
def test_the_form_of_a_run_says_whom_it_is_compared_with(
    sent: dict[str, str], purpose: dict[str, str], snapshot: Snapshot, signed_in: SignIn
) -> None:  # fmt: skip
    form = {"kind": "grpo", "snapshot": snapshot.pk, "overrides": "reward.brevity_weight=1", **sent}
    if sent.get("kind") == "sample":
        form["overrides"] = ""
    answer = signed_in("manager").post("/projects/p/models/", form)
    assert answer.status_code == 302
    assert Run.objects.get().purpose == purpose


def test_another_word_is_refused_at_its_field(snapshot: Snapshot, signed_in: SignIn) -> None:
    form = {"kind": "grpo", "snapshot": snapshot.pk, "serve": "on", "against": "everybody"}
    answer = signed_in("manager").post("/projects/p/models/", form)
    assert answer.status_code == 400
    assert "everybody is not one of the available choices" in str(answer.context["form"].errors["against"])
    assert not Run.objects.exists()


def test_the_command_run_takes_rivals(snapshot: Snapshot) -> None:
    words = ["run", "grpo", "--snapshot", str(snapshot.pk), "--set", "reward.brevity_weight=1"]
    call_command(*words, "--serve", "--against", "both", stdout=StringIO())
    assert Run.objects.get().purpose == {"then": "serve_blind_tasks", "against": "both"}
    with pytest.raises(CommandError, match="--against: nobody compares its responses unless they are served"):
        call_command(*words, "--against", "both")
    with pytest.raises(CommandError, match="invalid choice: 'all'"):
        call_command(*words, "--serve", "--against", "all")
    with pytest.raises(CommandError, match="only a run that makes a policy has rivals"):
        call_command("run", "reward", "--snapshot", str(snapshot.pk), "--serve", "--against", "both")
    assert Run.objects.count() == 1


def test_a_manager_compares_on_the_page_of_a_version(
    champion: ModelVersion, base_model: ModelVersion, prompts: list[Prompt],
    make_policy: MakePolicy, signed_in: SignIn,
) -> None:  # fmt: skip
    version = make_policy(2)
    manager, reviewer = signed_in("manager"), signed_in("reviewer")
    page = manager.get(f"/models/{version.pk}/").content.decode()
    marks = (">p-policy v1 (the champion)<", ">base v1 (the reference)<")
    assert page.index(marks[0]) < page.index(marks[1])
    assert 'name="responses" value="50"' in page
    assert "Put it before people" not in reviewer.get(f"/models/{version.pk}/").content.decode()
    address, form = f"/models/{version.pk}/compare/", {"against": base_model.pk, "responses": 3}
    assert reviewer.post(address, form).status_code == 403
    assert manager.get(address).status_code == 405
    sent = manager.post(address, form)
    run = Run.objects.get(kind="sample")
    assert sent.headers["Location"] == f"/runs/{run.pk}/" == manager.post(address, form).headers["Location"]
    assert (run.base_version, run.rival_version_ids) == (version, [base_model.pk])


def test_faults_of_a_comparison_stand_at_their_fields(
    champion: ModelVersion, base_model: ModelVersion, prompts: list[Prompt],
    make_policy: MakePolicy, signed_in: SignIn,
) -> None:  # fmt: skip
    version, archived = make_policy(2), make_policy(3, stage="archived")
    other = make_policy(1, name="other", project=Project.objects.create(slug="other", name="O", kind="ranking"))
    manager, address = signed_in("manager"), f"/models/{version.pk}/compare/"
    for rival in (archived, version, other):
        sent = manager.post(address, {"against": rival.pk, "responses": 3})
        assert (sent.status_code, list(sent.context["comparison"].errors)) == (400, ["against"])
    sent = manager.post(address, {"against": base_model.pk, "responses": 0})
    assert list(sent.context["comparison"].errors) == ["responses"]
    assert "greater than or equal to 1" in sent.content.decode()
    assert not Run.objects.filter(kind="sample").exists()


def test_a_project_that_does_not_rank_compares_nothing(
    champion: ModelVersion, base_model: ModelVersion, project: Project, signed_in: SignIn
) -> None:  # fmt: skip
    Project.objects.filter(pk=project.pk).update(kind="scalar")
    manager = signed_in("manager")
    assert "Put it before people" not in manager.get(f"/models/{champion.pk}/").content.decode()
    sent = manager.post(f"/models/{champion.pk}/compare/", {"against": base_model.pk, "responses": 3}, follow=True)
    assert "score single responses and rank none" in sent.content.decode()
    sent = manager.post(f"/models/{base_model.pk}/compare/", {"against": champion.pk, "responses": 3}, follow=True)
    assert "is a base model and belongs to no project" in sent.content.decode()


def test_both_verdicts_stand_on_the_pages_of_the_run_and_of_its_policy(
    champion: ModelVersion, prompts: list[Prompt], make_policy: MakePolicy, artifacts: Path,
    signed_in: SignIn,
) -> None:  # fmt: skip
    version = make_policy(2, purpose={"against": "both"})
    sampling = follow(version)
    answer_all(artifacts)
    reviewer = signed_in("reviewer")
    page = reviewer.get(f"/models/{version.pk}/").content.decode()
    assert "3 blind tasks against the reference, <a" in page and "3 blind tasks against the champion, <a" in page
    person = User.objects.create(username="judge")
    for task in Task.objects.all():
        rank(task, person, wins="p-policy/2")
    for address in (f"/models/{version.pk}/", f"/runs/{version.run_id}/"):
        page = reviewer.get(address).content.decode()
        reference = "Preferred by people over the reference, base v1"
        assert page.index(reference) < page.index("Preferred by people over the champion, p-policy v1")
        assert page.count("100.0% (43.9% to 100.0%)") == 2
        assert f'?origin=run%3A{sampling.pk}%3A{champion.pk}">' in page
    listed = reviewer.get(f"/projects/p/tasks/?origin=run%3A{sampling.pk}%3A{champion.pk}")
    assert listed.status_code == 200 and "3" in listed.content.decode()


def test_the_curve_of_what_people_prefer_has_a_band_and_its_table_the_interval(
    make_run: Callable[..., Run], signed_in: SignIn
) -> None:  # fmt: skip
    run = make_run(kind="grpo", state="succeeded", step=60)
    told = {20: (0.5, 0.25, 0.75), 40: (0.625, 0.375, 0.8125), 60: (0.6875, 0.4375, 0.875)}
    for step, (rate, low, high) in told.items():
        values = {"human_win_rate": rate, "human_win_rate_low": low, "human_win_rate_high": high, "reward": 1.0}
        Metric.objects.create(run=run, step=step, at=timezone.now(), values=values)
    page = signed_in("reviewer").get(f"/runs/{run.pk}/").content.decode()
    assert page.count('class="band"') == 1
    assert "Preferred by people with its interval from 0.25 to 0.875, now 0.688 (0.438 to 0.875)" in page
    assert '<td>40</td><td class="num">0.625</td><td class="num">0.375 to 0.8125</td>' in page
    assert page.count("95% interval</th>") == 1
    # A run of the time before there were intervals.
    Metric.objects.update(values={"human_win_rate": 0.5})
    page = Client.get(signed_in("manager"), f"/runs/{run.pk}/").content.decode()
    assert 'class="band"' not in page and "95% interval</th>" not in page and "Preferred by people" in page
