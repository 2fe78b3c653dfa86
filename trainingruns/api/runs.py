"""Runs: starting, watching and cancelling them."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.base import ApiView, paginate, person, require_project
from annotation.api.bodies import StrictSerializer, read_body
from annotation.api.pagination import PAGE_PARAMETERS, NewestFirst, page_of
from annotation.api.schema import describe
from annotation.exceptions import NotFound
from annotation.models import Project
from annotation.permissions import Role
from trainingruns.api.shapes import MetricOutput, RunDetailOutput, RunOutput
from trainingruns.models import POLICY_KINDS, ModelVersion, Run
from trainingruns.selectors.registry import versions_of
from trainingruns.selectors.runs import get_run, runs_of, snapshots_of
from trainingruns.services.resuming import resume_run
from trainingruns.services.reward_sources import MOST_MEMBERS
from trainingruns.services.runs import cancel_run, start_run
from trainingruns.wishes import AGAINST, asking_overrides, fault_of_against, fault_of_serving, serving_purpose


class RunInput(StrictSerializer):
    kind = serializers.ChoiceField([choice for choice in Run.Kind.choices if choice[0] != Run.Kind.PREVIEW])
    snapshot_id = serializers.IntegerField(min_value=1, required=False)
    base_version_id = serializers.IntegerField(min_value=1, required=False)
    reward_version_id = serializers.IntegerField(
        min_value=1,
        required=False,
        help_text="A policy run: by default the champion, else the newest; beside `groups_run_id` none, and one that "
        "is named has its score added to people's.",
    )
    ensemble_version_ids = serializers.ListField(
        child=serializers.IntegerField(min_value=1),
        required=False,
        max_length=MOST_MEMBERS,
        help_text="A policy run: reward models that score beside the first; where they differ less is given.",
    )
    groups_run_id = serializers.IntegerField(
        min_value=1,
        required=False,
        help_text="A policy run: learn from what people said of the responses of this sample run, and from that alone "
        "unless `reward_version_id` names a reward model.",
    )
    people_every_steps = serializers.IntegerField(
        min_value=1,
        required=False,
        help_text="A policy run: let people compare its answers with the reference's after every so many steps.",
    )
    config = serializers.DictField(required=False, help_text="Laid over the kind's recipe.")
    overrides = serializers.ListField(child=serializers.CharField(max_length=300), required=False, max_length=100)
    serve_blind_tasks = serializers.BooleanField(
        required=False,
        help_text="A policy run: let people compare its responses with those of the policies that `against` names. A "
        "sample run: let people rank its responses.",
    )
    against = serializers.ChoiceField(
        list(AGAINST.items()),
        required=False,
        help_text="Beside `serve_blind_tasks` of a policy run: whose responses its own are compared with. `champion` "
        "(the default; the reference where there is no other champion), `reference` (what it started from) or `both`.",
    )
    preview = serializers.BooleanField(
        required=False, help_text="Train nothing: `result` then shows, token by token, what one sample would teach."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """People judge only what a run answers; whom to compare with is said only where something is compared."""
        kind, wanted = attrs["kind"], attrs.get("serve_blind_tasks", False)
        makes_policy = kind in POLICY_KINDS
        if fault := fault_of_against(attrs.get("against"), wanted=wanted, makes_policy=makes_policy):
            raise serializers.ValidationError({"against": [fault]})
        if fault := fault_of_serving(wanted=wanted, makes_policy=makes_policy, samples=kind == Run.Kind.SAMPLE):
            raise serializers.ValidationError({"serve_blind_tasks": [fault]})
        return attrs


class CancelInput(StrictSerializer):
    keep_checkpoint = serializers.BooleanField(required=False, default=True)


class StepOrder(NewestFirst):
    ordering = "step"


class RunsView(ApiView):
    @describe(
        "list_runs",
        "The project's runs.",
        gives={200: page_of(RunOutput)},
        fails=(400, 403, 404),
        parameters=PAGE_PARAMETERS,
        tag="training",
    )
    def get(self, request: Request, slug: str) -> Response:
        project = require_project(request, slug, Role.REVIEWER)
        return paginate(self, request, runs_of(project=project).select_related("project"), RunOutput)

    @describe(
        "start_run",
        "Start a run. A configuration that cannot be used is refused before the run exists; `extra.faults` lists every "
        "fault by its key.",
        request=RunInput,
        gives={201: RunDetailOutput},
        fails=(400, 403, 404, 413, 415),
        tag="training",
    )
    def post(self, request: Request, slug: str) -> Response:
        project = require_project(request, slug, Role.MANAGER)
        body = read_body(request, RunInput)
        serves, is_preview = body.pop("serve_blind_tasks", False), body.pop("preview", False)
        parts = _parts(project, body)
        run = start_run(
            project=project,
            created_by=person(request),
            purpose=serving_purpose(body["kind"], wanted=serves, against=body.pop("against", None)),
            is_preview=is_preview,
            overrides=[*asking_overrides(body.pop("people_every_steps", None)), *body.pop("overrides", [])],
            **parts,
            **body,
        )
        return Response(RunDetailOutput(run).data, status=201)


class RunView(ApiView):
    @describe(
        "get_run",
        "One run with its state, progress and outcome.",
        gives={200: RunDetailOutput},
        fails=(403, 404),
        tag="training",
    )
    def get(self, request: Request, run_id: int) -> Response:
        return Response(RunDetailOutput(get_run(user=person(request), run_id=run_id)).data)


class CancelView(ApiView):
    @describe(
        "cancel_run",
        "Ask a run to stop. Asking twice changes nothing; a run that has ended answers 409.",
        request=CancelInput,
        gives={200: RunOutput},
        fails=(400, 403, 404, 409, 413, 415),
        tag="training",
    )
    def post(self, request: Request, run_id: int) -> Response:
        run = get_run(user=person(request), run_id=run_id, role=Role.MANAGER)
        body = read_body(request, CancelInput)
        return Response(RunOutput(cancel_run(run=run, actor=person(request), **body)).data)


class ResumeView(ApiView):
    @describe(
        "resume_run",
        "Take up a cancelled run at its checkpoint. Asking twice changes nothing; a run without a checkpoint answers "
        "409.",
        gives={200: RunOutput},
        fails=(403, 404, 409),
        tag="training",
    )
    def post(self, request: Request, run_id: int) -> Response:
        run = get_run(user=person(request), run_id=run_id, role=Role.MANAGER)
        return Response(RunOutput(resume_run(run=run, actor=person(request))).data)


class MetricsView(ApiView):
    @describe(
        "list_metrics",
        "The run's metrics, step by step.",
        gives={200: page_of(MetricOutput)},
        fails=(400, 403, 404),
        parameters=PAGE_PARAMETERS,
        tag="training",
    )
    def get(self, request: Request, run_id: int) -> Response:
        run = get_run(user=person(request), run_id=run_id)
        return paginate(self, request, run.metrics.all(), MetricOutput, pages=StepOrder)


def _parts(project: Project, body: dict[str, Any]) -> dict[str, Any]:
    """The rows that the ids stand for, all of this project or of none. Raises: NotFound."""
    versions = versions_of(project=project)
    sources: dict[str, Any] = {
        "snapshot": snapshots_of(project=project),
        "base_version": versions,
        "reward_version": versions,
    }
    found = {}
    for name, rows in sources.items():
        row_id = body.pop(f"{name}_id", None)
        if row_id is not None:
            found[name] = rows.filter(pk=row_id).first()
            if found[name] is None:
                raise NotFound(f"{name}_id: this project has none with the id {row_id}.")
    return {**found, **_sources_of_reward(project, body)}


def _sources_of_reward(project: Project, body: dict[str, Any]) -> dict[str, Any]:
    """Further reward models, and the sample run that people judged. Raises: NotFound."""
    ids = body.pop("ensemble_version_ids", [])
    known = versions_of(project=project).filter(kind=ModelVersion.Kind.REWARD).in_bulk(ids)
    for version_id in ids:
        if version_id not in known:
            raise NotFound(f"ensemble_version_ids: this project has no reward model with the id {version_id}.")
    groups_run_id = body.pop("groups_run_id", None)
    groups_run = runs_of(project=project).filter(pk=groups_run_id).first() if groups_run_id else None
    if groups_run_id and groups_run is None:
        raise NotFound(f"groups_run_id: this project has no run with the id {groups_run_id}.")
    return {"ensemble": [known[version_id] for version_id in ids], "groups_run": groups_run}
