import json

from rltrainer.records import Completion, Group
from rltrainer.rollouts.packed_groups import pack_group, unpack_group
from tests.rltrainer.rollouts.scripted_collector import numbered_prompts


def test_a_group_survives_json_bit_by_bit():
    prompt = numbered_prompts(3)[2]
    completions = (Completion((5, 9), (-0.1, -1 / 3), "stop", 2**62 + 1), Completion((5,), (-1e-300,), "length", 7))
    group = Group(
        prompt, completions, ("ä\n", ""), 4, {"model": (0.1 + 0.2, 2.0)}, (0.1, 1 / 7), (0.3, -0.0), (1e-9, 3.0),
        (1.1, 1 / 3), (0.5, 1.0),
    )  # fmt: skip
    packed = json.loads(json.dumps(pack_group(group)))
    assert unpack_group(packed, {prompt.record.prompt_id: prompt}) == group
