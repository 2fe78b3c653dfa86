"""Versions of a project's guideline, and whom a change is news to."""

from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from annotation.exceptions import NotFound
from annotation.models import GuidelineVersion, Judgment, Project, User


def guideline_versions(*, project: Project) -> QuerySet[GuidelineVersion]:
    """All versions, newest first, each with `judgments`: how many current ones were made under it."""
    under = Judgment.objects.filter(project=project, is_current=True, guideline_version=OuterRef("number")).order_by()
    counted = under.values("guideline_version").annotate(count=Count("pk")).values("count")
    return (
        GuidelineVersion.objects.filter(project=project)
        .select_related("author")
        .annotate(judgments=Coalesce(Subquery(counted, output_field=IntegerField()), 0))
        .order_by("-number")
    )


def find_version(*, project: Project, number: int) -> GuidelineVersion:
    """Raises: NotFound, also for a version written before versions were kept."""
    found = GuidelineVersion.objects.filter(project=project, number=number).select_related("author").first()
    if found is None:
        raise NotFound(f"The text of version {number} was not kept.")
    return found


def version_last_worked_under(*, user: User, project: Project) -> int | None:
    """The older version under which this person last judged here; None where nothing is news to them.

    Imported judgments were made without our guideline.
    """
    latest = (
        Judgment.objects.filter(annotator=user, project=project, is_imported=False)
        .order_by("-created_at")
        .values_list("guideline_version", flat=True)
        .first()
    )
    return latest if latest is not None and latest < project.guideline_version else None
