"""Getting work: the next task with a lease on it."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.authentication import ApiTokenAuthentication, BrowserAuthentication, read_beside
from annotation.api.base import ApiView, person
from annotation.api.blind_task import BlindTaskOutput, DraftOutput, show_draft, show_task
from annotation.api.html_wanted import HTML_WANTED, wants_html
from annotation.api.lease_tokens import LeaseToken
from annotation.api.schema import describe
from annotation.api.throttles import AcquireThrottle
from annotation.models import Project
from annotation.selectors.feedback import stage_of
from annotation.selectors.workplaces import find_workplace, read_workplace
from annotation.services.no_work import NoWork
from annotation.services.slot_queries import acquire_at_workplace, read_claim_at_workplace
from annotation.services.slots import Lease, acquire_task

REASONS = ["all_done", "all_leased_until", "you_did_all", "qualification_missing", "closed", "paused"]


class LeaseOutput(serializers.Serializer[Any]):
    token = serializers.CharField(help_text="Opaque. Send it with everything that concerns this task.")
    expires_at = serializers.DateTimeField(help_text="A heartbeat moves this on.")


class StageOutput(serializers.Serializer[Any]):
    name = serializers.ChoiceField(["practice", "test"])
    done = serializers.IntegerField()
    of = serializers.IntegerField()


class AcquireOutput(serializers.Serializer[Any]):
    task = BlindTaskOutput(allow_null=True)
    lease = LeaseOutput(required=False)
    draft = DraftOutput(required=False, allow_null=True)
    reason = serializers.ChoiceField(REASONS, required=False)
    until = serializers.DateTimeField(required=False, allow_null=True)
    stage = StageOutput(required=False, help_text="Only before normal work begins, in practice and in the test.")
    explanation = serializers.CharField(required=False, help_text="With the reason `paused`: what was decided.")


class TokenAtWork(ApiTokenAuthentication):
    """Reads the project of the address together with the token and, in the usual case, takes the lease in it too."""

    beside = acquire_at_workplace(user="u.id", superuser="u.is_superuser")


class AcquireView(ApiView):
    authentication_classes = (TokenAtWork, BrowserAuthentication)
    throttle_classes = (AcquireThrottle,)

    @describe(
        "acquire_task",
        "The task that you are to judge next, with a lease on it. Asking again gives the same one while it lasts. "
        "Without work, `task` is null and `reason` says why.",
        gives={200: AcquireOutput},
        fails=(400, 404),
        parameters=[HTML_WANTED],
        tag="work",
    )
    def post(self, request: Request, slug: str) -> Response:
        at_hand, user = read_beside(request), person(request)
        project = read_workplace(at_hand, user=user) if at_hand else find_workplace(user=user, slug=slug)
        outcome = acquire_task(project=project, annotator=user, claim=read_claim_at_workplace(at_hand))
        return Response(show_outcome(outcome, project, with_html=wants_html(request)))


def show_outcome(outcome: Lease | NoWork, project: Project, *, with_html: bool) -> dict[str, Any]:
    """What acquire gave, in the shape of AcquireOutput; the judging page carries its first one inside."""
    if isinstance(outcome, NoWork):
        explanation = {"explanation": outcome.explanation} if outcome.explanation else {}
        return {"task": None, "reason": outcome.reason, "until": outcome.until, **explanation}
    return _show_lease(outcome, project, with_html=with_html)


def _token_of(lease: Lease) -> LeaseToken:
    """The lowest number that stands for the order shown: which number the slot has would tell how it was made."""
    turn = (lease.slot.number - 1) % max(len(lease.shown_order), 1)
    return LeaseToken(turn + 1, lease.token)


def _show_lease(lease: Lease, project: Project, *, with_html: bool) -> dict[str, Any]:
    criteria = list(project.criteria.all())
    stage = stage_of(task=lease.task, person=lease.slot.annotator_id)
    return {
        "task": show_task(
            lease.task,
            project=project,
            shown_order=lease.shown_order,
            criteria=criteria,
            texts=lease.texts,
            with_html=with_html,
        ),
        "lease": {"token": str(_token_of(lease)), "expires_at": lease.expires_at},
        "draft": show_draft(lease.draft, lease.shown_order),
        **({"stage": StageOutput(stage).data} if stage is not None else {}),
    }
