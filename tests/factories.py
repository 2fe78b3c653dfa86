"""Rows for tests, by plain functions: each makes what it is named for, complete and valid."""

from collections.abc import Sequence
from itertools import count
from typing import Any

from annotation.models import Membership, Project, Prompt, Response, Slot, Task, TaskResponse, User
from annotation.services.task_rows import build_places, build_slots

_numbers = count(1)


def make_user(name: str = "", *, origin: str = "member") -> User:
    """Somebody; only members can sign in."""
    username = name or f"person{next(_numbers)}"
    user = User(username=username, origin=origin, is_active=origin == "member")
    user.set_unusable_password()
    user.save()
    return user


def make_member(project: Project, role: str = "annotator", name: str = "") -> User:
    """Somebody with a role in the project."""
    user = make_user(name)
    Membership.objects.create(project=project, user=user, role=role)
    return user


def make_project(*, kind: str = "ranking", judgments_per_task: int = 2, **fields: Any) -> Project:
    """A project without people, criteria or tasks."""
    slug = fields.pop("slug", f"project-{next(_numbers)}")
    return Project.objects.create(slug=slug, name=slug, kind=kind, judgments_per_task=judgments_per_task, **fields)


def make_task(project: Project, keys: Sequence[str] = ("a", "b"), *, text: str = "", **fields: Any) -> Task:
    """A task with a prompt of its own, one response a key, and its slots."""
    external_id = fields.pop("external_id", f"q-{next(_numbers)}")
    messages = [{"role": "user", "content": text or f"What is {external_id}?"}]
    prompt = Prompt.objects.create(project=project, external_id=external_id, messages=messages)
    responses = [
        Response.objects.create(prompt=prompt, key=key, text=f"Answer {key}.", source=f"model-{key}") for key in keys
    ]
    task = Task.objects.create(project=project, prompt=prompt, external_id=external_id, kind=project.kind, **fields)
    TaskResponse.objects.bulk_create(build_places(task, responses))
    Slot.objects.bulk_create(build_slots(task, project))
    return task


def ranking(*tiers: Sequence[str], **fields: Any) -> dict[str, Any]:
    """A ranking's answer: `ranking("b", "ac")` puts b first and ties a and c."""
    return {"tiers": [list(tier) for tier in tiers], **fields}
