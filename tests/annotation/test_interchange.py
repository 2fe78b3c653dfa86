"""The real feedback data passes the importer and comes out of the statistics as known."""

from pathlib import Path

import numpy as np
import pytest

from annotation.agreement.observations import PairObservations, ScoreObservations
from annotation.agreement.report import agreement_report
from annotation.importers.concord import read_prompts
from annotation.importers.records import ImportedPrompt
from tests.annotation.interchange import self_instruct_lines, ukp_lines, wmt_lines

DATA = Path(__file__).parents[2] / "../shared/data"


def data_file(name: str) -> Path:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"needs the feedback data {name} beside the project, in ../shared/data")
    return path


def alphas(observations: PairObservations | ScoreObservations) -> dict[str, float]:
    records = agreement_report([observations], seed=0, resamples=20)
    return {each["level"]: round(each["value"], 4) for each in records if each["statistic"] == "krippendorff_alpha"}


def vote(prompt: ImportedPrompt, tiers: tuple[tuple[str, ...], ...]) -> int:
    first, second = ([key in tier for tier in tiers].index(True) for key in prompt.response_keys)
    return 1 + (first > second) - (first < second)


def test_argument_pairs_are_read_and_agree_as_known() -> None:
    prompts = list(read_prompts(ukp_lines(data_file("ukpconvarg1_demo.jsonl.gz"))))
    rows = [
        (each.external_id, said.annotator, vote(each, said.answer.tiers)) for each in prompts for said in each.judgments
    ]
    task, annotator, value = (np.array(column) for column in zip(*rows, strict=True))
    assert (len(prompts), len(rows), len(set(annotator))) == (3088, 15404, 1967)
    assert np.bincount(value).tolist() == [6162, 3215, 6027]
    assert alphas(PairObservations(task, annotator, value)) == {"nominal": 0.3559, "ordinal": 0.4764}


def test_translation_penalties_are_read_and_agree_as_known() -> None:
    prompts = list(read_prompts(wmt_lines(data_file("wmt23_sxs_mqm_ende.jsonl.gz"))))
    rows = [
        (each.external_id, f"{each.external_id}#{key}", said.annotator, penalty)
        for each in prompts
        for said in each.judgments
        for key, penalty in said.answer.scores["penalty"].items()
    ]
    task, unit, annotator, value = (np.array(column) for column in zip(*rows, strict=True))
    assert (len(prompts), len(rows)) == (104, 3120)
    found = alphas(ScoreObservations("penalty", task, unit, annotator, value.astype(float)))
    assert (found["ordinal"], found["interval"]) == (0.5145, 0.5331)


def test_instructions_without_judgments_are_read() -> None:
    prompts = list(read_prompts(self_instruct_lines(data_file("self_instruct_252x8_responses.jsonl.gz"))))
    assert len(prompts) == 252
    assert {len(each.responses) for each in prompts} == {8}
