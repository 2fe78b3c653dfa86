"""Shapes of the forms. They check form only; what is allowed, the services say."""

from collections.abc import Iterable
from typing import Any

from django import forms

from annotation.exceptions import ApplicationError
from annotation.models import Membership
from annotation.presets import PRESETS

SHORT_NAME = "Letters from a to z, digits, hyphens and underscores only; no blanks."
"""What a short name may be, to somebody who wrote another."""


class NewProjectForm(forms.Form):
    """Name and preset of a new project."""

    name = forms.CharField(max_length=200, help_text="As people see it, for instance “Helpful answers, round 3”.")
    slug = forms.SlugField(
        max_length=80,
        label="Short name",
        help_text="For addresses and commands: letters, digits, hyphens.",
        error_messages={"invalid": SHORT_NAME},
    )
    preset = forms.ChoiceField(
        choices=[(key, preset.label) for key, preset in PRESETS.items()], label="Kind of feedback"
    )
    judgments_per_task = forms.IntegerField(
        min_value=1,
        max_value=50,
        initial=3,
        label="Judgments a task",
        help_text="How many people judge each task. Agreement needs at least two.",
    )


class MemberForm(forms.Form):
    """Whom to add, and as what."""

    who = forms.CharField(max_length=254, label="User name or e-mail")
    role = forms.ChoiceField(choices=Membership.Role.choices)


class RoleForm(forms.Form):
    """A member's new role, or their leaving."""

    user = forms.IntegerField(min_value=1)
    role = forms.ChoiceField(choices=[*Membership.Role.choices, ("", "remove")], required=False)


class ImportForm(forms.Form):
    """A file to import; its size is checked as it is stored."""

    file = forms.FileField(label="File", help_text="JSON Lines, JSON, CSV or Parquet; packed by gzip or not.")


class TokenForm(forms.Form):
    """A name for a new API token and how long it lives."""

    name = forms.CharField(max_length=100, help_text="What uses it, so that you know which one to revoke.")
    days = forms.TypedChoiceField(
        choices=[("30", "30 days"), ("90", "90 days"), ("365", "a year"), ("", "until revoked")],
        coerce=int,
        empty_value=None,
        required=False,
        label="Valid for",
    )


def add_faults(form: forms.BaseForm, error: ApplicationError) -> None:
    """Puts what a service refused beside the fields that it speaks of."""
    faults: Iterable[dict[str, Any]] = error.extra.get("faults") or [
        {"field": error.extra.get("field"), "message": error.message}
    ]
    for fault in faults:
        field = fault["field"] if fault["field"] in form.fields else None
        form.add_error(field, fault["message"])
