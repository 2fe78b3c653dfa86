"""The tasks of a project, for those who review and manage it."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.base import ApiView, address_of, paginate, person, require_project
from annotation.api.bodies import StrictSerializer, read_body
from annotation.api.pagination import PAGE_PARAMETERS, page_of
from annotation.api.schema import describe
from annotation.exceptions import ApplicationError
from annotation.models import Project, Task
from annotation.permissions import Role
from annotation.selectors.task_filters import STATES, TaskFilters, filter_tasks
from annotation.selectors.task_rows import tasks_with_counts
from annotation.services.task_bulk import ACTIONS, TaskSelection, change_tasks


class TaskOutput(serializers.ModelSerializer[Task]):
    judgments_given = serializers.IntegerField(read_only=True)
    judgments_wanted = serializers.IntegerField(read_only=True)

    class Meta:
        model = Task
        fields = (
            "id",
            "external_id",
            "kind",
            "state",
            "priority",
            "origin",
            "judgments_given",
            "judgments_wanted",
            "created_at",
        )


class TasksView(ApiView):
    @describe(
        "list_tasks",
        "The tasks of a project, newest first, with how far each has come. For reviewers and managers.",
        gives={200: page_of(TaskOutput)},
        fails=(400, 403, 404),
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("state", str, enum=STATES),
            OpenApiParameter("origin", str, description="What made them, for instance `import` or `run:12`."),
            OpenApiParameter("purpose", str, enum=Task.Purpose.values),
            OpenApiParameter("search", str, description="Words, or their beginnings, in the prompt or a response."),
            OpenApiParameter("external_id", str, description="Part of the id."),
            OpenApiParameter("tag", str),
            OpenApiParameter("skill", str, description="The skill that they ask for."),
            OpenApiParameter("flagged", str, enum=["yes", "no"]),
            OpenApiParameter("verdict", str, enum=["yes", "no"]),
            OpenApiParameter("skipped", int, description="By how many people, at least."),
            OpenApiParameter("disagreement", float, description="From 0, all say the same, to 1; at least."),
            OpenApiParameter("priority_min", float),
            OpenApiParameter("priority_max", float),
        ],
        tag="projects",
    )
    def get(self, request: Request, slug: str) -> Response:
        project = require_project(request, slug, Role.REVIEWER)
        known = TaskFilters.__slots__
        given = {name: value for name, value in request.query_params.items() if name in known}
        chosen = filter_tasks(project=project, filters=TaskFilters.read(given))
        tasks = tasks_with_counts(project=project)
        tasks = tasks.filter(pk__in=chosen.values("pk")) if given else tasks
        return paginate(self, request, tasks, TaskOutput, filters=known)


class SelectionInput(StrictSerializer):
    """Which tasks and what to do with them; `ids` or `filters`, not both."""

    action = serializers.ChoiceField(list(ACTIONS))
    ids = serializers.ListField(child=serializers.IntegerField(min_value=1), required=False, max_length=10_000)
    filters = serializers.DictField(required=False, help_text="As the parameters of `list_tasks`; {} means all.")
    arguments = serializers.DictField(
        required=False,
        help_text="prioritize: priority; tag, untag: tag; want_judgments: wanted; set_state: state; end_leases: none; "
        "ask_for_skill: skill (empty for none), level.",
    )
    expected = serializers.IntegerField(
        required=False, min_value=0, help_text="Refuse (409) if another number of tasks is meant."
    )


class ChangedOutput(serializers.Serializer[Any]):
    tasks = serializers.IntegerField()


class ChangeTasksView(ApiView):
    @describe(
        "change_tasks",
        "Change many tasks at once. Priority, tags, judgments wanted, state, leases, required skill.",
        request=SelectionInput,
        gives={200: ChangedOutput},
        fails=(400, 403, 404, 409, 413, 415),
        tag="projects",
    )
    def post(self, request: Request, slug: str) -> Response:
        project = require_project(request, slug, Role.MANAGER)
        body = read_body(request, SelectionInput)
        selection = read_selection(project, body)
        count = change_tasks(
            selection=selection,
            action=body["action"],
            arguments=body.get("arguments", {}),
            expected=body.get("expected"),
            actor=person(request),
            address=address_of(request),
        )
        return Response(ChangedOutput({"tasks": count}).data)


def read_selection(project: Project, body: dict[str, Any]) -> TaskSelection:
    """Raises: ApplicationError unless exactly one of `ids` and `filters` is there."""
    if ("ids" in body) == ("filters" in body):
        raise ApplicationError("Give either ids or filters.", extra={"field": "ids"})
    filters = TaskFilters.read(body["filters"]) if "filters" in body else None
    return TaskSelection(project, ids=body.get("ids"), filters=filters)
