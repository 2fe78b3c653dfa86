"""A collector over prompts of known difficulty, for tests: no network is needed."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from rewardmodel.records import PromptRecord
from rewardmodel.runtime.rendering import Renderer
from rltrainer.config_learning import DynamicSamplingConfig
from rltrainer.config_sections import RolloutConfig
from rltrainer.prompts import PromptSampler
from rltrainer.records import EncodedPrompt, Group
from rltrainer.rollouts.dynamic import Collector
from rltrainer.rollouts.engine import SamplingRules
from rltrainer.rollouts.scripted import ScriptedEngine

RIGHT, WRONG, STOP = 1, 0, 9


class CountingReward:
    """1 for an answer that begins with the right token, else 0; `noise` as the deviation of an ensemble."""

    def __init__(self, noise: float | None = None) -> None:
        self.noise = noise

    def score(self, groups: Sequence[Group]) -> list[Group]:
        return [self._score(group) for group in groups]

    def _score(self, group: Group) -> Group:
        rewards = tuple(float(completion.token_ids[0] == RIGHT) for completion in group.completions)
        noise = () if self.noise is None else (self.noise,) * len(rewards)
        return replace(group, rewards=rewards, task_rewards=rewards, reward_noise=noise)


def numbered_prompts(count: int) -> list[EncodedPrompt]:
    """Prompts q0, q1, ... whose only token is their number."""
    return [EncodedPrompt(PromptRecord(f"q{i}", ({"role": "user", "content": "?"},), {}), (i,)) for i in range(count)]


def solvable_share(every: int) -> Callable[[tuple[int, ...], int], Sequence[int]]:
    """A script in which every so many-th prompt is answered right half the time, and the others never."""
    return lambda prompt, seed: [RIGHT if prompt[0] % every == 0 and seed % 2 else WRONG, STOP]


def make_collector(
    renderer: Renderer,
    script: Callable[[tuple[int, ...], int], Sequence[int]],
    *,
    prompts: int = 40,
    prompts_per_step: int = 4,
    group_size: int = 8,
    noise: float | None = None,
    **dynamic: object,
) -> Collector:
    """A collector whose engine answers by the script; `dynamic` are fields of the section `dynamic_sampling`."""
    return Collector(
        config=DynamicSamplingConfig(**{"enabled": True, "rule": "variance", **dynamic}),  # type: ignore[arg-type]
        rollout=RolloutConfig(prompts_per_step=prompts_per_step, group_size=group_size, max_new_tokens=4),
        seed=5,
        prompts=PromptSampler(numbered_prompts(prompts), seed=5),
        engine=ScriptedEngine(script),
        reward=CountingReward(noise),
        renderer=renderer,
        rules=SamplingRules(max_new_tokens=4, stop_ids=frozenset({STOP})),
    )
