"""The tasks of a project, for those who review and manage it."""

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.base import ApiView, paginate, require_project
from annotation.api.pagination import PAGE_PARAMETERS, page_of
from annotation.api.schema import describe
from annotation.exceptions import ApplicationError
from annotation.models import Task
from annotation.permissions import Role
from annotation.selectors.task_rows import tasks_with_counts


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
            OpenApiParameter("state", str, enum=Task.State.values),
            OpenApiParameter("origin", str, description="What made them, for instance `import` or `run:12`."),
        ],
        tag="projects",
    )
    def get(self, request: Request, slug: str) -> Response:
        tasks = tasks_with_counts(project=require_project(request, slug, Role.REVIEWER))
        state, origin = request.query_params.get("state"), request.query_params.get("origin")
        if state is not None and state not in Task.State.values:
            raise ApplicationError(f"state is one of {', '.join(Task.State.values)}.", extra={"field": "state"})
        tasks = tasks.filter(state=state) if state is not None else tasks
        tasks = tasks.filter(origin=origin) if origin is not None else tasks
        return paginate(self, request, tasks, TaskOutput, filters=("state", "origin"))
