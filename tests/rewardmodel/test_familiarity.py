import logging
from pathlib import Path

import numpy
import pytest
import torch
from sklearn.covariance import ledoit_wolf

from rewardmodel.config_parsing import ConfigError
from rewardmodel.familiarity import (
    FEATURES_FILE,
    LEAST_SHRINKAGE,
    MOST_RESPONSES,
    Familiarity,
    choose_rows,
    learn_familiarity,
    load_familiarity,
    save_familiarity,
    shrink_covariance,
    whiten,
)


def _features(count: int, width: int = 12, *, seed: int = 0) -> torch.Tensor:
    """Rows of one correlated distribution, whatever the seed."""
    mixing = torch.randn(width, width, generator=torch.Generator().manual_seed(99))
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed)) @ mixing + 3.0


@pytest.mark.parametrize(("count", "width"), [(5, 12), (12, 12), (300, 12)])
def test_the_shrunk_covariance_is_that_of_ledoit_and_wolf(count, width):
    rows = _features(count, width).double()
    centred = rows - rows.mean(dim=0)
    covariance, share = shrink_covariance(centred)
    expected, expected_share = ledoit_wolf(centred.numpy(), assume_centered=True)
    numpy.testing.assert_allclose(covariance.numpy(), expected, rtol=0, atol=1e-12 * float(covariance.abs().max()))
    assert share == pytest.approx(max(expected_share, LEAST_SHRINKAGE))


def test_the_share_of_the_identity_by_hand():
    # S = diag(2, 1/2), mean variance 5/4: distance 17/8 - 25/16 = 9/16; error (34/4 - 17/4) / 8 = 17/32.
    covariance, share = shrink_covariance(torch.tensor([[2.0, 0], [-2, 0], [0, 1], [0, -1]], dtype=torch.float64))
    assert share == pytest.approx(17 / 18)
    numpy.testing.assert_allclose(covariance.numpy(), numpy.diag([(2 + 17 * 1.25) / 18, (0.5 + 17 * 1.25) / 18]))


@pytest.mark.parametrize("count", [2, 3, 6])
def test_few_responses_make_no_singular_covariance(count):
    rows = _features(count).double()
    covariance, share = shrink_covariance(rows - rows.mean(dim=0))
    assert share >= LEAST_SHRINKAGE
    assert float(torch.linalg.eigvalsh(covariance).min()) > 0
    found = learn_familiarity(rows.float(), _features(50, seed=1))
    assert found is not None
    assert numpy.isfinite(found.distances(_features(9, seed=2))).all()


def test_whitening_makes_the_shrunk_covariance_the_identity():
    rows = _features(40).double()
    centred = rows - rows.mean(dim=0)
    scale = centred.square().mean(dim=0).sqrt()
    covariance, _ = shrink_covariance(centred / scale)
    whitening = whiten(rows)
    assert whitening is not None
    found = whitening @ (covariance * scale * scale[:, None]) @ whitening.T
    numpy.testing.assert_allclose(found.numpy(), numpy.eye(12), atol=1e-9)


def _learn(training: torch.Tensor, held_out: torch.Tensor) -> Familiarity:
    found = learn_familiarity(training, held_out)
    assert found is not None
    return found


def test_one_is_a_typical_held_out_response_and_one_in_twenty_is_unfamiliar():
    held_out = _features(400, seed=1)
    known = _learn(_features(500), held_out)
    distances = known.distances(held_out)
    assert distances.dtype == numpy.float32
    assert float(numpy.median(distances)) == pytest.approx(1.0)
    assert float((distances > known.tail).mean()) == pytest.approx(0.05)
    assert float(numpy.median(known.distances(_features(400, seed=2)))) == pytest.approx(1.0, abs=0.05)
    assert float(known.distances(_features(400, seed=2) + 30.0).min()) > known.tail


def test_far_is_what_goes_against_the_correlation_and_not_what_is_large():
    along = torch.randn(300, 1, generator=torch.Generator().manual_seed(0))
    noise = 0.1 * torch.randn(300, 2, generator=torch.Generator().manual_seed(1))
    rows = torch.cat([along, along], dim=1) + noise
    known = _learn(rows[:200], rows[200:])
    near, far = known.distances(torch.tensor([[2.0, 2.0], [0.7, -0.7]]))
    assert far > 2 * near


def test_the_unit_of_a_feature_and_its_origin_say_nothing():
    training, held_out, other = _features(30), _features(60, seed=1), _features(9, seed=2)
    units = torch.tensor([1024.0, 1, 2, 0.125] * 3)
    known, scaled = _learn(training, held_out), _learn(training * units - 5, held_out * units - 5)
    numpy.testing.assert_allclose(scaled.distances(other * units - 5), known.distances(other), rtol=1e-3)


def test_a_feature_that_never_varied_is_far_once_it_does():
    training, held_out = _features(100), _features(100, seed=1)
    for rows in (training, held_out):
        rows[:, 3] = 7.0
    known = _learn(training, held_out)
    moved = held_out.clone()
    moved[:, 3] = 200.0
    assert float(numpy.median(known.distances(held_out))) == pytest.approx(1.0)
    assert float(known.distances(moved).min()) > known.tail


def test_responses_that_all_look_alike_give_no_distance(caplog):
    caplog.set_level(logging.WARNING, logger="rewardmodel")
    assert learn_familiarity(torch.ones(5, 3), torch.ones(2, 3)) is None
    assert "the features of its training responses are all the same" in caplog.text


def test_held_out_responses_in_the_middle_of_training_ones_give_no_unit(caplog):
    caplog.set_level(logging.WARNING, logger="rewardmodel")
    assert learn_familiarity(torch.tensor([[-1.0], [1.0]]), torch.zeros(3, 1)) is None
    assert "where training ones do on average" in caplog.text


@pytest.mark.parametrize("features", [torch.ones(3), torch.ones(0, 3)])
def test_what_is_no_table_of_features_is_refused(features):
    with pytest.raises(ValueError, match="expected features"):
        whiten(features)


def test_responses_are_chosen_once_each_and_by_the_seed():
    many = [(number % 3000, 1) for number in range(5000)]
    first, again, other = (choose_rows(many, seed=seed) for seed in (1, 1, 2))
    assert first == again != other
    assert len({many[row] for row in first}) == len(first) == MOST_RESPONSES
    few = [(1,), (2,), (1,)]
    assert sorted(few[row] for row in choose_rows(few, seed=0)) == [(1,), (2,)]


class TestFile:
    def _saved(self, folder: Path) -> Familiarity:
        known = _learn(_features(50), _features(50, seed=1))
        save_familiarity(known, folder, head_sha256="abc")
        return known

    def test_it_comes_back_bit_by_bit(self, tmp_path: Path) -> None:
        known = self._saved(tmp_path)
        found = load_familiarity(tmp_path, median=known.median, tail=known.tail, head_sha256="abc")
        rows = _features(9, seed=2)
        assert found.distances(rows).tolist() == known.distances(rows).tolist()
        assert (found.median, found.tail) == (known.median, known.tail)

    def test_that_of_another_model_is_refused(self, tmp_path: Path) -> None:
        self._saved(tmp_path)
        with pytest.raises(ConfigError, match="is not the file that was saved with this model"):
            load_familiarity(tmp_path, median=1.0, tail=1.0, head_sha256="other")

    def test_one_that_is_gone_or_broken_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="cannot be read, though the model was saved with it"):
            load_familiarity(tmp_path, median=1.0, tail=1.0, head_sha256="abc")
        (tmp_path / FEATURES_FILE).write_bytes(b"no tensors")
        with pytest.raises(ConfigError, match="cannot be read"):
            load_familiarity(tmp_path, median=1.0, tail=1.0, head_sha256="abc")
