"""Known answers: what a task is there for, and for a gold, practice or test task what is right."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.base import ApiView, address_of, paginate, person, require_project
from annotation.api.bodies import StrictSerializer, read_body
from annotation.api.pagination import PAGE_PARAMETERS, OldestFirst, page_of
from annotation.api.schema import describe
from annotation.models import Task
from annotation.permissions import Role, require_role
from annotation.selectors.special_tasks import listed_tasks
from annotation.services.known_answers import CHOOSABLE, set_purpose
from annotation.services.slots import find_task

TESTING = [(each.value, each.label) for each in CHOOSABLE if each != Task.Purpose.NORMAL]
EXPLANATION_CHARACTERS = 5000


class KnownAnswerInput(StrictSerializer):
    purpose = serializers.ChoiceField(TESTING)
    answer = serializers.DictField(
        required=False, help_text="Like an imported judgment, in response keys; left out, the one that is stored stays."
    )
    explanation = serializers.CharField(
        max_length=EXPLANATION_CHARACTERS,
        required=False,
        allow_blank=True,
        help_text="Why it is right, in Markdown; left out, the one that is stored stays.",
    )


class KnownAnswerOutput(serializers.ModelSerializer[Task]):
    task_id = serializers.IntegerField(source="id")
    answer = serializers.DictField(
        source="gold",
        allow_null=True,
        help_text="In response keys, with the explanation as `rationale`; null for none.",
    )

    class Meta:
        model = Task
        fields = ("task_id", "external_id", "purpose", "answer")


class KnownAnswersView(ApiView):
    @describe(
        "list_known_answers",
        "The project's gold, practice and test tasks, oldest first. What shows one again is left out.",
        gives={200: page_of(KnownAnswerOutput)},
        fails=(400, 403, 404),
        parameters=PAGE_PARAMETERS,
        tag="projects",
    )
    def get(self, request: Request, slug: str) -> Response:
        project = require_project(request, slug, Role.MANAGER)
        return paginate(self, request, listed_tasks(project=project), KnownAnswerOutput, pages=OldestFirst)


class KnownAnswerView(ApiView):
    @describe(
        "get_known_answer",
        "What a task is there for, and its known answer.",
        gives={200: KnownAnswerOutput},
        fails=(403, 404),
        tag="projects",
    )
    def get(self, request: Request, task_id: int) -> Response:
        task = find_task(annotator=person(request), task_id=task_id)
        require_role(user=person(request), project=task.project, role=Role.MANAGER)
        return Response(KnownAnswerOutput(task).data)

    @describe(
        "set_known_answer",
        "Make a task gold, practice or part of the test, with the answer that is right. What people said of it no "
        "longer counts. The same again changes nothing; 409 for a task that shows another one again.",
        request=KnownAnswerInput,
        gives={200: KnownAnswerOutput},
        fails=(400, 403, 404, 409, 413, 415, 422),
        tag="projects",
    )
    def put(self, request: Request, task_id: int) -> Response:
        body: dict[str, Any] = read_body(request, KnownAnswerInput)
        return self._set(request, task_id, **body)

    @describe(
        "remove_known_answer",
        "Make a task a normal one again. Its known answer is forgotten, and what people said of it counts.",
        gives={200: KnownAnswerOutput},
        fails=(403, 404, 409),
        tag="projects",
    )
    def delete(self, request: Request, task_id: int) -> Response:
        return self._set(request, task_id, purpose=Task.Purpose.NORMAL.value)

    def _set(self, request: Request, task_id: int, **changes: Any) -> Response:
        task = find_task(annotator=person(request), task_id=task_id)
        done = set_purpose(task=task, actor=person(request), address=address_of(request), **changes)
        return Response(KnownAnswerOutput(done).data)
