"""What a person ranked last, as far as it tells whether the next ranking would be one too many of a kind."""

from annotation.models import Judgment, Project, User
from annotation.quality.signals import LONGEST_ROW, Habits, habits_after


def my_habits(*, user: User, project: Project) -> Habits:
    """The habits of a person in a project; one query of a few rows."""
    latest = Judgment.objects.filter(annotator=user).order_by("-created_at")[: LONGEST_ROW - 1]
    rows = latest.values_list("project_id", "shown_order", "tiers")
    return habits_after([(shown, tiers) for project_id, shown, tiers in rows if project_id == project.pk])
