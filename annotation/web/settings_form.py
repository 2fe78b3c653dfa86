"""The settings of a project, in groups, each explained; and how any part of them is stored.

The guideline, the criteria and quality control have pages of their own.
"""

from typing import ClassVar

from django import forms
from django.contrib import messages
from django.http import HttpRequest

from annotation.exceptions import ApplicationError
from annotation.models import Project
from annotation.services.projects import update_project
from annotation.web.edge import address_of, person
from annotation.web.forms import add_faults

GROUPS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("Project", "", ("name", "is_open", "judgments_per_task", "reserve_slots")),
    (
        "Giving out work",
        "A lease keeps a task for one person while they work on it.",
        ("lease_seconds", "lease_limit_seconds", "widen_seconds", "skips_per_day", "skips_to_hold"),
    ),
    ("Training", "", ("agreement_gate",)),
)


class SettingsForm(forms.ModelForm):
    """What a manager may change here."""

    class Meta:
        model = Project
        fields = tuple(name for _, _, names in GROUPS for name in names)
        labels: ClassVar = {
            "is_open": "Open for judging",
            "judgments_per_task": "Judgments a task",
            "reserve_slots": "In reserve",
            "lease_seconds": "A lease lasts (seconds)",
            "lease_limit_seconds": "At most, in all (seconds)",
            "widen_seconds": "Kept for the better qualified (seconds)",
            "skips_per_day": "Skips a day",
            "skips_to_hold": "Skippers that hold a task",
            "agreement_gate": "Agreement that training waits for (alpha)",
        }
        help_texts: ClassVar = {
            "name": "As people see it in the header.",
            "is_open": "Closed, nobody is given a task; what people hold they may finish.",
            "judgments_per_task": "How many people judge each task. Agreement needs at least two.",
            "reserve_slots": "How many more judgments a manager may ask for on one task.",
            "lease_seconds": "After the last sign of life. Then the task goes to somebody else.",
            "lease_limit_seconds": "However active the person is.",
            "widen_seconds": "A task that asks for a skill waits so long for the best; 0 offers it to all at once.",
            "skips_per_day": "How many tasks one person may skip in 24 hours; empty for no limit.",
            "skips_to_hold": "A task that so many people skipped waits for a manager.",
            "agreement_gate": "1 is perfect, 0 is chance. A standing order starts no training below it.",
        }

    def groups(self) -> list[tuple[str, str, list[forms.BoundField]]]:
        """The fields as the page shows them."""
        return [(title, text, [self[name] for name in names]) for title, text, names in GROUPS]


def save_settings(request: HttpRequest, project: Project, form: forms.ModelForm) -> bool:
    """Whether the form was sent and its settings are stored; what keeps them out stands beside its fields then."""
    if request.method != "POST" or not form.is_valid():
        return False
    try:
        update_project(project=project, actor=person(request), address=address_of(request), **form.cleaned_data)
    except ApplicationError as error:
        add_faults(form, error)
        return False
    messages.success(request, "Saved.")
    return True
