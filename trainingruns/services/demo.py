"""The demo of ranking: prompts written for it, answered by a small model that runs here."""

import json
from pathlib import Path
from typing import Any

from django.db import transaction

from annotation.models import Membership, Project, Prompt, User
from annotation.permissions import Role
from annotation.services.projects import create_project
from trainingruns.lifecycle import ACTIVE
from trainingruns.models import ModelVersion, Run
from trainingruns.services.followups import fetch_base_model, start_sample_run
from trainingruns.services.runs import BASE_NAME

SLUG = "demo"
PROMPTS = Path(__file__).parents[1] / "demo" / "prompts.json"
SAMPLES_PER_PROMPT = 4
GUIDELINE = """**Rank the responses from most to least helpful.**

- Prefer the response that does what was asked, and is right.
- A shorter response that says as much is the better one.
- Responses that you would choose equally gladly share a rank.
- Put responses below the line when none of them is of any use.

They were written by a very small model; many are bad, and some are funny."""


@transaction.atomic
def load_demo() -> tuple[Project, Run | None]:
    """The project with its prompts, and the run that answers them; None when all of them are answered.

    Repeating it changes nothing that is there, and starts again what failed. Works while the broker is down.
    """
    project = Project.objects.filter(slug=SLUG).first() or _make_project()
    admit_demo_people(project)
    _add_prompts(project)
    return project, _answer(project)


def _make_project() -> Project:
    return create_project(
        name="Small model, helpful answers",
        slug=SLUG,
        kind="ranking",
        created_by=None,
        guideline=GUIDELINE,
        is_demo=True,
    )


def admit_demo_people(project: Project) -> None:
    """Makes the demo's two accounts members of a demo project: the manager, and somebody who only judges."""
    Membership.objects.get_or_create(project=project, user=_person("manager", True), defaults={"role": Role.MANAGER})
    Membership.objects.get_or_create(project=project, user=_person("demo-annotator", False))


def _person(username: str, is_staff: bool) -> User:
    user, is_new = User.objects.get_or_create(username=username, defaults={"is_staff": is_staff})
    if is_new:
        # Nobody knows a password of theirs: the way in is a one-time link, or a password set by the owner.
        user.set_unusable_password()
        user.save(update_fields=["password"])
    return user


def _add_prompts(project: Project) -> None:
    rows: list[dict[str, Any]] = json.loads(PROMPTS.read_text(encoding="utf-8"))["prompts"]
    Prompt.objects.bulk_create(
        (
            Prompt(
                project=project,
                external_id=row["id"],
                messages=[{"role": "user", "content": row["prompt"]}],
                tags=[row["domain"], row["difficulty"]],
            )
            for row in rows
        ),
        ignore_conflicts=True,
    )


def _answer(project: Project) -> Run | None:
    waiting = Run.objects.filter(project=project, state__in=ACTIVE).first()
    prompts = list(Prompt.objects.filter(project=project, responses=None).order_by("id"))
    if waiting is not None or not prompts:
        return waiting
    base = ModelVersion.objects.filter(kind=ModelVersion.Kind.POLICY, name=BASE_NAME).order_by("number").last()
    if base is not None:
        return start_sample_run(project=project, policy=base, prompts=prompts, samples_per_prompt=SAMPLES_PER_PROMPT)
    ids = [prompt.pk for prompt in prompts]
    purpose = {"then": "answer_prompts", "prompt_ids": ids, "samples_per_prompt": SAMPLES_PER_PROMPT}
    return fetch_base_model(project=project, purpose=purpose)
