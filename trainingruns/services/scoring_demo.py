"""The demo of scoring: responses written for it, most of them scored already by made-up annotators."""

from pathlib import Path

from django.contrib.auth.hashers import make_password
from django.db import transaction

from annotation.importers.concord import read_prompts
from annotation.models import Membership, Project, User
from annotation.permissions import Role
from annotation.presets import PRESETS
from annotation.services.importing import import_prompts
from annotation.services.projects import create_project
from trainingruns.services.demo import admit_demo_people

SLUG = "demo-scores"
SCORES = Path(__file__).parents[1] / "demo" / "scores.jsonl"
ANNOTATORS = tuple(f"simulated/demo/{name}" for name in ("ada", "ben", "cleo"))
"""Who judged in the file; the slash keeps these names apart from every name one can sign up with."""
WANTED = 5
"""Judgments a task: three that are there at most, and two more for people who want to try it."""
OPTIONAL = "correctness"
GUIDELINE = """

- *Correctness* is for what can be true or false. A verse or a polite letter is neither: choose *n/a*.
- Where a score needs a reason, give one, and quote the words that decided it.

The responses were written for this demo, and so were the judgments that are here already."""


@transaction.atomic
def load_scoring_demo() -> Project:
    """The project with its tasks and first judgments. Repeating it changes nothing that is there.

    The judgments are of simulated annotators, and so marked wherever they show.
    Raises: Conflict(code="slug_taken") where somebody else's project has its address.
    """
    project = Project.objects.filter(slug=SLUG, is_demo=True).first() or _make_project()
    admit_demo_people(project)
    return project


def _make_project() -> Project:
    preset = PRESETS["rubric"]
    project = create_project(
        name="Short answers, three criteria",
        slug=SLUG,
        kind=preset.kind,
        created_by=None,
        guideline=preset.guideline + GUIDELINE,
        criteria=[each | {"required": each["name"] != OPTIONAL} for each in preset.criteria],
        judgments_per_task=WANTED,
        is_demo=True,
    )
    for name in ANNOTATORS:
        _admit_simulated(project, name)
    with SCORES.open("rb") as lines:
        import_prompts(project=project, prompts=read_prompts(lines), actor=None, origin="demo")
    return project


def _admit_simulated(project: Project, username: str) -> None:
    user, _ = User.objects.get_or_create(
        username=username,
        defaults={"origin": User.Origin.SIMULATED, "is_active": False, "password": make_password(None)},
    )
    Membership.objects.get_or_create(project=project, user=user, defaults={"role": Role.ANNOTATOR})
