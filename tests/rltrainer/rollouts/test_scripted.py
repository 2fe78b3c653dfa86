from rltrainer.rollouts.engine import SamplingRequest, SamplingRules
from rltrainer.rollouts.scripted import ScriptedEngine


def test_the_script_is_cut_like_any_engine_would():
    engine = ScriptedEngine(lambda prompt, seed: [*prompt, seed, 9, 9, 9])
    rules = SamplingRules(max_new_tokens=3, stop_ids=frozenset({7}))
    ((first, second),) = engine.sample([SamplingRequest((1,), (7, 8))], rules)
    assert (first.token_ids, first.finish_reason) == ((1, 7), "stop")
    assert (second.token_ids, second.finish_reason) == ((1, 8, 9), "length")
