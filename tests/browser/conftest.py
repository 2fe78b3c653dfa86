"""A browser that watches over itself: every dialog, page error or breach of the content policy fails the test."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import ConsoleMessage, Dialog, Page, Request, expect

from annotation.models import Project, User
from tests.browser.full_site import fill_site

AXE = Path(__file__).parent / "vendor/axe-core/4.14.1/axe.min.js"
Enter = Callable[[User, str], Page]

# Two cores are shared with the other test worker, which may be training a model at this moment.
expect.set_options(timeout=30_000)


@pytest.fixture
def alarms(page: Page) -> Iterator[list[str]]:
    """What went wrong in the page; the test fails at its end unless it took the alarms out."""
    found: list[str] = []

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error":
            found.append(f"console: {message.text}")

    def on_dialog(dialog: Dialog) -> None:
        found.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    pending: set[Request] = set()
    page.on("request", lambda request: pending.add(request))
    page.on("requestfinished", lambda request: pending.discard(request))
    page.on("requestfailed", lambda request: pending.discard(request))
    page.on("console", on_console)
    page.on("dialog", on_dialog)
    page.on("pageerror", lambda error: found.append(f"error: {error}"))
    yield found
    seen = list(found)
    # The tables are emptied next: nothing new may reach the server, and what is under way must come to its end.
    page.context.route("**/*", lambda route: route.abort())
    for _ in range(200):
        if pending:
            page.wait_for_timeout(100)
    page.context.close()
    assert seen == []


@pytest.fixture
def enter(page: Page, live_server: Any, sign_in: Callable[[Any, User], None], alarms: list[str]) -> Enter:
    """Opens an address as somebody: `enter(bob, "/")`."""

    def open_page(person: User, path: str) -> Page:
        sign_in(page.context, person)
        page.goto(live_server.url + path)
        return page

    return open_page


@pytest.fixture
def judge(enter: Enter, campaign: Project) -> Callable[[User], Page]:
    """Opens the judging screen of the campaign with its first task on it."""

    def open_screen(person: User) -> Page:
        page = enter(person, f"/projects/{campaign.slug}/judge/")
        page.wait_for_selector("#work:not([hidden])")
        return page

    return open_screen


@pytest.fixture
def filled(
    transactional_db: None, imports_folder: Path, campaign: Project, alice: User, bob: User, carol: User
) -> dict[str, Any]:
    """A site on which every page has something to show; the ids that `tests.browser.places` asks for."""
    return fill_site(campaign, alice, bob, carol)
