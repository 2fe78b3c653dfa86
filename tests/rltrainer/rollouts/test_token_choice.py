import pytest
import torch

from rltrainer.rollouts.token_choice import choose_tokens, keep_nucleus

LOGITS = torch.tensor([[0.5, 0.2, 0.0, 0.3]]).log().expand(5, 4)


def test_inverse_cdf_by_hand():
    # Cumulated 0.5, 0.7, 0.7, 1.0: the third token, of probability 0, is never chosen.
    tokens, log_probs = choose_tokens(LOGITS, torch.tensor([0.0, 0.49, 0.51, 0.71, 0.9999999]), temperature=1, top_p=1)
    assert tokens.tolist() == [0, 0, 1, 3, 3]
    torch.testing.assert_close(log_probs, torch.tensor([0.5, 0.5, 0.2, 0.3, 0.3]).log())


def test_temperature_sharpens_choice_and_log_prob():
    # At temperature 0.5 probabilities are squared: 0.25, 0.04, 0, 0.09 of 0.38.
    tokens, log_probs = choose_tokens(LOGITS[:1], torch.tensor([0.7]), temperature=0.5, top_p=1)
    assert tokens.item() == 1
    assert log_probs.exp().item() == pytest.approx(0.04 / 0.38, rel=1e-5)


def test_nucleus_by_hand():
    kept = keep_nucleus(torch.tensor([[0.5, 0.2, 0.0, 0.3], [0.1, 0.2, 0.3, 0.4]]), 0.6)
    torch.testing.assert_close(kept, torch.tensor([[0.5, 0.0, 0.0, 0.3], [0.0, 0.0, 0.3, 0.4]]))


def test_log_probs_are_those_before_the_nucleus_cut():
    tokens, log_probs = choose_tokens(LOGITS[:1], torch.tensor([0.9]), temperature=1, top_p=0.6)
    assert tokens.item() == 3
    assert log_probs.exp().item() == pytest.approx(0.3, rel=1e-5)


def test_rows_of_a_large_vocabulary_never_leave_it():
    logits = torch.zeros(3, 50_000)
    tokens, _ = choose_tokens(logits, torch.tensor([0.0, 0.5, 1 - 2**-24]), temperature=1, top_p=1)
    assert tokens.tolist()[0] == 0
    assert tokens.tolist()[1] == pytest.approx(25_000, abs=5)
    assert 49_990 <= tokens.tolist()[2] < 50_000


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_logits_that_are_no_numbers_are_refused(bad):
    with pytest.raises(FloatingPointError):
        choose_tokens(torch.tensor([[0.0, bad]]), torch.tensor([0.5]), temperature=1, top_p=1)
