"""From prompts to groups: seeds, engine, text."""

from collections.abc import Sequence

from rewardmodel.runtime.rendering import Renderer
from rewardmodel.runtime.seeding import derive_seed
from rltrainer.records import EncodedPrompt, Group
from rltrainer.rollouts.engine import RolloutEngine, SamplingRequest, SamplingRules


def collect_groups(
    prompts: Sequence[EncodedPrompt],
    *,
    engine: RolloutEngine,
    renderer: Renderer,
    rules: SamplingRules,
    group_size: int,
    seed: int,
    purpose: str,
    policy_version: int,
    first_place: int = 0,
) -> list[Group]:
    """Groups of `group_size` completions, not scored yet.

    Every completion's seed follows from `seed`, `purpose`, the version, its prompt's place and its own number: a step
    that is repeated after a resume samples the same. `first_place` is the place of the first prompt, for a step that
    draws more than once.
    """
    requests = [
        SamplingRequest(
            prompt.token_ids,
            tuple(derive_seed(seed, purpose, policy_version, place, number) for number in range(group_size)),
        )
        for place, prompt in enumerate(prompts, start=first_place)
    ]
    return [
        Group(prompt, completions, tuple(renderer.decode(c.token_ids) for c in completions), policy_version)
        for prompt, completions in zip(prompts, engine.sample(requests, rules), strict=True)
    ]
