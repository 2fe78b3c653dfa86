"""What the answer to a submit carries: which judgment it became and, for practice and tests, how right it was."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema_field
from rest_framework import serializers

from annotation.blinding import answer_to_letters
from annotation.models import Judgment
from annotation.quality.signals import MEANINGS, Seen, habits_after
from annotation.selectors.feedback import PracticeFeedback, QualificationResult, feedback_on
from annotation.services.judgments import Submission
from annotation.web.markdown import render_markdown


class JudgmentOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    revision = serializers.IntegerField()


class PracticeFeedbackOutput(serializers.Serializer[Any]):
    about = serializers.ChoiceField(["practice"])
    right = serializers.FloatField(allow_null=True, help_text="Share of the known answer that was right.")
    tiers = serializers.ListField(
        child=serializers.ListField(child=serializers.CharField()), help_text="The known ranking in letters."
    )
    scores = serializers.DictField(help_text="The known scores: {criterion: {letter: number or null}}.")
    explanation_html = serializers.CharField(help_text="Why it is right, rendered and sanitised.")


class QualificationResultOutput(serializers.Serializer[Any]):
    about = serializers.ChoiceField(["test"])
    passed = serializers.BooleanField()
    accuracy = serializers.FloatField()
    pass_mark = serializers.FloatField()
    attempts_left = serializers.IntegerField()


@extend_schema_field(
    PolymorphicProxySerializer(
        component_name="Feedback",
        serializers={"practice": PracticeFeedbackOutput, "test": QualificationResultOutput},
        resource_type_field_name="about",
    )
)
class FeedbackField(serializers.DictField):
    """Shaped by `show_feedback`."""


class HabitsOutput(serializers.Serializer[Any]):
    as_shown_from = serializers.IntegerField(
        allow_null=True, help_text="The fewest responses that, ranked as shown once more, give the warning as_shown."
    )
    place = serializers.IntegerField(allow_null=True, help_text="Where the best response stood last, from 0.")
    place_from = serializers.IntegerField(
        allow_null=True, help_text="The fewest responses with which the best one there again gives same_place."
    )


class SubmissionOutput(JudgmentOutput):
    warnings = serializers.ListField(
        child=serializers.ChoiceField(list(MEANINGS)), help_text="Signs of haste or habit. They keep nothing out."
    )
    habits = HabitsOutput(required=False, help_text="Only for rankings: what would give a warning next time.")
    feedback = FeedbackField(required=False, help_text="Only for practice, and for the last task of a test.")


def show_submission(submission: Submission) -> dict[str, Any]:
    """The judgment in the shape of SubmissionOutput; the same when the same submit comes again."""
    judgment = submission.judgment
    shown: dict[str, Any] = {"id": judgment.pk, "revision": judgment.revision, "warnings": judgment.warnings}
    feedback = show_feedback(judgment)
    return shown if feedback is None else {**shown, "feedback": feedback}


def show_habits(submission: Submission, earlier: Sequence[Seen]) -> dict[str, Any]:
    """What would give a warning next time, once this ranking is told; earlier: those before it, newest first."""
    judgment = submission.judgment
    newest = [(judgment.shown_order, judgment.tiers)] if submission.is_new else []
    return asdict(habits_after([*newest, *earlier]))


def show_feedback(judgment: Judgment) -> dict[str, Any] | None:
    """What the person is told at once, in letters."""
    feedback = feedback_on(judgment=judgment)
    if isinstance(feedback, PracticeFeedback):
        return {"about": "practice", **_show_practice(feedback, judgment.shown_order)}
    if isinstance(feedback, QualificationResult):
        return dict(QualificationResultOutput(_as_mapping(feedback)).data)
    return None


def _show_practice(feedback: PracticeFeedback, shown_order: list[str]) -> dict[str, Any]:
    known = answer_to_letters(feedback.known, shown_order)
    return {
        "right": feedback.right,
        "tiers": [sorted(tier) for tier in known.get("tiers", [])],
        "scores": known.get("scores", {}),
        "explanation_html": str(render_markdown(feedback.known.get("rationale") or "")),
    }


def _as_mapping(result: QualificationResult) -> dict[str, Any]:
    return {
        "about": "test",
        "passed": result.passed,
        "accuracy": result.accuracy,
        "pass_mark": result.pass_mark,
        "attempts_left": result.attempts_left,
    }
