"""Reports on paper: what a browser prints is whole, light, and free of navigation."""

import re
import unicodedata
from io import BytesIO

import pytest
from playwright.sync_api import Page
from pypdf import PdfReader

from annotation.models import Criterion, Project, ProjectReport, User
from annotation.services.project_reports import refresh_project_report
from annotation.services.reports import refresh_agreement_report
from tests.annotation.services.test_reports import judge
from tests.browser.conftest import Enter
from tests.factories import make_task, ranking

pytestmark = pytest.mark.django_db(transaction=True)

NAVIGATION = (
    "Overview",
    "Verdicts",
    "Skip to",
    "Sign out",
    "SVG",
    "CSV",
    "As a table",
    "All tasks by",
    "Show",
    "Decide",
)


@pytest.fixture
def judged(transactional_db: None, campaign: Project, alice: User, bob: User, carol: User) -> Project:
    """Enough for several pages: three criteria beside the order."""
    for position, name in enumerate(("clear", "kind", "true")):
        Criterion.objects.create(project=campaign, name=name, label=name.title(), required=False, position=position)
    for number in range(12):
        task = make_task(campaign, "pqr", text=f"Question {number}")
        for turn, person in enumerate((alice, bob, carol)):
            order = "pqr" if (number + turn) % 3 else "rpq"
            scores = {
                name: {key: 1 + (number * 3 + turn * at + len(name)) % 5 for at, key in enumerate("pqr")}
                for name in ("clear", "kind", "true")
            }
            judge(task, person, ranking(*order, scores=scores, active_ms=9_000 + number))
    refresh_agreement_report(project=campaign)
    for section in ProjectReport.Section.values:
        refresh_project_report(project=campaign, section=section)
    return campaign


def squeeze(text: str) -> str:
    """Without blanks and ligatures, which depend on fonts and widths."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text))


def print_page(page: Page) -> list[str]:
    """The text of each printed page, without blanks."""
    return [squeeze(each.extract_text()) for each in PdfReader(BytesIO(page.pdf(format="A4"))).pages]


def is_on_one(pages: list[str], *texts: str) -> bool:
    return any(all(squeeze(text) in page for text in texts) for page in pages)


def test_reports_print_whole_and_without_navigation(judged: Project, enter: Enter, alice: User) -> None:
    page = enter(alice, "/projects/campaign/agreement/")
    page.emulate_media(color_scheme="dark")
    found = {}
    for place in ("agreement", "agreement/tasks", "consensus", "bias", "data-health"):
        page.goto(re.sub(r"/projects/.*", f"/projects/campaign/{place}/", page.url))
        headline = page.locator("h1").inner_text()
        rows = [each.inner_text() for each in page.locator("tbody tr th:first-child").all()]
        pages = print_page(page)
        found[place] = len(pages)
        assert is_on_one(pages[:1], headline, "Campaign") and all(pages), place
        assert all(f"{number}/{len(pages)}" in text for number, text in enumerate(pages, start=1))
        whole = "".join(pages)
        assert [words for words in NAVIGATION if squeeze(words) in whole] == [], place
        # A row that goes over the edge of a page would have its name on neither.
        assert [row for row in rows if row and not is_on_one(pages, row)] == [], place
        page.emulate_media(media="print", color_scheme="dark")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        page.emulate_media(media="null", color_scheme="dark")
    assert found["agreement"] >= 4 and all(1 <= number <= 12 for number in found.values()), found


def test_folded_tables_are_printed_and_pictures_stay_whole(judged: Project, enter: Enter, alice: User) -> None:
    page = enter(alice, "/projects/campaign/agreement/")
    folded = page.locator("details.as-table:not([open])").count()
    drawn = page.locator("svg.plot").first.locator("text").all_text_contents()
    assert {"Overall rank", "Clear", "Kind", "True", "gate"} < set(drawn)
    pages = print_page(page)
    assert folded == page.locator("details.as-table:not([open])").count() >= 4, "printing leaves the page as it was"
    assert is_on_one(pages, *drawn)
    for words in ("Fleiss' κ", "ICC(3, k), same order, mean of people", "One person against the others' majority"):
        assert sum(page_text.count(squeeze(words)) for page_text in pages) >= 3, words
    # Every page that a table goes on to repeats its head.
    first = next(number for number, text in enumerate(pages) if squeeze("Fleiss' κ") in text)
    assert all("Judgments" in text for text in pages[first:-1])
