"""From stored judgments to the displayed number: each family of statistics, as its page shows it, is what the pure
function gives for the judgments that lie in the database."""

from collections.abc import Callable
from random import Random

import numpy as np
import pytest
from playwright.sync_api import Page

from annotation.agreement.cohen_pairs import mean_cohen_kappa
from annotation.agreement.concordance import mean_kendall_w, mean_spearman
from annotation.agreement.consistency import Repeats, measure_consistency
from annotation.agreement.fleiss import fleiss_kappa
from annotation.agreement.gwet import gwet_coefficient
from annotation.agreement.icc import one_way_icc, two_way_icc
from annotation.agreement.interval import interval_alpha
from annotation.agreement.judgment_table import JudgmentTable, build_table
from annotation.agreement.nominal import nominal_alpha
from annotation.agreement.observations import RankingObservations
from annotation.agreement.ordinal import ordinal_alpha
from annotation.agreement.pairwise import (
    leave_one_out_accuracy,
    pairwise_agreement,
    percent_agreement,
    strict_agreement,
)
from annotation.agreement.panels import find_panel
from annotation.agreement.rank_distance import rank_distance_alpha
from annotation.agreement.rankings import build_ranking_table
from annotation.agreement.ratio import ratio_alpha
from annotation.agreement.report import agreement_report
from annotation.agreement.statistic import Statistic
from annotation.agreement.tau import mean_tau_b
from annotation.agreement.top_choice import top_choice_agreement
from annotation.models import Criterion, Judgment, Project, Task, TaskResponse, User
from annotation.selectors.observations import load_observations
from annotation.services.reports import refresh_agreement_report
from tests.annotation.agreement.judgments import value_of
from tests.annotation.services.test_reports import judge
from tests.browser.conftest import Enter
from tests.factories import make_task, ranking

pytestmark = pytest.mark.django_db(transaction=True)

READ = """() => Object.fromEntries([...document.querySelectorAll("[id^=statistics-]")].map((part) => [
  part.querySelector("summary").firstChild.textContent.trim(),
  [...part.querySelectorAll("tbody tr")].map((row) => [...row.cells].map((cell) => cell.textContent.trim())),
]))"""
Shown = dict[tuple[str, str], tuple[str, str, str]]
"""(statistic, level) -> (value, low, high) as the page says them."""


@pytest.fixture
def judged(transactional_db: None, campaign: Project, alice: User, bob: User, carol: User) -> Project:
    """Choices and rankings with ties, scores on one criterion, gaps in all of them, and repeats."""
    Criterion.objects.create(project=campaign, name="clear", label="Clear", required=False)
    random = Random(7)
    for number in range(24):
        keys = "pqr" if number % 2 else "ab"
        task = make_task(campaign, keys)
        for person in (alice, bob, carol):
            if random.random() < 0.1:
                continue
            order = list(keys) if random.random() < 0.7 else random.sample(keys, len(keys))
            tiers = ["".join(order)] if random.random() < 0.15 else order
            scores = {"clear": {key: min(5, 2 + place + random.randint(0, 2)) for place, key in enumerate(keys)}}
            judge(task, person, ranking(*tiers, scores=scores, active_ms=9_000))
    strict = [each for each in Judgment.objects.filter(annotator=bob).order_by("pk") if len(each.tiers) > 1]
    for number, said in enumerate(strict[:8]):
        repeat_task(said, same=number % 4 > 0)
    refresh_agreement_report(project=campaign)
    return campaign


def repeat_task(said: Judgment, *, same: bool) -> None:
    """The task again, answered as before, or the other way round."""
    original = said.task
    again = Task.objects.create(
        project=original.project, prompt=original.prompt, external_id=f"again-{original.pk}", kind="ranking",
        purpose="repeat", original=original,
    )  # fmt: skip
    for row in original.task_responses.all():
        TaskResponse.objects.create(task=again, response=row.response, position=row.position)
    judge(again, said.annotator, {"tiers": said.tiers if same else said.tiers[::-1]})


def stored(project: Project, keys: int) -> list[Judgment]:
    """What counts for agreement on tasks of so many responses."""
    judgments = Judgment.objects.filter(project=project, is_current=True, task__purpose="normal").order_by("pk")
    return [each for each in judgments.select_related("task") if len(each.scores["clear"]) == keys]


def choices_of(judgments: list[Judgment], *, fewest: int = 2) -> JudgmentTable:
    """0 for the first response in stored order, 1 for a tie, 2 for the second."""
    said = [1 if len(each.tiers) == 1 else 0 if each.tiers[0] == ["a"] else 2 for each in judgments]
    task = np.array([each.task_id for each in judgments])
    annotator = np.array([each.annotator_id for each in judgments])
    return build_table(task_id=task, unit_id=task, annotator_id=annotator, value=np.array(said), fewest=fewest)


def rankings_of(judgments: list[Judgment]) -> RankingObservations:
    rows = [
        (each.task_id, each.annotator_id, f"{each.task_id} {key}", rank)
        for each in judgments
        for rank, tier in enumerate(each.tiers, start=1)
        for key in tier
    ]
    return RankingObservations(*(np.array(column) for column in zip(*rows, strict=True)))


def scores_of(project: Project, *, fewest: int = 2) -> JudgmentTable:
    rows = [
        (each.task_id, f"{each.task_id} {key}", each.annotator_id, value)
        for keys in (2, 3)
        for each in stored(project, keys)
        for key, value in each.scores["clear"].items()
    ]
    task, unit, annotator, value = (np.array(column) for column in zip(*rows, strict=True))
    return build_table(task_id=task, unit_id=unit, annotator_id=annotator, value=value, fewest=fewest)


def read_statistics(page: Page) -> dict[str, Shown]:
    """By criterion; the tables are folded, so their text is read whether it is in sight or not."""
    return {
        name: {(row[0], row[1]): (row[2], row[3], row[4]) for row in rows} for name, rows in page.evaluate(READ).items()
    }


def shown_as(statistic: Statistic | None, table: JudgmentTable) -> str:
    assert statistic is not None
    return f"{value_of(statistic, table.tasks):.3f}"


def expect_values(shown: Shown, wanted: dict[tuple[str, str], str]) -> None:
    assert {name: shown[name][0] for name in wanted} == wanted


def test_every_family_of_statistics_reaches_the_page(judged: Project, enter: Enter, alice: User) -> None:
    found = read_statistics(enter(alice, "/projects/campaign/agreement/"))
    assert list(found) == ["Preference", "Overall rank", "Clear"]
    check_choices(found["Preference"], stored(judged, 2))
    check_rankings(found["Overall rank"], rankings_of(stored(judged, 3)))
    check_scores(found["Clear"], scores_of(judged), scores_of(judged, fewest=1))
    check_intervals(found, judged)


def check_choices(shown: Shown, judgments: list[Judgment]) -> None:
    """Alphas, kappas, equal answers and the ceiling of choices between two."""
    table, everything = choices_of(judgments), choices_of(judgments, fewest=1)
    usual = table.keep_units(table.unit_sizes == 3)
    level = {"nominal": "nominal", "ordinal": "ordinal"}
    assert len(table.values) == 3, "ties are among them"
    expect_values(shown, {
        ("Krippendorff's α", level["nominal"]): shown_as(nominal_alpha(table), table),
        ("Krippendorff's α", level["ordinal"]): shown_as(ordinal_alpha(table), table),
        ("Fleiss' κ", "nominal"): shown_as(fleiss_kappa(usual), usual),
        ("Gwet's AC1", "nominal"): shown_as(gwet_coefficient(everything), everything),
        ("Gwet's AC2", "ordinal"): shown_as(gwet_coefficient(everything, weights="linear"), everything),
        ("Cohen's κ, mean of pairs of people", "nominal"): shown_as(mean_cohen_kappa(table), table),
        ("Cohen's κ, mean of pairs of people", "ordinal"): shown_as(mean_cohen_kappa(table, weights="linear"), table),
        ("Share of equal choices", "nominal"): shown_as(pairwise_agreement(table), table),
        ("Share of equal choices", "strict"): shown_as(strict_agreement(table), table),
        ("Share of equal answers, each unit once", "nominal"): shown_as(percent_agreement(table), table),
        ("One person against the others' majority", "nominal"): shown_as(leave_one_out_accuracy(table), table),
    })  # fmt: skip


def check_rankings(shown: Shown, observations: RankingObservations) -> None:
    """The rank distance and correlations of whole rankings."""
    table = build_ranking_table(observations)
    functions: dict[str, Callable[..., Statistic]] = {
        "Krippendorff's α": rank_distance_alpha, "Kendall's τ-b, mean of pairs": mean_tau_b,
        "Spearman's ρ, mean of pairs": mean_spearman, "Kendall's W, mean of tasks": mean_kendall_w,
        "Same best response": top_choice_agreement,
    }  # fmt: skip
    expect_values(shown, {(name, "rank"): shown_as(each(table), table.pairs) for name, each in functions.items()})
    ceiling = {("One person against the others' majority", "nominal"): leave_one_out_accuracy(table.pairs)}
    expect_values(shown, {name: shown_as(each, table.pairs) for name, each in ceiling.items()})


def check_scores(shown: Shown, table: JudgmentTable, everything: JudgmentTable) -> None:
    """Alphas of every level and intraclass correlations."""
    panel = find_panel(table)
    alphas = {"nominal": nominal_alpha, "ordinal": ordinal_alpha, "interval": interval_alpha, "ratio": ratio_alpha}
    wanted = {("Krippendorff's α", level): shown_as(each(table), table) for level, each in alphas.items()}
    wanted |= {
        ("ICC(1), one person of many", "interval"): shown_as(one_way_icc(table), table),
        ("ICC(1, k), mean of people", "interval"): shown_as(one_way_icc(table, average=True), table),
        ("ICC(2), same scores", "interval"): shown_as(two_way_icc(panel, case=2), panel),
        ("ICC(2, k), same scores, mean of people", "interval"): shown_as(
            two_way_icc(panel, case=2, average=True), panel
        ),
        ("ICC(3), same order", "interval"): shown_as(two_way_icc(panel, case=3), panel),
        ("ICC(3, k), same order, mean of people", "interval"): shown_as(
            two_way_icc(panel, case=3, average=True), panel
        ),
        ("Gwet's AC2", "interval"): shown_as(gwet_coefficient(everything, weights="quadratic"), everything),
    }
    expect_values(shown, wanted)


def check_intervals(found: dict[str, Shown], project: Project) -> None:
    """Every number and both its ends, from one call of the pure report."""
    names = {"preference": "Preference", "ranking": "Overall rank", "clear": "Clear"}
    records = agreement_report(load_observations(project=project), seed=0)
    dash = {None: "–"}
    numbers = [
        (names[each["criterion"]], *(dash.get(each[end]) or f"{each[end]:.3f}" for end in ("value", "low", "high")))  # type: ignore[literal-required,call-overload]
        for each in records
    ]
    displayed = [(name, *three) for name, rows in found.items() for three in rows.values()]
    assert sorted(displayed) == sorted(numbers) and len(records) > 40
    assert sum(low != "–" for _, _, low, _ in displayed) > 35


def test_self_consistency_reaches_the_page(judged: Project, enter: Enter, alice: User, bob: User) -> None:
    repeats = Task.objects.filter(project=judged, purpose="repeat").select_related("original")
    said = [(each.judgments.get().tiers, each.original.judgments.get(annotator=bob).tiers) for each in repeats]
    again = Repeats(np.full(8, bob.pk), np.ones(8), np.array([float(new == old) for new, old in said]))
    consistency = measure_consistency(again)[bob.pk]
    assert (consistency.repeats, consistency.same) == (8, 6)
    shown = enter(alice, f"/projects/campaign/quality/people/{bob.pk}/").locator("main").inner_text()
    low, high = 100 * consistency.low, 100 * consistency.high
    assert f"Same on repeats {100 * consistency.share:.0f}% {low:.0f}–{high:.0f}%, of 8" in " ".join(shown.split())
