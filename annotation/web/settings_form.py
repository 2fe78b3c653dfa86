"""All settings of a project, in groups, each explained; and how any part of them is stored."""

from typing import Any, ClassVar

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
    (
        "Practice and test",
        "What people do before they judge for real.",
        (
            "practice_tasks",
            "qualification_tasks",
            "pass_mark",
            "qualification_attempts",
            "qualification_skill",
            "qualification_level",
        ),
    ),
    (
        "Silent checks",
        "Mixed in between the other tasks; annotators cannot tell them apart.",
        ("gold_rate", "gold_tolerance", "repeat_rate", "repeat_after"),
    ),
    ("Training", "", ("agreement_gate",)),
)


class SettingsForm(forms.ModelForm):
    """What a manager may change; the guideline has an editor of its own."""

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
            "practice_tasks": "Practice tasks",
            "qualification_tasks": "Tasks of the test",
            "pass_mark": "Pass mark",
            "qualification_attempts": "Attempts",
            "qualification_skill": "Passing gives the skill",
            "qualification_level": "At level",
            "gold_rate": "Share of gold",
            "gold_tolerance": "Tolerance",
            "repeat_rate": "Share of repeats",
            "repeat_after": "Repeat after",
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
            "practice_tasks": "How many a person does first, with an explanation at once, as far as there are any.",
            "qualification_tasks": "0 for no test.",
            "pass_mark": "Share of the answers that must be right, from 0 to 1.",
            "qualification_attempts": "How often a person may take the test.",
            "qualification_skill": "Empty: nothing but the right to work.",
            "qualification_level": "From 1 to 5.",
            "gold_rate": "Of the tasks a person gets, from 0 to 0.5, as far as there are tasks with a known answer.",
            "gold_tolerance": "How far a score may be from the known one, as a share of the scale, and still be right.",
            "repeat_rate": "Of the tasks a person gets, from 0 to 0.5: the same task again, to see who is consistent.",
            "repeat_after": "How many other tasks lie between, at least.",
            "agreement_gate": "1 is perfect, 0 is chance. A standing order starts no training below it.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        skills: Any = self.fields["qualification_skill"]
        skills.queryset = self.instance.skills.all()

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
