"""Hostile text everywhere people read it: nothing runs, nothing is fetched from elsewhere, the policy is never hit."""

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import CharField, JSONField, TextField, Value
from django.db.models.functions import Cast, Concat
from playwright.sync_api import Page, expect

from annotation.models import Criterion, Project, Prompt, Response, User
from annotation.services.judgments import submit_judgment
from annotation.services.slots import Lease, acquire_task
from tests.annotation.web.hostile import HOSTILE_TEXTS
from tests.browser.places import all_places
from tests.factories import make_task, ranking

pytestmark = pytest.mark.django_db(transaction=True)

HOSTILE = "\n\n".join(text.replace("\x00", "") for text in HOSTILE_TEXTS.values())
NAME = '"><img src=x onerror=alert(1)><script>alert(1)</script>'


INSIDE_TEXTS = ".read script, .read img, .read iframe, .read form, .read svg, .read style"


@pytest.fixture
def poisoned(transactional_db: None, campaign: Project, bob: User) -> Project:
    Project.objects.filter(pk=campaign.pk).update(name=NAME, guideline=HOSTILE)
    Criterion.objects.create(
        project=campaign, name="tone", label=NAME[:120], description=HOSTILE, required=False, anchors={"1": NAME}
    )
    for _ in range(2):
        task = make_task(campaign, "pq", text=HOSTILE)
        Response.objects.filter(prompt=task.prompt).update(text=HOSTILE, source=NAME)
        Prompt.objects.filter(pk=task.prompt_id).update(messages=[{"role": "user", "content": HOSTILE}])
    lease = acquire_task(project=campaign, annotator=bob)
    assert isinstance(lease, Lease)
    answer = ranking("p", "q", rationale=HOSTILE, scores={"tone": {"p": 1}}, rationales={"tone": HOSTILE})
    submit_judgment(
        annotator=bob, task_id=lease.task.pk, lease_token=lease.token, answer=answer, idempotency_key="poison"
    )
    return campaign


KEPT = {
    "slug", "key", "digest", "prefix", "password", "sha256", "pseudonym", "idempotency_key", "stored_name", "criterion",
    "part", "kind", "policy_kind", "gate_criterion", "artifact", "directory", "path", "format", "action", "object_type",
    "object_id",
}  # fmt: skip
"""Texts that code alone writes and reads, or that stand in addresses."""
SPOILED_JSON = {
    "messages": [{"role": "user", "content": HOSTILE}],
    "tags": [NAME],
    "metadata": {NAME: NAME},
    "anchors": {"1": NAME},
    "sentences": [NAME],
    "sampling": {NAME: NAME},
    "rationales": {"tone": HOSTILE},
    "errors": [[3, NAME, NAME]],
}


def spoil_every_text() -> int:
    """Writes hostile text into every column that holds any, whoever may have written it; gives how many columns."""
    columns = 0
    for model in [*apps.get_app_config("annotation").get_models(), *apps.get_app_config("trainingruns").get_models()]:
        for field in model._meta.concrete_fields:
            value = spoiled(field)
            if value is not None:
                columns += bool(model._base_manager.update(**{field.name: value}))
    return columns


def spoiled(field: Any) -> Any:
    if field.name in KEPT or field.choices:
        return None
    if isinstance(field, JSONField):
        return Value(SPOILED_JSON[field.name], JSONField()) if field.name in SPOILED_JSON else None
    if not isinstance(field, CharField | TextField):
        return None
    if field.max_length is None or field.max_length >= 2000:
        return HOSTILE[: field.max_length]
    if field.unique or field.name in ("external_id", "name"):
        return Concat(Value(NAME[: (field.max_length or 0) - 20]), Cast("pk", CharField()))
    return NAME[: field.max_length]


@pytest.fixture
def spoiled_site(filled: dict[str, Any]) -> dict[str, Any]:
    """A full site in which every text is hostile; what is written once and for all is spoiled too."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        try:
            assert spoil_every_text() > 40
        finally:
            cursor.execute("SET session_replication_role = DEFAULT")
    return filled


def test_nothing_runs_on_any_page(
    spoiled_site: dict[str, Any],
    alice: User,
    enter: Callable[[User, str], Page],
    live_server: Any,
    page: Page,
    alarms: list[str],
) -> None:
    """On all that a manager sees; a browser's dialog, a script or a breach of the policy would be an alarm."""
    strangers: list[str] = []
    page.on("request", lambda request: request.url.startswith(live_server.url) or strangers.append(request.url))
    enter(alice, "/")
    shown, harmed = set(), []
    for place in all_places():
        page.goto(live_server.url + place.format(**spoiled_site))
        if "/judge/" in place:
            page.wait_for_selector("#work:not([hidden]), #no-work:not([hidden])")
        body = page.evaluate(
            "() => ({harmed: window.harmed, hidden: getComputedStyle(document.body).display === 'none',"
            f" inside: document.querySelectorAll({INSIDE_TEXTS!r}).length, text: document.body.textContent}})"
        )
        if body["harmed"] is not None or body["hidden"] or body["inside"]:
            harmed.append((place, body["harmed"], body["hidden"], body["inside"]))
        if "onerror=alert(1)" in body["text"]:
            shown.add(place)
    alarms[:] = [alarm for alarm in alarms if "404" not in alarm and "400" not in alarm]
    assert harmed == []
    assert strangers == []
    assert {place for place in all_places() if "/accounts/" not in place} - shown <= {"/nothing/", "/help/metrics/"}


def test_hostile_button_does_not_submit(poisoned: Project, bob: User, enter: Callable[[User, str], Page]) -> None:
    page = enter(bob, f"/projects/{poisoned.slug}/judge/")
    page.wait_for_selector("#work:not([hidden])")
    assert page.locator(".read [data-action], .read [hx-get], .read [data-hx-post]").count() == 0


def test_nothing_runs_in_the_tools_of_the_screen(
    poisoned: Project, bob: User, enter: Callable[[User, str], Page]
) -> None:
    """Compared, marked word by word, quoted and typed: still nothing but text."""
    page = enter(bob, f"/projects/{poisoned.slug}/judge/")
    page.wait_for_selector("#work:not([hidden])")
    page.locator("#rationale").fill(HOSTILE)
    page.locator("#card-A .read p").first.evaluate("node => getSelection().selectAllChildren(node)")
    page.locator("#quote").click()
    page.keyboard.press("Escape")
    page.keyboard.press("Shift+D")
    for words in (True, False):
        page.locator("#compare-words").set_checked(words)
        expect(page.locator(".pane .read").first).to_contain_text("window.harmed = 1")
        assert page.locator(".pane :is(script, img, iframe, form, svg, style)").count() == 0
    page.keyboard.press("Escape")
    page.wait_for_timeout(200)
    assert page.evaluate("window.harmed") is None
    judgment = bob.judgments.get()
    enter(bob, f"/judgments/{judgment.pk}/history/")
    expect(page.locator("main")).to_contain_text("window.harmed = 1")
    enter(bob, f"/judgments/{judgment.pk}/edit/")
    page.wait_for_selector("#work:not([hidden])")
    assert page.evaluate("window.harmed") is None
