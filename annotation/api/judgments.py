"""Judgments: giving one, looking at one's own, mending one."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.allocation import shown_order
from annotation.api.authentication import ApiTokenAuthentication, BrowserAuthentication, read_beside
from annotation.api.base import ApiView, address_of, paginate, person
from annotation.api.blind_task import BlindTaskOutput, keys_of, show_task
from annotation.api.bodies import StrictSerializer, read_body
from annotation.api.feedback import JudgmentOutput, SubmissionOutput, show_habits, show_submission
from annotation.api.html_wanted import HTML_WANTED, wants_html
from annotation.api.lease_tokens import LeaseToken, LeaseTokenField
from annotation.api.letters import answer_in_keys
from annotation.api.pagination import PAGE_PARAMETERS, page_of
from annotation.api.schema import IDEMPOTENCY_KEY, describe
from annotation.api.throttles import SubmitThrottle
from annotation.api.work import AcquireOutput, show_outcome
from annotation.blinding import answer_to_letters
from annotation.exceptions import ApplicationError, NotFound
from annotation.models import FeedbackKind, Judgment, User
from annotation.selectors.work import my_judgments
from annotation.selectors.workplaces import find_workplace
from annotation.services.answer_sheets import open_sheet, read_sheet, sheet_statement
from annotation.services.judgment_rows import AnswerSheet
from annotation.services.judgments import amend_judgment, submit_answer
from annotation.services.slots import acquire_task

LONGEST_KEY = 100


class AnswerShape(serializers.Serializer[Any]):
    """What a person says about a task, its responses named by their letters. Scalar answers have no tiers."""

    tiers = serializers.ListField(
        child=serializers.ListField(child=serializers.CharField()),
        required=False,
        help_text="Best first, ties together.",
    )
    bad = serializers.ListField(child=serializers.CharField(), required=False)
    unranked = serializers.ListField(child=serializers.CharField(), required=False)
    strength = serializers.ListField(child=serializers.IntegerField(allow_null=True), required=False, allow_null=True)
    scores = serializers.DictField(
        child=serializers.DictField(child=serializers.FloatField(allow_null=True)), required=False
    )
    rationale = serializers.CharField(required=False, allow_blank=True, allow_null=True, max_length=20_000)
    rationales = serializers.DictField(
        child=serializers.CharField(allow_blank=True, max_length=20_000),
        required=False,
        help_text="Reasons for single scores, by criterion.",
    )
    confidence = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=5)
    active_ms = serializers.IntegerField(required=False, allow_null=True, min_value=0)


@extend_schema_field(AnswerShape)
class AnswerField(serializers.DictField):
    """Taken as it is: the feedback kind checks it once, in the service, against the task."""


class SubmitInput(StrictSerializer):
    lease_token = LeaseTokenField(max_length=50)
    answer = AnswerField()
    next = serializers.BooleanField(
        required=False, default=False, help_text="Acquire the next task too: what acquire would answer comes as `next`."
    )


class AmendInput(StrictSerializer):
    answer = AnswerField()
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class SubmittedOutput(SubmissionOutput):
    next = AcquireOutput(required=False)


class MyJudgmentOutput(serializers.ModelSerializer[Judgment]):
    """A judgment as its author sees it."""

    project: Any = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    task = serializers.IntegerField(source="task_id")
    answer = serializers.SerializerMethodField()

    class Meta:
        model = Judgment
        fields = ("id", "revision", "project", "task", "kind", "answer", "reason", "created_at")

    @extend_schema_field(AnswerShape)
    def get_answer(self, judgment: Judgment) -> dict[str, Any]:
        return show_answer(judgment)


class JudgmentDetailOutput(serializers.Serializer[Any]):
    judgment = MyJudgmentOutput()
    task = BlindTaskOutput()


class TokenWithSheet(ApiTokenAuthentication):
    """Reads the task of the address, and the slot of it that the caller holds, together with the token."""

    beside = sheet_statement(user="u.id", slot="s.annotator_id = u.id AND s.state = 'leased'")


class SubmitView(ApiView):
    authentication_classes = (TokenWithSheet, BrowserAuthentication)
    throttle_classes = (SubmitThrottle,)

    @describe(
        "submit_judgment",
        "Submit your answer. Retry with the same Idempotency-Key as often as needed: there will be one judgment. "
        "If the lease was lost, the answer is kept for a manager and `extra.kept_answer` names it.",
        request=SubmitInput,
        gives={201: SubmittedOutput, 200: SubmittedOutput},
        fails=(400, 404, 409, 413, 415, 422),
        parameters=[IDEMPOTENCY_KEY],
        tag="work",
    )
    def post(self, request: Request, task_id: int) -> Response:
        key = read_idempotency_key(request)
        body = read_body(request, SubmitInput)
        lease: LeaseToken = body["lease_token"]
        sheet = _find_sheet(request, task_id, lease)
        order = shown_order(list(sheet.response_ids), task_id=task_id, slot_number=lease.slot_number)
        with answer_in_keys(task_id, body["answer"], order) as answer:
            submission = submit_answer(
                annotator=person(request),
                task_id=task_id,
                lease_token=lease.token,
                answer=answer,
                idempotency_key=key,
                seen_order=order,
                address=address_of(request),
                sheet=sheet,
            )
        shown = show_submission(submission)
        if sheet.task.kind == FeedbackKind.RANKING:
            shown["habits"] = show_habits(submission, sheet.earlier)
        if body["next"]:
            shown["next"] = _acquire_next(request, sheet.task.project.slug)
        return Response(shown, status=201 if submission.is_new else 200)


def _find_sheet(request: Request, task_id: int, lease: LeaseToken) -> AnswerSheet:
    at_hand, annotator = read_beside(request), person(request)
    if at_hand:
        sheet = read_sheet(at_hand, annotator=annotator, lease_token=lease.token)
        if sheet.slot_id is not None:
            return sheet
    # A lease that ran out keeps its token, though its slot has no holder any more.
    return open_sheet(annotator=annotator, task_id=task_id, lease_token=lease.token)


def _acquire_next(request: Request, slug: str) -> dict[str, Any] | None:
    """What acquire would answer now; None where that fails: the answer before it is safe and must be told so."""
    try:
        project = find_workplace(user=person(request), slug=slug)
        outcome = acquire_task(project=project, annotator=person(request))
    except ApplicationError:
        return None
    return show_outcome(outcome, project, with_html=request.auth is None)


class MyJudgmentsView(ApiView):
    @describe(
        "list_my_judgments",
        "Your own judgments, newest first.",
        gives={200: page_of(MyJudgmentOutput)},
        fails=(400,),
        parameters=PAGE_PARAMETERS,
        tag="judgments",
    )
    def get(self, request: Request) -> Response:
        return paginate(self, request, my_judgments(user=person(request)), MyJudgmentOutput)


class MyJudgmentView(ApiView):
    @describe(
        "get_my_judgment",
        "One of your judgments with its task, as you saw it.",
        gives={200: JudgmentDetailOutput},
        fails=(400, 404),
        parameters=[HTML_WANTED],
        tag="judgments",
    )
    def get(self, request: Request, judgment_id: int) -> Response:
        judgment = _mine(person(request), judgment_id)
        criteria = list(judgment.project.criteria.all())
        task = show_task(
            judgment.task,
            project=judgment.project,
            shown_order=order_of(judgment),
            criteria=criteria,
            with_html=wants_html(request),
        )
        return Response({"judgment": MyJudgmentOutput(judgment).data, "task": task})


class AmendView(ApiView):
    throttle_classes = (SubmitThrottle,)

    @describe(
        "amend_judgment",
        "Correct one of your judgments. The old one stays on record; the new one counts.",
        request=AmendInput,
        gives={200: JudgmentOutput},
        fails=(400, 404, 409, 413, 415, 422),
        parameters=[IDEMPOTENCY_KEY],
        tag="judgments",
    )
    def post(self, request: Request, judgment_id: int) -> Response:
        key = read_idempotency_key(request)
        body = read_body(request, AmendInput)
        judgment = _mine(person(request), judgment_id)
        with answer_in_keys(judgment.task_id, body["answer"], order_of(judgment)) as answer:
            amended = amend_judgment(
                annotator=person(request),
                judgment_id=judgment.pk,
                answer=answer,
                reason=body["reason"],
                idempotency_key=key,
            )
        return Response(JudgmentOutput(amended).data)


def read_idempotency_key(request: Request) -> str:
    """The header Idempotency-Key. Raises: ApplicationError if it is missing or no short printable text."""
    key: str = request.headers.get("Idempotency-Key", "").strip()
    if not key:
        raise ApplicationError(
            "Send the header Idempotency-Key: a text of your choice, the same for every retry of this answer.",
            code="idempotency_key_missing",
        )
    if len(key) > LONGEST_KEY or not (key.isascii() and key.isprintable()):
        raise ApplicationError(
            f"Idempotency-Key takes up to {LONGEST_KEY} printable ASCII characters.", code="idempotency_key_invalid"
        )
    return key


def order_of(judgment: Judgment) -> list[str]:
    """The order in which the author saw the responses; the stored order where that is not known."""
    return list(judgment.shown_order) or keys_of(judgment.task_id)


def show_answer(judgment: Judgment) -> dict[str, Any]:
    """What the judgment says, in letters."""
    fields = ["scores", "rationale", "rationales", "confidence", "active_ms"]
    if judgment.kind == FeedbackKind.RANKING:
        fields = ["tiers", "bad", "unranked", "strength", *fields]
    return answer_to_letters({name: getattr(judgment, name) for name in fields}, order_of(judgment))


def _mine(user: User, judgment_id: int) -> Judgment:
    judgments = Judgment.objects.select_related("project", "task__prompt")
    judgment = judgments.filter(annotator=user, pk=judgment_id).first()
    if judgment is None:
        raise NotFound("There is no such judgment of yours.")
    return judgment
