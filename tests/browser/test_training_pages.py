"""Starting a run from the form in a real browser, and looking at a preview of its tokens."""

import json
import sys
from collections.abc import Callable
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from annotation.models import Membership, Project, User
from tests.trainingruns.conftest import artifacts, base_model, judge, project  # noqa: F401  fixtures
from tests.trainingruns.test_token_table import PREVIEW
from trainingruns.models import ModelVersion, Run, Snapshot
from trainingruns.services.snapshots import create_snapshot
from trainingruns.supervisor import supervise_run

pytestmark = pytest.mark.django_db(transaction=True)
WHOLE = {**PREVIEW, "kind": "dapo", "prompt_id": "7", "stop_tokens": {"2": "<end>"}, "notes": ["the prompt has none"]}
WRITER = "import sys, pathlib; pathlib.Path(sys.argv[1], 'preview.json').write_text(sys.argv[2])"
Start = Callable[[], Page]


@pytest.fixture
def start(
    transactional_db: None,
    project: Project,  # noqa: F811
    base_model: ModelVersion,  # noqa: F811
    judge: Callable[..., None],  # noqa: F811
    alice: User,
    enter: Callable[[User, str], Page],
) -> Start:
    """Opens the form of a project with a snapshot, on a phone."""

    def open_form() -> Page:
        Membership.objects.create(project=project, user=alice, role="manager")
        for number in range(4):
            judge(f"q{number}")
        assert isinstance(create_snapshot(project=project, eval_share=0.4), Snapshot)
        page = enter(alice, "/projects/p/models/")
        page.set_viewport_size({"width": 360, "height": 800})
        return page

    return open_form


def test_a_dapo_run_is_started_by_keyboard_once_its_fault_is_mended(start: Start, alarms: list[str]) -> None:
    page = start()
    page.get_by_role("radio", name="DAPO").focus()
    page.keyboard.press("Space")
    settings = page.get_by_label("Settings that differ from the recipe")
    settings.fill("reward.brevity_weight=1\nloss.clip_hgh=0.3")
    page.get_by_role("button", name="Start", exact=True).press("Enter")
    expect(page.locator(".errorlist")).to_contain_text("loss.clip_hgh: unknown key")
    expect(settings).to_have_attribute("aria-invalid", "true")
    expect(settings).to_be_focused()
    expect(settings).to_be_in_viewport()
    expect(page.get_by_role("radio", name="DAPO")).to_be_checked()
    assert not Run.objects.exists()
    # The browser's own word on the answer 400.
    alarms[:] = [alarm for alarm in alarms if "400" not in alarm]

    settings.fill("reward.brevity_weight=1\nloss.clip_high=0.3")
    page.get_by_role("button", name="Start", exact=True).press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Waiting for a worker")
    run = Run.objects.get()
    assert (run.kind, run.config["loss"]["clip_high"], run.purpose["then"]) == ("dapo", 0.3, "serve_blind_tasks")


def test_a_preview_fills_itself_in_and_leads_to_the_run(start: Start) -> None:
    page = start()
    page.get_by_role("radio", name="DAPO").check()
    page.get_by_label("Settings that differ from the recipe").fill("reward.brevity_weight=1")
    page.get_by_role("button", name="Preview one sample").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Waiting for a worker")
    preview = Run.objects.get()
    supervise_run(
        run_id=preview.pk,
        build_command=lambda run, directory: [sys.executable, "-c", WRITER, str(directory), json.dumps(WHOLE)],
    )
    # The page looks by itself; nobody has loaded it again.
    expect(page.get_by_role("heading", level=1)).to_have_text("What one sample would teach")
    expect(page.locator(".token.learned").first).to_have_text("·you")
    expect(page.get_by_role("region", name="Tokens of Completion 0").get_by_role("row")).to_have_count(5)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_role("button", name="Start this run").click()
    expect(page.locator(".eyebrow").first).to_contain_text("DAPO")
    assert Run.objects.latest("pk").config == preview.config


@pytest.mark.parametrize(("width", "is_stacked"), [(360, True), (1440, False)])
def test_on_a_phone_a_metric_stands_above_what_it_says_and_is_a_row_still(
    width: int, is_stacked: bool, transactional_db: None, alice: User, enter: Callable[[User, str], Page]
) -> None:
    page = enter(alice, "/help/metrics/")
    page.set_viewport_size({"width": width, "height": 800})
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="kl_sequence", exact=True)).first
    name, says = row.get_by_role("rowheader").bounding_box(), row.get_by_role("cell").bounding_box()
    assert name is not None
    assert says is not None
    assert (says["y"] >= name["y"] + name["height"]) == is_stacked
    assert says["width"] > 320
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_table_that_goes_on_beyond_an_edge_is_shaded_there(start: Start, scheme: Literal["light", "dark"]) -> None:
    page = start()
    page.emulate_media(color_scheme=scheme)
    box = page.locator("#registry .scroll")
    place = box.bounding_box()
    assert place is not None

    def edges() -> tuple[bytes, bytes]:
        """The outermost pixels left and right, above the words of the head."""
        page.wait_for_timeout(100)
        left, right = (
            page.screenshot(clip={"x": x, "y": place["y"] + 1, "width": 3, "height": 4})
            for x in (place["x"], place["x"] + place["width"] - 3)
        )
        return left, right

    plain, shaded = edges()
    assert shaded != plain
    box.evaluate("box => (box.scrollLeft = box.scrollWidth)")
    left, right = edges()
    assert (left != plain, right == plain) == (True, True)
    page.set_viewport_size({"width": 1440, "height": 800})
    place = box.bounding_box()
    assert place is not None
    assert edges() == (plain, plain)
