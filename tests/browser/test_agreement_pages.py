"""Trend, matrix, people and card as a reviewer reads them are what the pure functions give."""

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from annotation.agreement.comparisons import compare_people
from annotation.agreement.estimates import Settings
from annotation.agreement.pair_sums import sum_pairs
from annotation.agreement.person_sums import NEAR, RIGHT, sum_people
from annotation.agreement.report import measure
from annotation.agreement.shares import ShareEstimate, estimate_share
from annotation.agreement.trend import Weeks, sum_weeks, trend_records
from annotation.models import Project, ProjectReport, User
from annotation.selectors.observations import load_pairs
from annotation.services.project_reports import refresh_project_report
from annotation.services.reports import refresh_agreement_report
from tests.annotation.weekly import MONDAY, judge_weeks
from tests.browser.conftest import Enter

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def crowd(transactional_db: None, campaign: Project) -> list[User]:
    people = judge_weeks(campaign)
    refresh_agreement_report(project=campaign)
    refresh_project_report(project=campaign, section=ProjectReport.Section.BIAS)
    return people


def cells(page: Page, name: str) -> list[str]:
    row = page.locator("tr", has=page.get_by_role("rowheader", name=name, exact=True)).first
    return [each.strip() for each in row.locator("td").all_inner_texts()]


def told(share: ShareEstimate) -> str:
    assert share.value is not None
    return f"{share.value:.1%}\n{share.low:.0%} to {share.high:.0%}"


def test_weeks_read_as_the_pure_function_gives_them(
    crowd: list[User], campaign: Project, enter: Enter, alice: User
) -> None:
    observations = load_pairs(project=campaign)
    tasks = np.unique(observations.task_id)
    monday = np.datetime64(MONDAY.date(), "D").astype(int) + 7 * (np.arange(len(tasks)) // 12)
    measured = measure(observations)
    records = trend_records(measured, sum_weeks(measured, Weeks(tasks, monday)), Settings(0, 2000, 0.95))

    page = enter(alice, "/projects/campaign/agreement/trend/")
    expect(page.locator(".plot circle")).to_have_count(2)
    page.get_by_text("As a table").click()
    for each in records[:2]:
        assert each["statistic"] == "krippendorff_alpha"
        assert cells(page, each["week"])[:3] == [f"{each[end]:.3f}" for end in ("value", "low", "high")]  # type: ignore[literal-required]
    assert "Too few: 3 of the week's tasks" in cells(page, records[2]["week"])[-1]


def test_the_matrix_reads_as_the_pure_function_gives_it(
    crowd: list[User], campaign: Project, enter: Enter, alice: User
) -> None:
    comparisons = compare_people(load_pairs(project=campaign))
    pairs = sum_pairs(comparisons, comparisons.table.annotator_ids)
    names = {user.pk: user.pseudonym for user in crowd}
    page = enter(alice, "/projects/campaign/agreement/pairs/")
    for first, second, row in zip(pairs.first.tolist(), pairs.second.tolist(), pairs.rows, strict=True):
        share = estimate_share(row, confidence=0.95)
        words = f"{share.value:.0%} ({share.low:.0%} to {share.high:.0%}), 27 shared tasks"
        one, other = names[first], names[second]
        found = page.get_by_text(f"{one} and {other}: {words}").or_(page.get_by_text(f"{other} and {one}: {words}"))
        expect(found).to_have_count(2)
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.get_by_role("region", name="Matrix").focus()
    page.keyboard.press("ArrowRight")


def test_people_and_card_read_as_the_pure_function_gives_them(
    crowd: list[User], campaign: Project, enter: Enter, alice: User
) -> None:
    sums = sum_people(compare_people(load_pairs(project=campaign)))
    page = enter(alice, "/projects/campaign/agreement/people/?order=agreement")
    values = []
    for user in crowd:
        row = sums.rows[sums.people.tolist().index(user.pk)]
        near, right = (estimate_share(row[columns], confidence=0.95) for columns in (NEAR, RIGHT))
        found = cells(page, user.pseudonym)
        assert found[1].startswith(told(near)) and found[2].startswith(told(right)), found
        values.append((near.value, user.pseudonym))
    heads = page.locator("tbody th").all_inner_texts()
    assert heads == [name for _, name in sorted(values)]
    page.get_by_role("link", name=crowd[0].pseudonym).click()
    card = page.locator("section", has_text="Against the others").first
    row = sums.rows[sums.people.tolist().index(crowd[0].pk)]
    expect(card).to_contain_text(f"{estimate_share(row[NEAR], confidence=0.95).value:.1%}")
    expect(card).to_contain_text("Undefined: they made no strict choice whose shown order is known.")
