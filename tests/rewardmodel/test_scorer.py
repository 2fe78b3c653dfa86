import json
import logging
import shutil
from pathlib import Path

import numpy
import pytest
import torch
from safetensors.torch import save_file

from rewardmodel.config_parsing import ConfigError
from rewardmodel.familiarity import FEATURES_FILE, Familiarity, learn_familiarity
from rewardmodel.network import (
    CARD_FILE,
    HEAD_FILE,
    RewardNetwork,
    load_reward_model,
    read_sequences,
    require_causal,
    save_reward_model,
    score_sequences,
)
from rewardmodel.runtime.backbones import load_backbone, load_tokenizer
from rewardmodel.scorer import Distances, EnsembleScorer, Opinion, RewardScorer
from tests.tiny_model import make_byte_tokenizer

PROMPTS = [[{"role": "user", "content": f"question {'?' * i}"}] for i in range(9)]
RESPONSES = ["yes " * (1 + 7 * i % 11) for i in range(9)]


def save_scorer(base: Path, folder: Path, familiarity: Familiarity | None = None) -> RewardScorer:
    folder.mkdir()
    network, scale = RewardNetwork(load_backbone(base), seed=5), {"mean": 0.5, "std": 2.0}
    save_reward_model(network, folder, max_length_tokens=128, familiarity=familiarity, **scale)
    load_tokenizer(base).save_pretrained(folder)
    return RewardScorer(folder)


@pytest.fixture
def scorer(tiny: Path, tmp_path: Path) -> RewardScorer:
    return save_scorer(tiny, tmp_path / "model")


def test_a_score_does_not_depend_on_its_company(scorer: RewardScorer) -> None:
    together = scorer.score(PROMPTS, RESPONSES)
    alone = [scorer.score([prompt], [text])[0] for prompt, text in zip(PROMPTS, RESPONSES, strict=True)]
    numpy.testing.assert_allclose(together, alone, rtol=0, atol=1e-5)
    scorer.batch_tokens = 100
    numpy.testing.assert_allclose(scorer.score(PROMPTS, RESPONSES), together, rtol=0, atol=1e-5)
    assert together.dtype == numpy.float32
    assert numpy.ptp(together) > 0.01


def test_a_score_does_not_depend_on_the_amount_or_kind_of_padding(scorer: RewardScorer) -> None:
    row = list(scorer.renderer.render(PROMPTS[0], RESPONSES[0]).token_ids)
    length = torch.tensor([len(row)])
    with torch.no_grad():
        scores = [
            float(scorer.network(torch.tensor([row + [pad] * amount]), length))
            for pad, amount in ((0, 0), (0, 5), (scorer.renderer.end_of_turn_id, 40))
        ]
    assert scores == pytest.approx([scores[0]] * 3, abs=1e-5)


def test_pad_token_equal_to_the_end_token_scores_alike(tmp_path: Path, scorer: RewardScorer) -> None:
    shutil.copytree(tmp_path / "model", tmp_path / "twin")
    make_byte_tokenizer(pad_is_eos=True).save_pretrained(tmp_path / "twin")
    other = RewardScorer(tmp_path / "twin")
    assert other.renderer.pad_id == other.renderer.end_of_turn_id
    numpy.testing.assert_allclose(other.score(PROMPTS, RESPONSES), scorer.score(PROMPTS, RESPONSES), atol=1e-5)


def test_the_end_of_turn_token_is_what_is_scored(scorer: RewardScorer) -> None:
    ids = scorer.renderer.render(PROMPTS[0], "yes").token_ids
    by_hand = score_sequences(scorer.network, [ids], pad_id=0, batch_tokens=512)
    assert ids[-1] == scorer.renderer.end_of_turn_id
    numpy.testing.assert_allclose(scorer.score(PROMPTS[:1], ["yes"], normalised=False), by_hand, atol=1e-6)


def test_normalised_scores_use_the_stored_mean_and_deviation(scorer: RewardScorer) -> None:
    raw = scorer.score(PROMPTS, RESPONSES, normalised=False)
    numpy.testing.assert_allclose(scorer.score(PROMPTS, RESPONSES), (raw - 0.5) / 2.0, rtol=1e-6)


def test_prompts_and_responses_must_pair_up(scorer: RewardScorer) -> None:
    with pytest.raises(ValueError, match="zip"):
        scorer.score(PROMPTS, RESPONSES[:-1])


def test_head_of_another_model_is_refused(tiny: Path, tmp_path: Path, scorer: RewardScorer) -> None:
    other = tmp_path / "other"
    other.mkdir()
    save_reward_model(RewardNetwork(load_backbone(tiny), seed=6), other, max_length_tokens=128, mean=0.0, std=1.0)
    (other / HEAD_FILE).replace(tmp_path / "model" / HEAD_FILE)
    with pytest.raises(ConfigError, match="not the head that was saved"):
        load_reward_model(tmp_path / "model")


@pytest.mark.parametrize("name", [HEAD_FILE, CARD_FILE])
def test_a_head_or_card_that_is_cut_off_is_told(tmp_path: Path, scorer: RewardScorer, name: str) -> None:
    path = tmp_path / "model" / name
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(ConfigError, match="model has a head or card that cannot be read"):
        load_reward_model(tmp_path / "model")


def test_a_head_of_another_width_is_refused(tmp_path: Path, scorer: RewardScorer) -> None:
    save_file({"weight": torch.zeros(1, 7), "bias": torch.zeros(1)}, tmp_path / "model" / HEAD_FILE)
    with pytest.raises(ConfigError, match="is not a head for the model beside it"):
        load_reward_model(tmp_path / "model")


def test_a_folder_without_a_card_is_no_reward_model(tiny: Path) -> None:
    with pytest.raises(ConfigError, match="is not a reward model"):
        load_reward_model(tiny)


def test_the_card_names_limits_and_scale(tmp_path: Path, scorer: RewardScorer) -> None:
    card = json.loads((tmp_path / "model" / CARD_FILE).read_text())
    assert (card["max_length_tokens"], card["score_mean"], card["score_deviation"]) == (128, 0.5, 2.0)


def test_first_scores_are_of_about_unit_size_and_repeat_with_the_seed(tiny: Path) -> None:
    first, again, other = (RewardNetwork(load_backbone(tiny), seed=seed).head.weight for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert float(first.detach().std()) == pytest.approx(1 / 33**0.5, rel=0.4)


def test_frozen_layers_do_not_learn(tiny: Path) -> None:
    network = RewardNetwork(load_backbone(tiny))
    network.freeze_layers(1)
    trainable = {name for name, parameter in network.named_parameters() if parameter.requires_grad}
    assert not any(name.startswith(("backbone.embed", "backbone.layers.0")) for name in trainable)
    assert any(name.startswith("backbone.layers.1") for name in trainable)
    with pytest.raises(ConfigError, match=r"model\.frozen_layers: 2 asked for, but the model has 2 layers"):
        network.freeze_layers(2)


def test_a_model_that_looks_ahead_is_refused(tiny: Path) -> None:
    network = RewardNetwork(load_backbone(tiny))
    require_causal(network)
    for layer in network.backbone.layers:
        layer.self_attn.is_causal = False
    with pytest.raises(ConfigError, match="causal language model"):
        require_causal(network)


class _Fixed:
    """A member with given scores, and given distances with what is unfamiliar of them."""

    def __init__(self, *scores, distances=None, unfamiliar=None):
        self.scores = numpy.array(scores, dtype=numpy.float32)
        self.distances = None if distances is None else Distances(numpy.array(distances), numpy.array(unfamiliar))

    def measure(self, prompts, responses):
        return Opinion(self.scores[: len(responses)], self.distances)


def test_an_ensemble_by_hand():
    scores = EnsembleScorer([_Fixed(1, 5), _Fixed(3, 5)]).score(PROMPTS[:2], RESPONSES[:2])
    assert scores.mean.tolist() == [2.0, 5.0]
    assert scores.deviation.tolist() == [1.0, 0.0]
    assert scores.trusted(rule="mean_minus_std", penalty=0.5).tolist() == [1.5, 5.0]
    assert scores.trusted(rule="min", penalty=0.5).tolist() == [1.0, 5.0]
    assert scores.trusted(rule="mean_minus_std", penalty=0.0).tolist() == scores.mean.tolist()


def test_an_ensemble_tells_the_mean_distance_of_the_members_that_tell_one():
    near = _Fixed(1, 5, distances=[1.0, 1.0], unfamiliar=[0.0, 0.0])
    far = _Fixed(1, 5, distances=[3.0, 2.0], unfamiliar=[1.0, 0.0])
    told = EnsembleScorer([near, _Fixed(3, 5), far]).score(PROMPTS[:2], RESPONSES[:2]).distances
    assert told is not None
    assert (told.typical.tolist(), told.unfamiliar.tolist()) == ([2.0, 1.5], [0.5, 0.0])
    assert EnsembleScorer([_Fixed(3, 5)]).score(PROMPTS[:2], RESPONSES[:2]).distances is None


class TestDistances:
    @pytest.fixture
    def knowing(self, tiny: Path, tmp_path: Path, scorer: RewardScorer) -> RewardScorer:
        """The same model, saved with the features of RESPONSES."""
        features = scorer.read(scorer._render(PROMPTS, RESPONSES)).features
        return save_scorer(tiny, tmp_path / "knowing", learn_familiarity(features, features))

    def test_scores_and_distances_come_from_one_pass(self, scorer, knowing, monkeypatch):
        passes = []
        real = RewardNetwork.features
        monkeypatch.setattr(RewardNetwork, "features", lambda *given: passes.append(len(given[2])) or real(*given))
        opinion = knowing.measure(PROMPTS, RESPONSES)
        assert sum(passes) == len(PROMPTS)
        assert opinion.scores.tolist() == scorer.score(PROMPTS, RESPONSES).tolist()
        assert float(numpy.median(opinion.distances.typical)) == pytest.approx(1.0, abs=1e-3)

    def test_other_texts_lie_farther_away(self, knowing):
        distances = knowing.measure(PROMPTS, ["zq" * 20] * 9).distances
        assert float(distances.typical.min()) > knowing.familiarity.tail
        assert distances.unfamiliar.tolist() == [1.0] * 9

    def test_a_distance_does_not_depend_on_its_company(self, knowing):
        together = knowing.measure(PROMPTS, RESPONSES).distances.typical
        alone = [
            knowing.measure([prompt], [text]).distances.typical[0]
            for prompt, text in zip(PROMPTS, RESPONSES, strict=True)
        ]
        numpy.testing.assert_allclose(together, alone, rtol=1e-3)

    def test_nothing_has_no_distance(self, knowing):
        assert knowing.measure([], []).distances is None

    def test_a_folder_of_before_scores_and_says_once_that_it_tells_no_distance(self, scorer, tmp_path, caplog):
        card = json.loads((tmp_path / "model" / CARD_FILE).read_text())
        old = {name: value for name, value in card.items() if not name.startswith("distance_")}
        (tmp_path / "model" / CARD_FILE).write_text(json.dumps(old))
        caplog.set_level(logging.INFO, logger="rewardmodel")
        reloaded = RewardScorer(tmp_path / "model")
        for _ in range(2):
            opinion = reloaded.measure(PROMPTS, RESPONSES)
        assert opinion.distances is None
        assert opinion.scores.tolist() == scorer.score(PROMPTS, RESPONSES).tolist()
        assert caplog.text.count(f"has no {FEATURES_FILE} and tells no distances") == 1

    def test_features_that_went_missing_are_not_passed_over(self, knowing, tmp_path):
        (tmp_path / "knowing" / FEATURES_FILE).unlink()
        with pytest.raises(ConfigError, match="cannot be read, though the model was saved with it"):
            RewardScorer(tmp_path / "knowing")


def test_features_are_what_the_head_reads(scorer):
    reading = read_sequences(scorer.network, [(5, 9, 20), (7,)], pad_id=0, batch_tokens=512)
    assert reading.features.shape == (2, scorer.network.head.in_features)
    with torch.no_grad():
        assert scorer.network.head(reading.features).squeeze(-1).tolist() == pytest.approx(reading.scores.tolist())


def test_only_wanted_features_are_kept_and_every_score_is(scorer):
    sequences = [(5, 9, 20), (7,), (8, 4), (3, 3, 3, 3)]
    whole = scorer.read(sequences)
    some = scorer.read(sequences, keep=[3, 1])
    assert torch.equal(some.features, whole.features[[3, 1]])
    assert numpy.array_equal(some.scores, whole.scores)
    none = scorer.read(sequences, keep=())
    assert none.features.shape == (0, scorer.network.head.in_features)
    assert numpy.array_equal(none.scores, scorer.raw_scores(sequences))


def test_an_ensemble_of_one_is_its_member(scorer):
    scores = EnsembleScorer([scorer]).score(PROMPTS, RESPONSES)
    assert numpy.array_equal(scores.mean, scorer.score(PROMPTS, RESPONSES))
    assert not scores.deviation.any()


def test_an_ensemble_needs_a_member():
    with pytest.raises(ValueError, match="needs a reward model"):
        EnsembleScorer([])
