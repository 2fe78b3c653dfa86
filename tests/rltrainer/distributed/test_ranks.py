"""What two processes do together is what one would do alone."""

import pytest
import torch
from torch import nn

from rewardmodel.config_parsing import ConfigError
from rewardmodel.runtime.faults import Diverged, Interrupted
from rltrainer.rank_environment import RankPlace, read_launch, read_place
from rltrainer.ranks import SINGLE, share_out
from tests.rltrainer.distributed.processes import on_ranks


def _everything(ranks):
    own = nn.Parameter(torch.zeros(3))
    own.grad = torch.tensor([1.0, 2.0, 3.0]) * (ranks.index + 1)
    unequal = nn.Parameter(torch.zeros(2))
    if ranks.index == 1:
        unequal.grad = torch.ones(2)
    ranks.reduce_gradients([own, unequal])
    return {
        "gather": ranks.gather({"rank": ranks.index}),
        "sum": ranks.sum([0.1 * (ranks.index + 1), 1e16 if ranks.index else 1.0]),
        "any": (ranks.any(ranks.index == 1), ranks.any(False)),
        "share": ranks.share("abc"),
        "join": ranks.join(list("ab" if ranks.index else "c")),
        "gradients": (own.grad.tolist(), unequal.grad.tolist()),
        "first": ranks.is_first,
    }


def test_all_ranks_come_to_the_same():
    first, second = on_ranks(2, _everything)
    assert (first.pop("first"), second.pop("first")) == (True, False)
    assert (first.pop("share"), second.pop("share")) == (["a", "b"], ["c"])
    assert first == second
    assert first["gather"] == [{"rank": 0}, {"rank": 1}]
    assert first["sum"] == [pytest.approx(0.3, abs=1e-16), 1e16]
    assert first["any"] == (True, False)
    assert first["join"] == ["c", "a", "b"]
    assert first["gradients"] == ([3.0, 6.0, 9.0], [1.0, 1.0])


def test_ranks_that_meet_agree_on_a_name_that_no_other_launch_has():
    launches = [on_ranks(2, lambda ranks: read_launch()) for _ in range(2)]
    assert all(first == second and first for first, second in launches)
    assert launches[0] != launches[1]


def _fail_on_the_second(ranks, fault):
    def work():
        if ranks.index == 1:
            raise fault
        return "done"

    try:
        return ranks.attempt(work)
    except type(fault) as error:
        return type(error).__name__, getattr(error, "faults", str(error))


@pytest.mark.parametrize("fault", [Interrupted("stop"), ConfigError(["a: one", "b: two"]), Diverged("no number")])
def test_what_one_rank_raises_all_raise(fault):
    expected = (type(fault).__name__, getattr(fault, "faults", str(fault)))
    assert on_ranks(2, _fail_on_the_second, fault) == [expected, expected]


def test_a_single_process_needs_nobody():
    assert SINGLE.gather(5) == [5]
    assert SINGLE.sum([1.5, 2]) == [1.5, 2]
    assert SINGLE.any(True) and not SINGLE.any(False)
    assert SINGLE.share([1, 2]) == [1, 2] == SINGLE.join([1, 2])
    assert SINGLE.attempt(lambda: 3) == 3
    SINGLE.barrier()


@pytest.mark.parametrize(
    ("items", "ranks", "weights", "owners"),
    [
        (3, 2, None, [0, 0, 1]),
        (1, 2, None, [0]),
        (0, 2, None, []),
        (4, 2, [9, 1, 1, 1], [0, 1, 1, 1]),
        (3, 4, None, [0, 1, 2]),
        (2, 2, [0, 0], [0, 0]),
    ],
)
def test_shares_are_neighbours_of_even_weight(items, ranks, weights, owners):
    assert share_out(items, ranks, weights=weights) == owners


def test_ranks_come_from_torchruns_variables():
    assert read_place({}) == RankPlace(0, 1, 0)
    place = RankPlace(3, 8, 1)
    assert read_place(place.variables(port=1)) == place


@pytest.mark.parametrize(
    "variables",
    [
        {"WORLD_SIZE": "2"},
        {"WORLD_SIZE": "2", "RANK": "2", "LOCAL_RANK": "0"},
        {"WORLD_SIZE": "two", "RANK": "0", "LOCAL_RANK": "0"},
    ],
)
def test_half_set_variables_are_refused(variables):
    with pytest.raises(ConfigError, match="RANK"):
        read_place(variables)
