"""axe on every page, light and dark, and every page at the width of a small phone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page

from annotation.models import Criterion, ImportJob, Project, ProjectReport, User
from annotation.services.guidelines import write_guideline
from annotation.services.import_uploads import upload_import
from annotation.services.judgments import submit_judgment
from annotation.services.project_reports import refresh_project_report
from annotation.services.reports import refresh_agreement_report
from annotation.services.slots import Lease, acquire_task
from tests.browser.conftest import AXE
from tests.factories import make_task, ranking
from tests.trainingruns.test_token_table import PREVIEW
from trainingruns.models import Metric, Run, Snapshot

pytestmark = pytest.mark.django_db(transaction=True)

PLACES = [
    "/", "/account/tokens/", "/projects/new/", "/accounts/password/change/", "/projects/campaign/",
    "/projects/campaign/people/invitations/", "/projects/campaign/setup/", "/projects/campaign/setup/criteria/",
    "/projects/campaign/guideline/", "/projects/campaign/guideline/edit/", "/projects/campaign/guideline/2/",
    "/projects/campaign/board/", "/projects/campaign/adjudication/", "/projects/campaign/tasks/{task}/verdict/",
    "/projects/campaign/judge/", "/projects/campaign/tasks/", "/projects/campaign/tasks/{task}/",
    "/projects/campaign/agreement/", "/projects/campaign/agreement/tasks/", "/projects/campaign/agreement/trend/",
    "/projects/campaign/agreement/pairs/", "/projects/campaign/agreement/people/",
    "/projects/campaign/quality/people/{person}/",
    "/projects/campaign/consensus/", "/projects/campaign/bias/",
    "/projects/campaign/data-health/", "/projects/campaign/data/", "/projects/campaign/data/imports/",
    "/projects/campaign/data/imports/{job}/", "/projects/campaign/people/",
    "/projects/campaign/settings/", "/projects/campaign/late/", "/projects/scores/judge/", "/nothing/",
    "/projects/campaign/models/", "/runs/{run}/", "/runs/{preview}/", "/help/metrics/",
]  # fmt: skip


@pytest.fixture
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    """axe comes in as a script of its own, which our content policy would refuse."""
    return {**browser_context_args, "bypass_csp": True}


@pytest.fixture
def filled(
    transactional_db: None, imports_folder: Path, campaign: Project, alice: User, bob: User, carol: User
) -> Project:
    text = "# Head\n\nSome `code`.\n\n```python\nreturn 1  # why\n```\n\n|a|\n|-|\n|1|\n\n> quote [link](https://a.example)"
    for number in range(4):
        make_task(campaign, "pqrs", text=f"{number}: {text}")
    for person in (alice, bob, carol):
        for _ in range(2):
            lease = acquire_task(project=campaign, annotator=person)
            assert isinstance(lease, Lease)
            submit_judgment(
                annotator=person, task_id=lease.task.pk, lease_token=lease.token, idempotency_key=str(lease.token),
                answer=ranking("p", "qr", "s", bad=["s"], rationale="**Because**", active_ms=61_000),
            )  # fmt: skip
    refresh_agreement_report(project=campaign)
    for section in ProjectReport.Section.values:
        refresh_project_report(project=campaign, section=section)
    acquire_task(project=campaign, annotator=alice)
    write_guideline(project=campaign, text=text, version=1, actor=alice, note="A first one.")
    make_task(campaign, "pqrstuvwx", text=text, priority=1)
    _make_runs(campaign)
    rows = b"prompt,answer_a,answer_b,other\nWhy?,So.,Thus.,x\n,So.,Thus.,x\n"
    upload_import(project=campaign, actor=alice, chunks=[rows], file_name="x.csv")
    ImportJob.objects.update(state="failed", error_count=1, errors=[[3, "prompt", "is empty"]], reason="1 error")
    scores = Project.objects.create(slug="scores", name="Scores", kind="scalar", guideline=text)
    scores.memberships.create(user=alice, role="manager")
    Criterion.objects.create(project=scores, name="a", label="A", anchors={"1": "bad"}, required=False)
    Criterion.objects.create(project=scores, name="b", label="B", step=None, position=1)
    make_task(scores, "p", text=text)
    return campaign


def _make_runs(project: Project) -> None:
    """A snapshot, a policy run with everything that its page can show, and a preview."""
    Snapshot.objects.create(project=project, number=1, view="majority", train_pairs=9, eval_pairs=3, sha256="a" * 64)
    share = {"value": 0.75, "low": 0.5, "high": 0.9, "n": 8}
    rates = {"policy": {"1": share}, "reference": {"1": share}, "gain_over_reference": share}
    warnings = [{"step": 2, "brake": "flat", "action": "warn", "sentence": "62 % of groups all fail."}] * 7
    run = Run.objects.create(
        project=project, kind="dapo", state="succeeded", step=2, total_steps=4, log_tail="INFO " * 99,
        status={"warnings": warnings}, config={"kind": "dapo", "loss": {"clip_high": 0.28}},
        result={"stopped_by": "Enough.", "reward_gain": share, "win_rate_reference": share,
                "accuracy": {"number": rates}},
    )  # fmt: skip
    values = dict.fromkeys(("reward", "kl_sequence", "keep_rate", "loss"), 0.000123)
    Metric.objects.bulk_create(Metric(run=run, step=step, values=values, at=timezone.now()) for step in (1, 2))
    preview = {**PREVIEW, "kind": "dapo", "prompt_id": "7", "stop_tokens": {"2": "<end>"}, "notes": ["a note"]}
    Run.objects.create(project=project, kind="preview", state="succeeded", config={"kind": "dapo"}, result=preview)


def address_of(place: str, project: Project) -> str:
    """A place with the ids of what `filled` made."""
    task = project.tasks.order_by("id").first()
    runs = {kind: Run.objects.get(project=project, kind=kind).pk for kind in ("dapo", "preview")}
    assert task is not None
    job = ImportJob.objects.filter(project=project).latest("id").pk
    person = project.memberships.get(user__username="bob").user_id
    return place.format(person=person, task=task.pk, run=runs["dapo"], preview=runs["preview"], job=job)


def find_violations(page: Page) -> list[str]:
    page.add_script_tag(content=AXE.read_text())
    found = page.evaluate("async () => (await axe.run()).violations")
    return [f"{each['id']}: {node['html'][:160]}" for each in found for node in each["nodes"]]


def visit(page: Page, place: str) -> None:
    page.goto(place)
    if "/judge/" in place:
        page.wait_for_selector("#work:not([hidden])")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(
    scheme: Any, filled: Project, alice: User, enter: Callable[[User, str], Page], live_server: Any, alarms: list[str]
) -> None:
    page = enter(alice, "/")
    page.emulate_media(color_scheme=scheme)
    found: dict[str, list[str]] = {}
    for place in PLACES:
        visit(page, live_server.url + address_of(place, filled))
        if violations := find_violations(page):
            found[place] = violations
    alarms[:] = [alarm for alarm in alarms if "404" not in alarm]
    assert found == {}


def test_axe_sees_a_violation(filled: Project, alice: User, enter: Callable[[User, str], Page]) -> None:
    page = enter(alice, "/")
    page.evaluate("document.body.append(Object.assign(document.createElement('img'), {src: '/static/favicon.svg'}))")
    assert any(each.startswith("image-alt") for each in find_violations(page))


def test_sign_in_is_accessible(page: Page, live_server: Any, transactional_db: None) -> None:
    page.goto(f"{live_server.url}/accounts/login/")
    assert find_violations(page) == []


def test_every_page_fits_a_small_phone(
    filled: Project, alice: User, enter: Callable[[User, str], Page], live_server: Any, alarms: list[str]
) -> None:
    page = enter(alice, "/")
    page.set_viewport_size({"width": 320, "height": 640})
    too_wide = {}
    for place in PLACES:
        visit(page, live_server.url + address_of(place, filled))
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > 320:
            too_wide[place] = width
    alarms[:] = [alarm for alarm in alarms if "404" not in alarm]
    assert too_wide == {}


STATES = {
    "keys": "document.querySelector('[data-action=help]').click()",
    "ranked": "document.querySelectorAll('.card [data-value=\\'1\\']').forEach((rank) => rank.click())",
    "bad": "document.querySelector('#card-A [data-action=bad]').click()",
    "compare": "document.querySelector('#tabs .compare').click()",
    "guidelines": "document.querySelector('#guidelines-button').click()",
}


@pytest.mark.parametrize("width", [1440, 320])
def test_axe_finds_nothing_in_any_state_of_the_ranking_screen(
    width: int, filled: Project, alice: User, enter: Callable[[User, str], Page]
) -> None:
    page = enter(alice, "/projects/campaign/judge/")
    page.set_viewport_size({"width": width, "height": 740})
    found, too_wide = {}, []
    for state, script in STATES.items():
        page.wait_for_selector("#work:not([hidden])")
        page.evaluate(script)
        if violations := find_violations(page):
            found[state] = violations
        if page.evaluate("document.documentElement.scrollWidth") > width:
            too_wide.append(state)
        page.evaluate("document.querySelectorAll('dialog[open]').forEach((dialog) => dialog.close())")
    assert (found, too_wide) == ({}, [])


def test_twice_as_large_letters_fit_the_window(
    filled: Project, alice: User, enter: Callable[[User, str], Page], live_server: Any
) -> None:
    """Zoomed to 200 %, a window of 1280 px is one of 640 CSS pixels whose pixels are twice as large."""
    page = enter(alice, "/")
    page.set_viewport_size({"width": 640, "height": 360})
    for place in ("/projects/campaign/judge/", "/projects/scores/judge/"):
        visit(page, live_server.url + place)
        assert page.evaluate("document.documentElement.scrollWidth") <= 640
        page.locator("#submit").scroll_into_view_if_needed()
        box = page.locator("#submit").bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= 640


def test_ranking_works_in_a_context_of_reduced_motion_and_right_to_left_text(
    filled: Project, alice: User, enter: Callable[[User, str], Page], context: BrowserContext
) -> None:
    task = filled.tasks.order_by("-id").first()
    assert task is not None
    task.prompt.messages = [{"role": "user", "content": "لماذا السماء زرقاء؟"}]
    task.prompt.save()
    filled.tasks.exclude(pk=task.pk).update(state="archived")
    page = enter(alice, "/projects/campaign/judge/")
    page.emulate_media(reduced_motion="reduce")
    page.wait_for_selector("#work:not([hidden])")
    assert page.evaluate("getComputedStyle(document.querySelector('#prompt .read')).direction") == "rtl"
    durations = "[...document.querySelectorAll('*')].map((node) => getComputedStyle(node).transitionDuration)"
    assert set(page.evaluate(durations)) == {"0s"}
    for digit in "123456789":
        page.keyboard.press(digit)
    page.keyboard.press("Enter")
    page.wait_for_selector("#toasts .toast")
