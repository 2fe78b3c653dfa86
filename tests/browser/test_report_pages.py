"""What a manager reads on the pages of consensus, bias and data health is what the pure functions give."""

import pytest
from playwright.sync_api import Page

from annotation.bias.effects import measure_effects
from annotation.consensus.crowd import fit_crowd
from annotation.consensus.leaderboard import rank_sources
from annotation.consensus.report import prompts_of_pairs
from annotation.consensus.tables import compare_sources
from annotation.data_health.contradictions import check_contradictions
from annotation.models import Project, ProjectReport, User
from annotation.selectors.choices import load_choices
from annotation.services.judgments import submit_judgment
from annotation.services.project_reports import refresh_project_report
from annotation.services.slots import Lease, acquire_task
from tests.browser.conftest import Enter
from tests.factories import make_task, ranking

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def judged(transactional_db: None, campaign: Project, alice: User, bob: User, carol: User) -> Project:
    """Judged through the slots, so that shown orders are known."""
    for _ in range(6):
        make_task(campaign, "pqr")
    for person, orders in ((alice, "pqr"), (bob, "qpr"), (carol, "prq")):
        while isinstance(lease := acquire_task(project=campaign, annotator=person), Lease):
            submit_judgment(
                annotator=person, task_id=lease.task.pk, lease_token=lease.token, idempotency_key=str(lease.token),
                answer=ranking(*orders, active_ms=9_000),
            )  # fmt: skip
    for section in ProjectReport.Section.values:
        refresh_project_report(project=campaign, section=section)
    return campaign


def row(page: Page, name: str) -> str:
    return page.locator("tr", has=page.get_by_role("rowheader", name=name, exact=True)).first.inner_text()


def test_pages_show_what_the_functions_give(judged: Project, enter: Enter, alice: User) -> None:
    choices = load_choices(project=judged)
    assert choices.rankings >= 6 and choices.shown.all()

    page = enter(alice, "/projects/campaign/consensus/")
    table, _ = compare_sources(choices)
    for source in rank_sources(fit_crowd(table), cluster=prompts_of_pairs(table, choices)).sources:
        shown = row(page, source["source"])
        for key in ("worth", "low", "high"):
            assert f"{source[key]:.3f}" in shown

    page = enter(alice, "/projects/campaign/bias/")
    effects = {each["effect"]: each for each in measure_effects(choices, of_people=False)}
    assert f"{effects['position']['value']:.0%}" in row(page, "Prefers what was shown earlier")
    assert "9.0 s" in row(page, "Median seconds a ranking")

    page = enter(alice, "/projects/campaign/data-health/")
    heats = next(each for each in check_contradictions(choices) if each["check"] == "dead_heats")
    assert row(page, "Dead heats between two responses").split()[5:7] == [str(heats["count"]), str(heats["of"])]
