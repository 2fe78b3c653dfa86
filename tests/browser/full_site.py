"""A site on which every page has something to show."""

from typing import Any

from django.utils import timezone

from annotation.kinds.ranking import RankingAnswer
from annotation.models import (
    Criterion,
    Flag,
    ImportJob,
    Judgment,
    KeptAnswer,
    Pause,
    Project,
    ProjectReport,
    QualificationAttempt,
    Skip,
    User,
)
from annotation.services.guidelines import write_guideline
from annotation.services.import_uploads import upload_import
from annotation.services.invitations import make_invitation
from annotation.services.judgments import amend_judgment, submit_judgment
from annotation.services.project_reports import refresh_project_report
from annotation.services.reports import refresh_agreement_report
from annotation.services.skills import add_skill, set_person_skill
from annotation.services.slots import Lease, acquire_task
from annotation.services.tokens import issue_token
from annotation.services.verdicts import current_judgment_ids, give_verdict
from tests.factories import make_task, ranking
from tests.trainingruns.test_token_table import PREVIEW
from trainingruns.models import Metric, ModelVersion, Run, Snapshot

TEXT = "# Head\n\nSome `code`.\n\n```python\nreturn 1  # why\n```\n\n|a|\n|-|\n|1|\n\n> quote [link](https://a.example)"


def fill_site(project: Project, alice: User, bob: User, carol: User) -> dict[str, Any]:
    """Fills the project and two others; gives the ids that places ask for."""
    for number in range(4):
        make_task(project, "pqrs", text=f"{number}: {TEXT}")
    judged = [_judge(project, person) for person in (alice, bob, carol) for _ in range(2)]
    amend_judgment(
        annotator=alice, judgment_id=judged[0].pk, answer=ranking("q", "p", "rs", rationale="**No**"), reason="Misread."
    )
    refresh_agreement_report(project=project)
    for section in ProjectReport.Section.values:
        refresh_project_report(project=project, section=section)
    _ask_reviewers(project, alice, bob)
    acquire_task(project=project, annotator=alice)
    write_guideline(project=project, text=TEXT, version=1, actor=alice, note="A first one.")
    _control_quality(project, alice, bob)
    make_task(project, "pqrstuvwx", text=TEXT, priority=1)
    scores = _make_other_projects(alice)
    return {
        **_make_runs(project),
        "job": _import(project, alice),
        "judgment": Judgment.objects.get(annotator=alice, is_current=True, task=judged[0].task_id).pk,
        "task": judged[0].task_id,
        "criterion": scores.criteria.get(name="a").pk,
        "person": bob.pk,
        "invitation": make_invitation(project=project, actor=alice, role="annotator", label="For the class")[1],
    }


def _judge(project: Project, person: User) -> Judgment:
    lease = acquire_task(project=project, annotator=person)
    assert isinstance(lease, Lease)
    return submit_judgment(
        annotator=person, task_id=lease.task.pk, lease_token=lease.token, idempotency_key=str(lease.token),
        answer=ranking("p", "qr", "s", bad=["s"], rationale="**Because**", active_ms=61_000),
    )  # fmt: skip


def _ask_reviewers(project: Project, alice: User, bob: User) -> None:
    first, second, third = project.tasks.order_by("id")[:3]
    for person in (alice, bob):
        Flag.objects.create(task=second, annotator=person, reason="The prompt is cut off.")
        Skip.objects.create(task=third, annotator=person, reason="I do not know this field.")
    KeptAnswer.objects.create(task=second, annotator=bob, answer=ranking("p", "q", "rs"), reason="it came too late")
    give_verdict(
        task=first, reviewer=alice, outcome="answer", answer=ranking("p", "q", "r", "s"), reason="**p** is right.",
        based_on=current_judgment_ids(task=first),
    )  # fmt: skip


def _control_quality(project: Project, alice: User, bob: User) -> None:
    known = RankingAnswer(tiers=(("p",), ("q", "r"), ("s",)), rationale="**p** keeps to the question.").as_mapping()
    for purpose in ("gold", "practice", "qualification"):
        make_task(project, "pqrs", purpose=purpose, gold=known)
    skill = add_skill(project=project, name="cooking", label="Cooking", actor=alice)
    set_person_skill(skill=skill, person=bob, level=2, actor=alice)
    failed = {"state": "failed", "pass_mark": 0.8, "accuracy": 0.5, "finished_at": timezone.now()}
    QualificationAttempt.objects.create(project=project, person=bob, number=1, **failed)
    Pause.objects.create(project=project, person=bob, sentences=["Of 10 tasks with a known answer 0% was right."])
    issue_token(user=alice, name="script")


def _make_other_projects(alice: User) -> Project:
    empty = Project.objects.create(slug="empty", name="Empty", kind="ranking")
    empty.memberships.create(user=alice, role="manager")
    scores = Project.objects.create(slug="scores", name="Scores", kind="scalar", guideline=TEXT)
    scores.memberships.create(user=alice, role="manager")
    Criterion.objects.create(project=scores, name="a", label="A", anchors={"1": "bad"}, required=False)
    Criterion.objects.create(project=scores, name="b", label="B", step=None, position=1)
    make_task(scores, "p", text=TEXT)
    return scores


def _import(project: Project, alice: User) -> int:
    rows = b"prompt,answer_a,answer_b,other\nWhy?,So.,Thus.,x\n,So.,Thus.,x\n"
    upload_import(project=project, actor=alice, chunks=[rows], file_name="x.csv")
    ImportJob.objects.update(state="failed", error_count=1, errors=[[3, "prompt", "is empty"]], reason="1 error")
    return ImportJob.objects.latest("id").pk


def _make_runs(project: Project) -> dict[str, int]:
    """A snapshot, a policy run with everything that its page can show, its policy, and a preview."""
    Snapshot.objects.create(project=project, number=1, view="majority", train_pairs=9, eval_pairs=3, sha256="a" * 64)
    share = {"value": 0.75, "low": 0.5, "high": 0.9, "n": 8}
    rates = {"policy": {"1": share}, "reference": {"1": share}, "gain_over_reference": share}
    warnings = [{"step": 2, "brake": "flat", "action": "warn", "sentence": "62% of groups all fail."}] * 7
    run = Run.objects.create(
        project=project, kind="dapo", state="succeeded", step=2, total_steps=4, log_tail="INFO " * 99,
        status={"warnings": warnings}, config={"kind": "dapo", "loss": {"clip_high": 0.28}},
        result={"stopped_by": "Enough.", "reward_gain": share, "win_rate_reference": share,
                "accuracy": {"number": rates}},
    )  # fmt: skip
    values = dict.fromkeys(("reward", "kl_sequence", "keep_rate", "loss"), 0.000123)
    Metric.objects.bulk_create(Metric(run=run, step=step, values=values, at=timezone.now()) for step in (1, 2))
    preview = {**PREVIEW, "kind": "dapo", "prompt_id": "7", "stop_tokens": {"2": "<end>"}, "notes": ["a note"]}
    shown = Run.objects.create(
        project=project, kind="preview", state="succeeded", config={"kind": "dapo"}, result=preview
    )
    version = ModelVersion.objects.create(
        project=project, kind="policy", name="small", number=1, run=run, artifact="runs/1/model"
    )
    return {"run": run.pk, "preview": shown.pk, "version": version.pk}
