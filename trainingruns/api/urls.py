"""Addresses of the training part of the API, version 1. No address ends in a slash."""

# The converter `row` is registered by the annotation part, whose addresses come before these.
from django.urls import URLPattern, URLResolver, path

import annotation.api.urls  # noqa: F401
from trainingruns.api.loops import LoopView
from trainingruns.api.models import ComparisonsView, LineageView, StageView, VersionsView, VersionView
from trainingruns.api.runs import CancelView, MetricsView, ResumeView, RunsView, RunView
from trainingruns.api.snapshots import SnapshotsView

urlpatterns: list[URLPattern | URLResolver] = [
    path("projects/<slug:slug>/snapshots", SnapshotsView.as_view(), name="api-snapshots"),
    path("projects/<slug:slug>/runs", RunsView.as_view(), name="api-runs"),
    path("projects/<slug:slug>/models", VersionsView.as_view(), name="api-models"),
    path("projects/<slug:slug>/loop", LoopView.as_view(), name="api-loop"),
    path("runs/<row:run_id>", RunView.as_view(), name="api-run"),
    path("runs/<row:run_id>/cancel", CancelView.as_view(), name="api-cancel"),
    path("runs/<row:run_id>/resume", ResumeView.as_view(), name="api-resume"),
    path("runs/<row:run_id>/metrics", MetricsView.as_view(), name="api-metrics"),
    path("models/<row:version_id>", VersionView.as_view(), name="api-model"),
    path("models/<row:version_id>/stage", StageView.as_view(), name="api-stage"),
    path("models/<row:version_id>/comparisons", ComparisonsView.as_view(), name="api-comparisons"),
    path("models/<row:version_id>/lineage", LineageView.as_view(), name="api-lineage"),
]
