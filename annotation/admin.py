"""Raw rows for administrators. What is append-only in the database is read-only here; work goes through the pages."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest

from annotation import models


class ReadOnly(admin.ModelAdmin):
    """Rows that only services write: to look at, not to touch."""

    show_full_result_count = False
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(models.User)
class PersonAdmin(UserAdmin):
    list_display = ("username", "pseudonym", "origin", "is_active", "is_staff", "last_login")
    list_filter = ("origin", "is_active", "is_staff")
    search_fields = ("username", "pseudonym", "email")
    readonly_fields = ("pseudonym", "origin", "last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("username", "password", "pseudonym", "origin")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("Rights", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Times", {"fields": ("last_login", "date_joined")}),
    )


@admin.register(models.Project)
class ProjectAdmin(ReadOnly):
    list_display = ("slug", "name", "kind", "judgments_per_task", "is_open", "created_at")
    list_filter = ("kind", "is_open")
    search_fields = ("slug", "name")


@admin.register(models.Criterion)
class CriterionAdmin(ReadOnly):
    list_display = ("project", "name", "minimum", "maximum", "step", "required")
    list_select_related = ("project",)
    search_fields = ("name", "project__slug")


@admin.register(models.Membership)
class MembershipAdmin(ReadOnly):
    list_display = ("project", "user", "role", "created_at")
    list_select_related = ("project", "user")
    list_filter = ("role",)
    search_fields = ("project__slug", "user__username")


@admin.register(models.Prompt)
class PromptAdmin(ReadOnly):
    list_display = ("external_id", "project", "created_at")
    list_select_related = ("project",)
    search_fields = ("external_id",)


@admin.register(models.Response)
class ResponseAdmin(ReadOnly):
    list_display = ("key", "prompt", "source", "created_at")
    list_select_related = ("prompt",)
    search_fields = ("source", "prompt__external_id")


@admin.register(models.Task)
class TaskAdmin(ReadOnly):
    list_display = ("external_id", "project", "kind", "state", "priority", "origin")
    list_select_related = ("project",)
    list_filter = ("state", "kind")
    search_fields = ("external_id",)


@admin.register(models.Slot)
class SlotAdmin(ReadOnly):
    list_display = ("task", "number", "state", "annotator", "lease_expires_at", "heartbeat_at")
    list_select_related = ("task", "annotator")
    list_filter = ("state",)
    search_fields = ("task__external_id",)
    exclude = ("lease_token",)


@admin.register(models.Judgment)
class JudgmentAdmin(ReadOnly):
    list_display = ("id", "project", "task", "annotator", "revision", "is_current", "is_imported", "created_at")
    list_select_related = ("project", "task", "annotator")
    list_filter = ("kind", "is_current", "is_imported")
    search_fields = ("task__external_id", "annotator__pseudonym")
    exclude = ("lease_token",)


@admin.register(models.KeptAnswer)
class KeptAnswerAdmin(ReadOnly):
    list_display = ("task", "annotator", "state", "reason", "created_at")
    list_select_related = ("task", "annotator")
    list_filter = ("state",)


@admin.register(models.Flag)
class FlagAdmin(ReadOnly):
    list_display = ("task", "annotator", "reason", "created_at", "resolved_at")
    list_select_related = ("task", "annotator")


@admin.register(models.Skip)
class SkipAdmin(ReadOnly):
    list_display = ("task", "annotator", "reason", "created_at")
    list_select_related = ("task", "annotator")


@admin.register(models.ApiToken)
class ApiTokenAdmin(ReadOnly):
    list_display = ("prefix", "name", "user", "created_at", "expires_at", "revoked_at", "last_used_at")
    list_select_related = ("user",)
    exclude = ("digest",)


@admin.register(models.AgreementReport)
class AgreementReportAdmin(ReadOnly):
    list_display = ("project", "judgments", "annotators", "simulated_judgments", "seconds", "computed_at")
    list_select_related = ("project",)


@admin.register(models.AuditEvent)
class AuditEventAdmin(ReadOnly):
    list_display = ("at", "actor", "action", "object_type", "object_id", "project_id", "address")
    list_select_related = ("actor",)
    list_filter = ("action",)
    search_fields = ("object_id", "actor__username")


@admin.register(models.Skill)
class SkillAdmin(ReadOnly):
    list_display = ("project", "name", "label")
    list_select_related = ("project",)


@admin.register(models.PersonSkill)
class PersonSkillAdmin(ReadOnly):
    list_display = ("skill", "person", "level", "standing", "measured_at")
    list_select_related = ("skill", "person")
