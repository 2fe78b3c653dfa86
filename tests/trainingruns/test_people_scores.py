import random

import pytest

from rltrainer.judged_records import scores_of_tiers
from trainingruns.pairs import PromptVotes
from trainingruns.people_scores import score_responses


def _votes(*rankings: list[list[str]], texts: dict[str, str] | None = None) -> PromptVotes:
    keys = {key for tiers in rankings for tier in tiers for key in tier}
    votes = PromptVotes("1", [], texts or {key: key for key in keys})
    for number, tiers in enumerate(rankings):
        votes.add_answer(number, tiers)
    return votes


def test_the_share_won_less_the_share_lost() -> None:
    votes = _votes([["a"], ["b"]], [["a"], ["b"]], [["b"], ["a"]], [["a", "b"]])
    assert score_responses(votes) == {"a": 0.25, "b": -0.25}


def test_a_single_ranking_gives_what_the_trainer_makes_of_its_tiers() -> None:
    generator = random.Random(4)
    for _ in range(50):
        members = generator.sample(range(9), generator.randint(2, 9))
        cuts = sorted(generator.sample(range(1, len(members)), generator.randint(0, len(members) - 1)))
        tiers = [members[low:high] for low, high in zip([0, *cuts], [*cuts, len(members)], strict=True)]
        scores = score_responses(_votes([[str(key) for key in tier] for tier in tiers]))
        assert scores == pytest.approx({str(key): score for key, score in scores_of_tiers(tiers).items()})


def test_equal_texts_are_one_response() -> None:
    votes = _votes([["a"], ["b"], ["c"]], texts={"a": "yes", "b": " yes\n", "c": "no"})
    assert score_responses(votes) == {"yes": 1.0, "no": -1.0}
