"""Rows and their constraints, one noun a file. Every write goes through annotation.services."""

from annotation.models.access import ApiToken
from annotation.models.audit import AuditEvent
from annotation.models.guideline import GuidelineVersion
from annotation.models.import_job import ImportJob
from annotation.models.invitation import Invitation, InvitationUse
from annotation.models.judgment import Draft, Judgment, KeptAnswer, Preference, Score
from annotation.models.project import Criterion, FeedbackKind, Membership, Project
from annotation.models.project_report import ProjectReport
from annotation.models.prompt import Prompt, Response
from annotation.models.prompt_embedding import PromptEmbedding
from annotation.models.quality import Pause, QualificationAttempt
from annotation.models.report import AgreementDetail, AgreementReport, AgreementTotals, PersonFigures
from annotation.models.shortcut import Shortcut
from annotation.models.skill import PersonSkill, Skill, WorkCursor, WorkQueue
from annotation.models.task import Flag, Skip, Slot, Task, TaskResponse
from annotation.models.task_index import CriterionSplit, TaskSplit, TaskText
from annotation.models.user import User
from annotation.models.verdict import Verdict

__all__ = [
    "AgreementDetail",
    "AgreementReport",
    "AgreementTotals",
    "ApiToken",
    "AuditEvent",
    "Criterion",
    "CriterionSplit",
    "Draft",
    "FeedbackKind",
    "Flag",
    "GuidelineVersion",
    "ImportJob",
    "Invitation",
    "InvitationUse",
    "Judgment",
    "KeptAnswer",
    "Membership",
    "Pause",
    "PersonFigures",
    "PersonSkill",
    "Preference",
    "Project",
    "ProjectReport",
    "Prompt",
    "PromptEmbedding",
    "QualificationAttempt",
    "Response",
    "Score",
    "Shortcut",
    "Skill",
    "Skip",
    "Slot",
    "Task",
    "TaskResponse",
    "TaskSplit",
    "TaskText",
    "User",
    "Verdict",
    "WorkCursor",
    "WorkQueue",
]
