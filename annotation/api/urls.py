"""Addresses of the annotation part of the API, version 1. No address ends in a slash."""

from django.urls import URLPattern, URLResolver, path, register_converter

from annotation.api.agreement import AgreementView
from annotation.api.agreement_details import AgreementPairsView, AgreementPeopleView, AgreementTrendView
from annotation.api.auth import CurrentTokenView, TokenView
from annotation.api.board import BoardView, HeldLeaseView
from annotation.api.criteria import CriteriaView, CriterionView
from annotation.api.exports import ExportView
from annotation.api.flag_list import FlagResolutionView, FlagsView
from annotation.api.flags import FlagView
from annotation.api.guidelines import GuidelineVersionsView
from annotation.api.import_jobs import (
    CancelImportView,
    ImportErrorsView,
    ImportJobsView,
    ImportJobView,
    StartImportView,
)
from annotation.api.imports import ImportView
from annotation.api.invitations import InvitationsView, InvitationView
from annotation.api.judgments import AmendView, MyJudgmentsView, MyJudgmentView, SubmitView
from annotation.api.known_answers import KnownAnswersView, KnownAnswerView
from annotation.api.lease_tokens import LeaseTokenConverter
from annotation.api.leases import DraftView, HeartbeatView, ReleaseView, SkipView
from annotation.api.me import MeView
from annotation.api.pauses import PauseDecisionView, PausesView
from annotation.api.project_reports import BiasView, ConsensusView, DataHealthView
from annotation.api.projects import ProjectsView, ProjectView
from annotation.api.row_ids import RowIdConverter
from annotation.api.shortcuts import ShortcutsView
from annotation.api.skills import PersonSkillView, SkilledPeopleView, SkillsView, SkillView
from annotation.api.tasks import ChangeTasksView, TasksView
from annotation.api.verdicts import TaskVerdictView, VerdictsView
from annotation.api.work import AcquireView

register_converter(LeaseTokenConverter, "lease")
register_converter(RowIdConverter, "row")

urlpatterns: list[URLPattern | URLResolver] = [
    path("projects/<slug:slug>/acquire", AcquireView.as_view(), name="api-acquire"),
    path("tasks/<row:task_id>/judgments", SubmitView.as_view(), name="api-submit"),
    path("leases/<lease:lease>/heartbeat", HeartbeatView.as_view(), name="api-heartbeat"),
    path("auth/token", TokenView.as_view(), name="api-token"),
    path("auth/token/current", CurrentTokenView.as_view(), name="api-current-token"),
    path("me", MeView.as_view(), name="api-me"),
    path("me/shortcuts", ShortcutsView.as_view(), name="api-shortcuts"),
    path("projects", ProjectsView.as_view(), name="api-projects"),
    path("projects/<slug:slug>", ProjectView.as_view(), name="api-project"),
    path("projects/<slug:slug>/tasks", TasksView.as_view(), name="api-tasks"),
    path("projects/<slug:slug>/tasks/change", ChangeTasksView.as_view(), name="api-change-tasks"),
    path("projects/<slug:slug>/tasks/import", ImportView.as_view(), name="api-import"),
    path("projects/<slug:slug>/board", BoardView.as_view(), name="api-board"),
    path("projects/<slug:slug>/leases/<row:slot_id>", HeldLeaseView.as_view(), name="api-held-lease"),
    path("projects/<slug:slug>/verdicts", VerdictsView.as_view(), name="api-verdicts"),
    path("tasks/<row:task_id>/verdict", TaskVerdictView.as_view(), name="api-verdict"),
    path("projects/<slug:slug>/imports", ImportJobsView.as_view(), name="api-imports"),
    path("imports/<row:import_job_id>", ImportJobView.as_view(), name="api-import-job"),
    path("imports/<row:import_job_id>/start", StartImportView.as_view(), name="api-start-import"),
    path("imports/<row:import_job_id>/cancel", CancelImportView.as_view(), name="api-cancel-import"),
    path("imports/<row:import_job_id>/errors", ImportErrorsView.as_view(), name="api-import-errors"),
    path("projects/<slug:slug>/guideline/versions", GuidelineVersionsView.as_view(), name="api-guideline-versions"),
    path("projects/<slug:slug>/invitations", InvitationsView.as_view(), name="api-invitations"),
    path("projects/<slug:slug>/invitations/<row:invitation_id>", InvitationView.as_view(), name="api-invitation"),
    path("projects/<slug:slug>/skills", SkillsView.as_view(), name="api-skills"),
    path("projects/<slug:slug>/skills/<slug:skill>", SkillView.as_view(), name="api-skill"),
    path("projects/<slug:slug>/skills/<slug:skill>/people", SkilledPeopleView.as_view(), name="api-skilled-people"),
    path(
        "projects/<slug:slug>/skills/<slug:skill>/people/<row:user_id>",
        PersonSkillView.as_view(),
        name="api-person-skill",
    ),
    path("projects/<slug:slug>/criteria", CriteriaView.as_view(), name="api-criteria"),
    path("projects/<slug:slug>/criteria/<row:criterion_id>", CriterionView.as_view(), name="api-criterion"),
    path("projects/<slug:slug>/flags", FlagsView.as_view(), name="api-flags"),
    path("projects/<slug:slug>/flags/<row:flag_id>/resolve", FlagResolutionView.as_view(), name="api-resolve-flag"),
    path("projects/<slug:slug>/pauses", PausesView.as_view(), name="api-pauses"),
    path("projects/<slug:slug>/pauses/<row:pause_id>/decide", PauseDecisionView.as_view(), name="api-decide-pause"),
    path("projects/<slug:slug>/known-answers", KnownAnswersView.as_view(), name="api-known-answers"),
    path("tasks/<row:task_id>/known-answer", KnownAnswerView.as_view(), name="api-known-answer"),
    path("projects/<slug:slug>/agreement", AgreementView.as_view(), name="api-agreement"),
    path("projects/<slug:slug>/agreement/trend", AgreementTrendView.as_view(), name="api-agreement-trend"),
    path("projects/<slug:slug>/agreement/pairs", AgreementPairsView.as_view(), name="api-agreement-pairs"),
    path("projects/<slug:slug>/agreement/people", AgreementPeopleView.as_view(), name="api-agreement-people"),
    path("projects/<slug:slug>/consensus", ConsensusView.as_view(), name="api-consensus"),
    path("projects/<slug:slug>/bias", BiasView.as_view(), name="api-bias"),
    path("projects/<slug:slug>/data-health", DataHealthView.as_view(), name="api-data-health"),
    path("projects/<slug:slug>/export", ExportView.as_view(), name="api-export"),
    path("leases/<lease:lease>/release", ReleaseView.as_view(), name="api-release"),
    path("leases/<lease:lease>/skip", SkipView.as_view(), name="api-skip"),
    path("leases/<lease:lease>/draft", DraftView.as_view(), name="api-draft"),
    path("tasks/<row:task_id>/flag", FlagView.as_view(), name="api-flag"),
    path("judgments", MyJudgmentsView.as_view(), name="api-judgments"),
    path("judgments/<row:judgment_id>", MyJudgmentView.as_view(), name="api-judgment"),
    path("judgments/<row:judgment_id>/amend", AmendView.as_view(), name="api-amend"),
]
