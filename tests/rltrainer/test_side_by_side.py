import threading
import time
import weakref

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rltrainer import side_by_side
from rltrainer.memory import measure_kept_bytes
from rltrainer.side_by_side import cut_evenly, differentiate_halves, make_turns, plan_halves, run_halves


@pytest.fixture
def two_threads():
    """Put back by the fixture that gives every test one."""
    torch.set_num_threads(2)


@given(st.lists(st.integers(1, 500), min_size=1, max_size=30))
def test_no_other_cut_is_more_even(tokens):
    distances = [abs(sum(tokens[:place]) - sum(tokens[place:])) for place in range(len(tokens))]
    assert distances[cut_evenly(tokens)] == min(distances)


def test_halves_where_they_are_faster(two_threads):
    assert plan_halves([400, 240, 560]) == (slice(0, 2), slice(2, 3))
    assert plan_halves([]) is None
    assert plan_halves([1200]) is None
    assert plan_halves([400, 400]) is None, "too few tokens"
    assert plan_halves([800, 1200]) is None, "uneven"


@pytest.mark.parametrize("threads", [1, 3])
def test_no_halves_with_another_number_of_threads(threads):
    torch.set_num_threads(threads)
    assert plan_halves([800, 800]) is None


def test_what_both_do_in_turn_the_first_does_first():
    order = []
    turns = make_turns()

    def work(number, _):
        for thing in range(20):
            # The first is the slower one, and would come second everywhere.
            time.sleep(0.002 * (1 - number))
            with turns[number]:
                order.append((thing, number))

    run_halves(work, turns)
    assert [[number for thing, number in order if thing == own] for own in range(20)] == [[0, 1]] * 20


def test_each_half_computes_alone_in_a_thread_of_its_own(two_threads):
    met = threading.Barrier(2)

    def work(number, _):
        met.wait(timeout=120)
        return number, threading.get_ident(), torch.get_num_threads()

    for _ in range(2):
        first, second = run_halves(work)
        assert (first[0], second[0]) == (0, 1)
        assert len({first[1], second[1], threading.get_ident()}) == 3
        assert first[2] == second[2] == 1
        assert torch.get_num_threads() == 2


@pytest.mark.parametrize("enabled", [True, False])
def test_gradients_are_enabled_as_they_are_outside(enabled):
    with torch.set_grad_enabled(enabled):
        assert run_halves(lambda *_: torch.is_grad_enabled()) == [enabled] * 2
    with torch.inference_mode():
        assert run_halves(lambda *_: torch.is_inference_mode_enabled()) == [True] * 2


@pytest.mark.parametrize("failing", [0, 1])
def test_an_error_of_one_half_is_told_and_the_other_does_not_wait(failing):
    turns = make_turns()
    held = []

    def work(number, turn):
        tensor = torch.ones(3)
        held.append(weakref.ref(tensor))
        with turn:
            pass
        if number == failing:
            raise MemoryError(f"half {number}")
        with turn:
            return tensor

    assert _message(lambda: run_halves(work, turns)) == f"half {failing}"
    assert len(held) == 2
    assert [each() for each in held] == [None, None], "what has failed keeps its memory"
    assert run_halves(lambda number, _: number) == [0, 1]


def _message(call):
    try:
        call()
    except MemoryError as error:
        return str(error)
    return "none failed"


def test_gradients_flow_back_through_both_halves():
    weights = [torch.tensor([2.0, 3.0], requires_grad=True), torch.tensor([5.0], requires_grad=True)]
    found = differentiate_halves(lambda number, _: weights[number].square())
    assert found.tolist() == [4.0, 9.0, 25.0]
    (found * torch.tensor([1.0, 10.0, 100.0])).sum().backward()
    assert [weight.grad.tolist() for weight in weights] == [[4.0, 60.0], [1000.0]]


def test_what_halves_keep_is_counted():
    weights = [torch.ones(50, requires_grad=True), torch.ones(30, requires_grad=True)]
    kept = measure_kept_bytes(lambda: differentiate_halves(lambda number, _: weights[number].square()))
    assert kept == 4 * 80


def test_threads_are_made_once():
    assert side_by_side._threads() is side_by_side._threads()
