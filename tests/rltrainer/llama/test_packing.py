import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rltrainer.layouts import Cluster
from rltrainer.llama.packing import LEAST_SHARED, Packed, pack_clusters, pack_prompts

SYSTEM = tuple(range(100, 100 + LEAST_SHARED + 4))


def _cluster(prompt, *completions):
    return Cluster(prompt, completions, tuple(range(len(completions))))


def _seen(packed: Packed, place: int) -> list[int]:
    """The tokens that the one at this place sees, by the plan of attention, itself included."""
    ids = packed.input_ids
    stems = packed.stems.places
    total = int(packed.stem_lengths.sum())
    if place < total:
        run, column = (stems == place).nonzero()[-1].tolist() if place else (0, 0)
        return ids[stems[run, : column + 1]].tolist()
    assert packed.branches is not None
    run, column = (packed.branches.places == place).nonzero()[0].tolist()
    mask = packed.branch_mask().expand(len(packed.branches.places), -1, -1, -1)[run, 0, column]
    keys = torch.cat([stems[packed.owners[run]], packed.branches.places[run]])
    return ids[keys[mask == 0]].tolist()


def _check(clusters):
    """Every completion's token is foretold where exactly what comes before it was seen."""
    packed = pack_clusters(clusters)
    wanted = [
        [*cluster.prompt_ids, *own[:place]]
        for cluster in clusters
        for own in cluster.completions
        for place in range(len(own))
    ]
    assert [_seen(packed, place) for place in packed.sources.tolist()] == wanted
    assert packed.position_ids[packed.sources].tolist() == [len(ids) - 1 for ids in wanted]
    for cluster, places, end in zip(clusters, packed.prompts, packed.ends.tolist(), strict=True):
        size = len(cluster.prompt_ids)
        assert packed.input_ids[places[:size]].tolist() == list(cluster.prompt_ids)
        assert int(places[size - 1]) == end
        assert _seen(packed, end) == list(cluster.prompt_ids)
    return packed


def test_a_beginning_that_prompts_share_is_computed_once():
    packed = _check(
        [_cluster((*SYSTEM, 1, 2), (5, 6)), _cluster((*SYSTEM, 3), (7,)), _cluster((*SYSTEM, 3, 4), (8, 9))]
    )
    assert packed.stem_lengths.tolist() == [len(SYSTEM)]
    assert len(packed.input_ids) == len(SYSTEM) + 3 + 1 + 3


def test_a_prompt_of_many_completions_is_computed_once_and_not_its_beginning():
    clusters = [_cluster((*SYSTEM, *range(number, number + 20)), *[(5, 6)] * 4) for number in (1, 2)]
    packed = _check(clusters)
    assert packed.stem_lengths.tolist() == [len(SYSTEM) + 20] * 2
    assert len(packed.input_ids) == 2 * (len(SYSTEM) + 20 + 4)


def test_prompts_that_begin_otherwise_stand_beside_those_that_share():
    stranger, short = (9, *SYSTEM[1:], 1), SYSTEM[: LEAST_SHARED - 1]
    packed = _check(
        [_cluster((*SYSTEM, 1), (5,)), _cluster(stranger, (6, 7)), _cluster((*SYSTEM, 2), (8,)), _cluster(short, (4,))]
    )
    assert sorted(packed.stem_lengths.tolist()) == [len(short), len(SYSTEM), len(stranger)]


def test_prompts_alone_share_as_well_and_one_may_be_the_beginning_of_another():
    packed = pack_prompts([SYSTEM, (*SYSTEM, 1, 2), (*SYSTEM, 1, 3)])
    assert packed.stem_lengths.tolist() == [len(SYSTEM) - 1]
    assert packed.input_ids[packed.ends].tolist() == [SYSTEM[-1], 2, 3]
    _check([_cluster(SYSTEM), _cluster((*SYSTEM, 1, 2)), _cluster((*SYSTEM, 1, 3))])


def test_the_last_token_of_a_completion_foretells_nothing_and_is_not_computed():
    packed = _check([_cluster((1, 2), (5,), (6,))])
    assert packed.input_ids.tolist() == [1, 2]
    assert packed.branches is None
    assert packed.sources.tolist() == [1, 1]
    packed = _check([_cluster((1, 2), (5,), (6, 7, 8))])
    assert packed.input_ids.tolist() == [1, 2, 6, 7]


def test_one_prompt_is_a_stem_without_branches():
    packed = pack_prompts([SYSTEM])
    assert packed.branches is None
    assert packed.ends.tolist() == [len(SYSTEM) - 1]


TOKENS = st.lists(st.integers(1, 3), min_size=1, max_size=6).map(tuple)


@st.composite
def _clusters(draw):
    begin = draw(st.sampled_from([(), SYSTEM, SYSTEM[:-2]]))
    return _cluster((*begin, *draw(TOKENS)), *draw(st.lists(TOKENS, max_size=3)))


@given(st.lists(_clusters(), min_size=1, max_size=6))
@settings(max_examples=200, deadline=None)
def test_every_place_sees_what_comes_before_it_and_nothing_else(clusters):
    packed = _check(clusters)
    apart = sum(cluster.tokens for cluster in clusters)
    assert len(packed.input_ids) <= apart
