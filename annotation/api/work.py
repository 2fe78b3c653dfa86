"""Getting work: the next task with a lease on it."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.base import ApiView, person
from annotation.api.blind_task import BlindTaskOutput, DraftOutput, show_draft, show_task
from annotation.api.html_wanted import HTML_WANTED, wants_html
from annotation.api.lease_tokens import LeaseToken
from annotation.api.schema import describe
from annotation.api.throttles import AcquireThrottle
from annotation.models import Project
from annotation.selectors.workplaces import find_workplace
from annotation.services.slots import Lease, NoWork, acquire_task

REASONS = ["all_done", "all_leased_until", "you_did_all", "qualification_missing", "closed"]


class LeaseOutput(serializers.Serializer[Any]):
    token = serializers.CharField(help_text="Opaque. Send it with everything that concerns this task.")
    expires_at = serializers.DateTimeField(help_text="A heartbeat moves this on.")


class AcquireOutput(serializers.Serializer[Any]):
    task = BlindTaskOutput(allow_null=True)
    lease = LeaseOutput(required=False)
    draft = DraftOutput(required=False, allow_null=True)
    reason = serializers.ChoiceField(REASONS, required=False)
    until = serializers.DateTimeField(required=False, allow_null=True)


class AcquireView(ApiView):
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
        project = find_workplace(user=person(request), slug=slug)
        outcome = acquire_task(project=project, annotator=person(request))
        return Response(show_outcome(outcome, project, with_html=wants_html(request)))


def show_outcome(outcome: Lease | NoWork, project: Project, *, with_html: bool) -> dict[str, Any]:
    """What acquire gave, in the shape of AcquireOutput; the judging page carries its first one inside."""
    if isinstance(outcome, NoWork):
        return {"task": None, "reason": outcome.reason, "until": outcome.until}
    return _show_lease(outcome, project, with_html=with_html)


def _show_lease(lease: Lease, project: Project, *, with_html: bool) -> dict[str, Any]:
    criteria = list(project.criteria.all())
    return {
        "task": show_task(
            lease.task,
            project=project,
            shown_order=lease.shown_order,
            criteria=criteria,
            texts=lease.texts,
            with_html=with_html,
        ),
        "lease": {"token": str(LeaseToken(lease.slot.number, lease.token)), "expires_at": lease.expires_at},
        "draft": show_draft(lease.draft, lease.shown_order),
    }
