"""Addresses of the pages on which models are trained and kept."""

from django.urls import URLPattern, URLResolver, path

from trainingruns.web import fragments, models, runs

urlpatterns: list[URLPattern | URLResolver] = [
    path("projects/<slug:slug>/models/", models.show_models, name="models"),
    path("projects/<slug:slug>/runs/", fragments.show_project_runs, name="project_runs"),
    path("projects/<slug:slug>/snapshots/", fragments.show_snapshots, name="project_snapshots"),
    path("models/<int:version_id>/", models.show_version, name="model_version"),
    path("models/<int:version_id>/stage/", models.change_stage, name="change_stage"),
    path("models/<int:version_id>/compare/", models.compare_version, name="compare_version"),
    path("runs/<int:run_id>/", runs.show_run, name="run"),
    path("runs/<int:run_id>/live/", runs.show_live, name="run_live"),
    path("runs/<int:run_id>/stop/", runs.stop_run, name="stop_run"),
    path("runs/<int:run_id>/resume/", runs.go_on, name="resume_run"),
    path("runs/<int:run_id>/preview/", runs.preview, name="preview_run"),
    path("runs/<int:run_id>/start/", runs.start_what_was_previewed, name="start_previewed"),
    path("help/metrics/", models.show_metric_words, name="metric_words"),
]
