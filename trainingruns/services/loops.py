"""Standing orders: enough new feedback that people agree on starts a reward run, and that a policy run."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from annotation.agreement.headline import head_statistics
from annotation.exceptions import ApplicationError
from annotation.models import Judgment, Membership, Project, User
from annotation.permissions import require_role
from annotation.services import audit
from annotation.services.reports import refresh_agreement_report
from trainingruns.configuration import check_config
from trainingruns.lifecycle import ACTIVE
from trainingruns.models import ONLINE_KINDS, Loop, Run
from trainingruns.services.runs import start_run
from trainingruns.services.snapshots import create_snapshot

FIELDS = (
    "is_enabled",
    "min_new_judgments",
    "gate_criterion",
    "reward_config",
    "policy_kind",
    "policy_config",
    "then_train_policy",
    "responses_to_serve",
)


@transaction.atomic
def set_loop(*, project: Project, actor: User, **fields: Any) -> Loop:
    """Give a project its standing order, or change it. Raises: NotFound, NotPermitted, ApplicationError by field."""
    require_role(user=actor, project=project, role=Membership.Role.MANAGER)
    if unknown := sorted(set(fields) - set(FIELDS)):
        raise ApplicationError(f"{unknown[0]}: unknown; known are {', '.join(FIELDS)}.", extra={"field": unknown[0]})
    _check_configs(Loop.objects.filter(project=project).first() or Loop(), fields)
    loop, _ = Loop.objects.update_or_create(project=project, defaults=fields)
    audit.record(actor=actor, action="set_loop", obj=loop, project=project, data=fields)
    return loop


def _check_configs(loop: Loop, fields: Mapping[str, Any]) -> None:
    """Raises: ApplicationError where a run that the order starts could not begin with what is given."""
    kind = fields.get("policy_kind", loop.policy_kind)
    if kind not in ONLINE_KINDS:
        known = ", ".join(ONLINE_KINDS)
        raise ApplicationError(f"policy_kind: expected one of {known}, got {kind!r}.", extra={"field": "policy_kind"})
    if fields.get("reward_config"):
        check_config(kind=Run.Kind.REWARD.value, config=fields["reward_config"])
    # Another kind may not take the configuration that was right for the last one.
    policy_config = fields.get("policy_config", loop.policy_config)
    if policy_config and fields.keys() & {"policy_kind", "policy_config"}:
        check_config(kind=Run.Kind(kind).value, config=policy_config)


def evaluate_loops() -> int:
    """Evaluate every standing order once. Returns how many runs were started."""
    ids = list(Loop.objects.filter(is_enabled=True).order_by("pk").values_list("pk", flat=True))
    return sum(_evaluate_alone(loop_id) for loop_id in ids)


@transaction.atomic
def _evaluate_alone(loop_id: int) -> bool:
    """Evaluates one order and tells whether it started a run; one that another worker evaluates now is left to it."""
    enabled = Loop.objects.select_related("project").filter(pk=loop_id, is_enabled=True)
    loop = enabled.select_for_update(skip_locked=True, of=("self",)).first()
    if loop is None:
        return False
    run, verdict = _evaluate(loop)
    Loop.objects.filter(pk=loop.pk).update(last_verdict=verdict[:300], last_evaluated_at=Now())
    return run is not None


def _evaluate(loop: Loop) -> tuple[Run | None, str]:
    if (refusal := _refusal(loop)) is not None:
        return None, refusal
    try:
        with transaction.atomic():
            run = _start(loop)
    except ApplicationError as error:
        # The order stands; what is in its way is said where its owner looks.
        return None, f"Could not start: {error.message}"
    return run, f"Started {run} on {run.snapshot}."


def _refusal(loop: Loop) -> str | None:
    """Why nothing starts now, or None when everything is there."""
    active = Run.objects.filter(project=loop.project, state__in=ACTIVE).exclude(kind=Run.Kind.FETCH).first()
    if active is not None:
        return f"Waiting for {active} to end."
    new = _new_judgments(loop)
    if new < loop.min_new_judgments:
        return f"Waiting for judgments: {new} new ones of {loop.min_new_judgments} that the order asks for."
    return _gate_refusal(loop)


def _gate_refusal(loop: Loop) -> str | None:
    record = gate_record(refresh_agreement_report(project=loop.project).statistics, loop.gate_criterion)
    if record is None:
        return f"Agreement on {loop.gate_criterion or 'any criterion'} has not been measured."
    gate = loop.project.agreement_gate
    if record["value"] is None:
        return f"Agreement on {record['criterion']} is undefined: {record['note']}"
    if record["value"] < gate:
        return f"Agreement on {record['criterion']} is {record['value']:.2f}, below the gate of {gate:.2f}."
    return None


def gate_record(statistics: list[dict[str, Any]], criterion: str) -> dict[str, Any] | None:
    """The alpha that a gate reads, which is the one that pages show: of the named criterion, else of the first."""
    heads = head_statistics(statistics)
    return next((each for each in heads if criterion in ("", each["criterion"])), None)


def _start(loop: Loop) -> Run:
    snapshot = create_snapshot(project=loop.project)
    run = start_run(
        project=loop.project, kind=Run.Kind.REWARD, snapshot=snapshot, config=loop.reward_config, purpose={"by": "loop"}
    )
    Loop.objects.filter(pk=loop.pk).update(newest_judgment_id=snapshot.newest_judgment_id)
    return run


def _new_judgments(loop: Loop) -> int:
    new = Judgment.objects.filter(project=loop.project, is_current=True, id__gt=loop.newest_judgment_id)
    return new.filter(task__purpose="normal").count()
