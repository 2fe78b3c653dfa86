"""A task as its annotator may see it: letters in the order shown, never a key, a source or anybody else's answer."""

from collections.abc import Mapping, Sequence
from typing import Any

from rest_framework import serializers

from annotation.blinding import answer_to_letters, letters
from annotation.models import Criterion, Draft, FeedbackKind, Project, Task, TaskResponse
from annotation.web.markdown import render_markdown


class MessageOutput(serializers.Serializer[Any]):
    role = serializers.CharField()
    content = serializers.CharField()
    html = serializers.CharField(required=False, help_text="The content, rendered and sanitised, where it is wanted.")


class BlindResponseOutput(serializers.Serializer[Any]):
    letter = serializers.CharField()
    text = serializers.CharField()
    html = serializers.CharField(required=False, help_text="The text, rendered and sanitised, where it is wanted.")


class CriterionOutput(serializers.ModelSerializer[Criterion]):
    class Meta:
        model = Criterion
        fields = ("name", "label", "description", "minimum", "maximum", "step", "anchors", "required")


class BlindTaskOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    kind = serializers.ChoiceField(FeedbackKind.choices)
    prompt = MessageOutput(many=True)
    responses = BlindResponseOutput(many=True)
    shown_order = serializers.ListField(child=serializers.CharField())
    criteria = CriterionOutput(many=True)
    guideline_html = serializers.CharField(required=False)


class DraftOutput(serializers.Serializer[Any]):
    answer = serializers.DictField()
    version = serializers.IntegerField()


def show_task(
    task: Task,
    *,
    project: Project,
    shown_order: Sequence[str],
    criteria: Sequence[Criterion],
    texts: Mapping[str, str] | None = None,
    with_html: bool = True,
) -> dict[str, Any]:
    """The task in the shape of BlindTaskOutput.

    texts: the responses by key, where they are at hand. with_html: rendering takes longer than all the rest, so
    programs that only read text can do without.
    """
    texts = texts_by_key(task) if texts is None else texts
    by_letter = letters(shown_order)
    shown = {
        "id": task.pk,
        "kind": task.kind,
        "prompt": [_show(message["content"], with_html, role=message["role"]) for message in task.prompt.messages],
        "responses": [_show(texts[key], with_html, letter=letter) for letter, key in by_letter.items()],
        "shown_order": list(by_letter),
        "criteria": CriterionOutput(criteria, many=True).data if criteria else [],
    }
    return shown | {"guideline_html": str(render_markdown(project.guideline))} if with_html else shown


def _show(text: str, with_html: bool, **mark: str) -> dict[str, str]:
    """A text under its mark: `content` of a message by role, `text` of a response by letter."""
    shown = {**mark, "content" if "role" in mark else "text": text}
    return shown | {"html": str(render_markdown(text))} if with_html else shown


def show_draft(draft: Draft | None, shown_order: Sequence[str]) -> dict[str, Any] | None:
    """The draft in the shape of DraftOutput, its answer in letters."""
    if draft is None:
        return None
    return {"answer": answer_to_letters(draft.answer, shown_order), "version": draft.version}


def texts_by_key(task: Task) -> dict[str, str]:
    """The task's responses in stored order: {key: text}."""
    rows = TaskResponse.objects.filter(task=task).order_by("position").values_list("response__key", "response__text")
    return dict(rows)


def keys_of(task_id: int) -> list[str]:
    """The keys of a task's responses in stored order; empty if there is no such task."""
    rows = TaskResponse.objects.filter(task_id=task_id).order_by("position")
    return list(rows.values_list("response__key", flat=True))
