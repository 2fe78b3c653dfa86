"""Addresses of the pages on which people judge and manage."""

from django.urls import URLPattern, URLResolver, path

from annotation.web import (
    adjudication,
    agreement,
    board,
    data,
    history,
    imports,
    judge,
    kept_answers,
    people,
    project_reports,
    projects,
    task_bulk,
    tasks,
    tokens,
    work,
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("", work.show_work, name="work"),
    path("account/tokens/", tokens.show_tokens, name="tokens"),
    path("account/tokens/<int:token_id>/revoke/", tokens.end_token, name="revoke_token"),
    path("judgments/<int:judgment_id>/edit/", judge.edit_judgment, name="edit_judgment"),
    path("judgments/<int:judgment_id>/history/", history.show_history, name="history"),
    path("projects/new/", projects.make_project, name="new_project"),
    path("projects/<slug:slug>/", projects.show_project, name="project"),
    path("projects/<slug:slug>/settings/", projects.change_project, name="project_settings"),
    path("projects/<slug:slug>/judge/", judge.show_judge, name="judge"),
    path("projects/<slug:slug>/board/", board.show_board, name="board"),
    path("projects/<slug:slug>/board/live/", board.show_board_live, name="board_live"),
    path("projects/<slug:slug>/board/release/", board.release_lease, name="release_lease"),
    path("projects/<slug:slug>/tasks/", tasks.show_tasks, name="tasks"),
    path("projects/<slug:slug>/tasks/change/", task_bulk.change_tasks, name="change_tasks"),
    path("projects/<slug:slug>/tasks/<int:task_id>/", tasks.show_task, name="task"),
    path("projects/<slug:slug>/tasks/<int:task_id>/verdict/", adjudication.decide, name="verdict"),
    path("projects/<slug:slug>/adjudication/", adjudication.show_queue, name="adjudication"),
    path("projects/<slug:slug>/flags/<int:flag_id>/resolve/", tasks.settle_flag, name="settle_flag"),
    path("projects/<slug:slug>/late/", kept_answers.show_kept_answers, name="kept_answers"),
    path("projects/<slug:slug>/late/<int:kept_answer_id>/", kept_answers.decide_kept_answer, name="decide_kept_answer"),
    path("projects/<slug:slug>/agreement/", agreement.show_agreement, name="agreement"),
    path("projects/<slug:slug>/consensus/", project_reports.show_consensus, name="consensus"),
    path("projects/<slug:slug>/bias/", project_reports.show_bias, name="bias"),
    path("projects/<slug:slug>/data-health/", project_reports.show_data_health, name="data_health"),
    path("projects/<slug:slug>/data/", data.show_data, name="data"),
    path("projects/<slug:slug>/data/imports/", imports.show_imports, name="imports"),
    path("projects/<slug:slug>/data/imports/<int:import_job_id>/", imports.show_import, name="import_job"),
    path("projects/<slug:slug>/data/imports/<int:import_job_id>/live/", imports.show_import_live, name="import_live"),
    path("projects/<slug:slug>/data/imports/<int:import_job_id>/start/", imports.begin_import, name="start_import"),
    path("projects/<slug:slug>/data/imports/<int:import_job_id>/cancel/", imports.stop_import, name="cancel_import"),
    path(
        "projects/<slug:slug>/data/imports/<int:import_job_id>/errors/", imports.download_errors, name="import_errors"
    ),
    path("projects/<slug:slug>/people/", people.show_people, name="people"),
    path("projects/<slug:slug>/people/change/", people.change_member, name="change_member"),
]
