"""Pages of models and runs: they work, and refuse whom they should."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from annotation.models import Membership, Project, User
from trainingruns.models import Metric, ModelVersion, Run, Sample
from trainingruns.services.snapshots import create_snapshot

MakeRun = Callable[..., Run]


@pytest.fixture
def signed_in(project: Project) -> Callable[[str | None], Client]:
    def sign_in(role: str | None) -> Client:
        user = User.objects.create(username=f"user-{role}")
        if role is not None:
            Membership.objects.create(project=project, user=user, role=role)
        client = Client()
        client.force_login(user)
        return client

    return sign_in


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
    run = make_run(kind="grpo", state="failed", reason="diverged: the loss is not finite", step=3, total_steps=9)
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
    assert "diverged: the loss is not finite" in page
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
