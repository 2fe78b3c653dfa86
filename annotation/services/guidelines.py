"""A project's guideline: written anew, kept as versions."""

from django.db import transaction

from annotation.exceptions import ApplicationError, Conflict
from annotation.models import GuidelineVersion, Project, User
from annotation.permissions import Role, require_role
from annotation.services.projects import update_project

LONGEST_TEXT = 100_000
LONGEST_NOTE = 300


@transaction.atomic
def write_guideline(
    *, project: Project, text: str, version: int, actor: User, note: str = "", address: str | None = None
) -> GuidelineVersion:
    """A new version of the guideline; the same text again is the version that stands.

    version: the one that the writer began from. note: what changed, for the annotators.
    Raises: NotPermitted, NotFound, ApplicationError; Conflict(code="guideline_changed") where somebody else has
    written one since.
    """
    require_role(user=actor, project=project, role=Role.MANAGER)
    text, note = text.replace("\r\n", "\n").strip(), note.strip()
    for name, value, longest in (("text", text, LONGEST_TEXT), ("note", note, LONGEST_NOTE)):
        if len(value) > longest or "\0" in value:
            raise ApplicationError(
                f"The {name} takes at most {longest:,} characters and no NUL.", extra={"field": name}
            )
    row = Project.objects.select_for_update().get(pk=project.pk)
    if row.guideline != text and row.guideline_version != version:
        raise Conflict(
            f"Somebody wrote version {row.guideline_version} while you were at version {version}. Compare the two; "
            "what you wrote is still in the form.",
            code="guideline_changed",
            extra={"version": row.guideline_version},
        )
    row = update_project(project=row, actor=actor, guideline=text, address=address)
    kept, _ = GuidelineVersion.objects.get_or_create(
        project=row, number=row.guideline_version, defaults={"text": text, "author": actor}
    )
    if row.guideline_version != version and note:
        kept.note = note
        kept.save(update_fields=["note"])
    return kept
