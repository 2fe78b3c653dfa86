from dataclasses import replace

import pytest
import torch

from rltrainer.layouts import Cluster
from rltrainer.llama import attention_products, room
from rltrainer.llama.body import find_body
from rltrainer.llama.packing import pack_clusters
from rltrainer.llama.room import Room, make_room

BASIC = {"mixed", "middle", "gate", "up", "result"}
SPARED = {"query", "key", "value", "attention_input", "mlp_input"}
SOFTMAX = {"stem_softmax", "branch_softmax"}


def _cluster(tokens, completions=2):
    return Cluster(tuple(range(1, 1 + tokens)), tuple((5, 6, 7) for _ in range(completions)), tuple(range(completions)))


def _make(body, clusters, *, roomy):
    packed = pack_clusters(clusters)
    own = replace(body.prepare(packed), roomy=roomy)
    tokens = len(packed.input_ids)
    return make_room(body.weights.layers[0], own, tokens=tokens, rows=tokens), own


@pytest.fixture
def body(model):
    return find_body(model)


def test_little_is_kept_unless_there_is_room(body):
    assert _make(body, [_cluster(6)], roomy=False)[0].parts.keys() == BASIC
    kept, own = _make(body, [_cluster(6)], roomy=True)
    assert kept.parts.keys() == BASIC | SPARED | SOFTMAX
    assert tuple(part.numel() for part in kept.softmax) == own.plan.softmax_sizes


def test_the_softmax_of_long_rows_is_not_kept(body):
    width = body.weights.layers[0].query.out_features
    longest = room.SOFTMAX_SHARE * width // body.weights.heads
    assert _make(body, [_cluster(longest - 8, completions=1)], roomy=True)[0].softmax is not None
    assert _make(body, [_cluster(2 * longest)], roomy=True)[0].parts.keys() == BASIC | SPARED


def test_what_is_computed_in_its_place_is_left_there_and_the_rest_is_rounded_into_it():
    kept = Room({"mixed": torch.zeros(2, 3, dtype=torch.bfloat16)})
    place = kept.place("mixed", torch.bfloat16)
    place.fill_(2.0)
    assert kept.keep("mixed", place) is place
    assert kept.place("mixed", torch.float32) is None
    found = torch.full((2, 3), 1.001)
    assert kept.keep("mixed", found) is found
    assert kept.parts["mixed"].tolist() == [[1.0] * 3] * 2


def test_nothing_is_kept_under_a_name_without_a_place():
    found = torch.ones(2)
    assert Room({}).keep("gate", found) is found
    assert Room({}).place("gate", torch.float32) is None and Room({}).softmax is None


def test_a_softmax_that_is_kept_is_not_computed_again(body, monkeypatch):
    counted = []
    compute = attention_products._weights
    monkeypatch.setattr(attention_products, "_weights", lambda *given: counted.append(1) or compute(*given))
    body.weights.layers[0].query.weight.requires_grad_(True)
    passes = {}
    for roomy in (False, True):
        counted.clear()
        with torch.enable_grad():
            body.predicting_states([_cluster(6)], roomy=roomy).sum().backward()
        passes[roomy] = len(counted)
    assert passes[False] == 2 * passes[True] > 0
