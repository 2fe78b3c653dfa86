"""Every page of the site: axe, both schemes, the keyboard, the width of a small phone, letters twice as large."""

import re
from collections.abc import Callable
from itertools import chain
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.urls import resolve
from playwright.sync_api import Page

from annotation.models import Project, User
from tests.browser.conftest import AXE
from tests.browser.places import NOT_A_PAGE, PLACES, addresses, all_places

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    """axe comes in as a script of its own, which our content policy would refuse."""
    return {**browser_context_args, "bypass_csp": True}


def find_violations(page: Page, options: dict[str, Any] | None = None) -> list[str]:
    if not page.evaluate("'axe' in window"):
        page.add_script_tag(content=AXE.read_text())
    found = page.evaluate("async (options) => (await axe.run(document, options)).violations", options or {})
    return [f"{each['id']}: {node['html'][:160]}" for each in found for node in each["nodes"]]


def visit(page: Page, place: str) -> None:
    page.goto(place)
    if "/judge/" in place or (place.endswith("/edit/") and "/judgments/" in place):
        page.wait_for_selector("#work:not([hidden]), #no-work:not([hidden])")


def test_every_page_is_in_the_list(filled: dict[str, Any], alice: User) -> None:
    """Pages are what answers to GET. One that is new goes into PLACES, or into NOT_A_PAGE with the reason."""
    client = Client()
    client.force_login(alice)
    names = {each.name for _, each in addresses()}
    unknown = [
        whole
        for whole, each in addresses()
        if each.name not in PLACES.keys() | NOT_A_PAGE.keys() and client.get(an_address(whole)).status_code != 405
    ]
    assert unknown == []
    assert PLACES.keys() | NOT_A_PAGE.keys() <= names
    assert PLACES.keys().isdisjoint(NOT_A_PAGE)
    led = {place: resolve(urlsplit(place.format(**filled)).path).url_name for place in chain(*PLACES.values())}
    assert led == {place: name for name, places in PLACES.items() for place in places}
    statuses = {place: client.get(place.format(**filled)).status_code for place in all_places()}
    assert {place: status for place, status in statuses.items() if status != 200} == {
        "/?after=x": 400,
        "/nothing/": 404,
    }


def an_address(whole: str) -> str:
    """An address of that pattern; no row needs to be behind it to be refused for its method."""
    return "/" + re.sub(r"<(int|slug|str):\w+>", lambda found: "1" if found[1] == "int" else "campaign", whole)


UNREACHED = """
() => [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [role=button], [onclick]")]
  .filter((node) => node.checkVisibility({visibilityProperty: true}) && !node.disabled && node.type !== "hidden")
  .filter((node) => node.tabIndex < 0 && !node.closest("[inert]"))
  .map((node) => node.outerHTML.slice(0, 120))
"""


OTHER_GROUND = """
() => [...document.querySelectorAll(".scroll")].filter((box) => {
  if (getComputedStyle(box).backgroundImage === "none") return false;
  const probe = box.appendChild(document.createElement("i"));
  probe.style.color = "var(--ground)";
  const cover = getComputedStyle(probe).color;
  probe.remove();
  const grounds = [];
  for (let node = box.parentElement; node; node = node.parentElement) {
    grounds.push(getComputedStyle(node).backgroundColor);
  }
  return grounds.find((colour) => colour !== "rgba(0, 0, 0, 0)") !== cover;
}).map((box) => box.parentElement.outerHTML.slice(0, 120))
"""


def faults_of(page: Page) -> dict[str, Any]:
    """Everything that is wrong with the page: axe in both schemes, keyboard, reflow at 320 px and zoomed to 200 %.

    Without motion: axe would look at colours on their way from one scheme to the other.
    Zoomed to 200 %, a window of 1280 px is one of 640 CSS pixels whose pixels are twice as large.
    """
    found: dict[str, Any] = {}
    page.set_viewport_size({"width": 1280, "height": 720})
    for scheme, rules in (("light", {}), ("dark", {"runOnly": ["color-contrast"]})):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        found[scheme] = find_violations(page, rules)
    found["not reached by Tab"] = page.evaluate(UNREACHED)
    found["shades seen on another ground"] = page.evaluate(OTHER_GROUND)
    for width, height in ((640, 360), (320, 640)):
        page.set_viewport_size({"width": width, "height": height})
        wide = page.evaluate("document.documentElement.scrollWidth")
        found[f"wider than {width} px"] = wide if wide > width else None
    return {what: fault for what, fault in found.items() if fault}


def test_nothing_is_wrong_with_any_page(
    filled: dict[str, Any], alice: User, enter: Callable[[User, str], Page], live_server: Any, alarms: list[str]
) -> None:
    page = enter(alice, "/")
    found = {}
    for place in all_places():
        visit(page, live_server.url + place.format(**filled))
        found[place] = faults_of(page)
    alarms[:] = [alarm for alarm in alarms if "404" not in alarm and "400" not in alarm]
    assert {place: faults for place, faults in found.items() if faults} == {}


def test_axe_sees_a_violation(filled: dict[str, Any], alice: User, enter: Callable[[User, str], Page]) -> None:
    page = enter(alice, "/")
    page.evaluate("document.body.append(Object.assign(document.createElement('img'), {src: '/static/favicon.svg'}))")
    assert any(each.startswith("image-alt") for each in find_violations(page))


def test_sign_in_is_accessible(page: Page, live_server: Any, transactional_db: None) -> None:
    page.goto(f"{live_server.url}/accounts/login/")
    assert faults_of(page) == {}


STATES = {
    "keys": "document.querySelector('[data-action=help]').click()",
    "ranked": "document.querySelectorAll('.card [data-value=\\'1\\']').forEach((rank) => rank.click())",
    "bad": "document.querySelector('#card-A [data-action=bad]').click()",
    "compare": "document.querySelector('#tabs .compare').click()",
    "guidelines": "document.querySelector('#guidelines-button').click()",
    "find": "document.querySelector('#card-B [data-action=find]').click()",
    "pinned": "document.querySelector('#card-B [data-action=pin]').click()",
    "lengths": "document.querySelector('button[data-action=lengths]').click()",
    "folded": "document.querySelector('button[data-action=prompt]').click()",
}


@pytest.mark.parametrize("width", [1440, 320])
def test_axe_finds_nothing_in_any_state_of_the_ranking_screen(
    width: int, filled: dict[str, Any], alice: User, enter: Callable[[User, str], Page]
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


def test_ranking_works_in_a_context_of_reduced_motion_and_right_to_left_text(
    filled: dict[str, Any], alice: User, enter: Callable[[User, str], Page], campaign: Project
) -> None:
    task = campaign.tasks.filter(purpose="normal").latest("id")
    task.prompt.messages = [{"role": "user", "content": "لماذا السماء زرقاء؟"}]
    task.prompt.save()
    campaign.tasks.exclude(pk=task.pk).update(state="archived")
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
