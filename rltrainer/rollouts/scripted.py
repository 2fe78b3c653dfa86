"""An engine that answers from a script: for tests and for trying reward functions without a network."""

from collections.abc import Callable, Sequence

from rltrainer.records import Completion
from rltrainer.rollouts.engine import SamplingRequest, SamplingRules

Script = Callable[[tuple[int, ...], int], Sequence[int]]


class ScriptedEngine:
    """Answers each (prompt, seed) with the script's tokens; every log-prob is `log_prob`."""

    def __init__(self, script: Script, *, log_prob: float = 0.0) -> None:
        self.script = script
        self.log_prob = log_prob

    def sample(self, requests: Sequence[SamplingRequest], rules: SamplingRules) -> list[tuple[Completion, ...]]:
        """For each request its completions, cut at the longest allowed and after the first stop token."""
        return [tuple(self._answer(request.prompt_ids, seed, rules) for seed in request.seeds) for request in requests]

    def _answer(self, prompt_ids: tuple[int, ...], seed: int, rules: SamplingRules) -> Completion:
        tokens = list(self.script(prompt_ids, seed))[: rules.max_new_tokens]
        stops = [place for place, token in enumerate(tokens) if token in rules.stop_ids]
        kept = tuple(tokens[: stops[0] + 1] if stops else tokens)
        return Completion(kept, (self.log_prob,) * len(kept), "stop" if stops else "length", seed)
