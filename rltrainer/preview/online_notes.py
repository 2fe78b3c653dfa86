"""PURE: what to know about a sample of the policy's own completions, in plain words."""

from collections.abc import Iterator

from rltrainer.config import OnlineConfig
from rltrainer.records import Group, TrainingBatch
from rltrainer.rollouts.keep_rules import explain_idle_rule, is_flat


def online_notes(
    config: OnlineConfig, group: Group, batch: TrainingBatch, number: int, *, kl_coefficient: float, is_kept: bool
) -> list[str]:
    """What this kind of run makes of the group and of the completion that is looked at.

    kl_coefficient: the price of distance as it stands. is_kept: False where dynamic sampling drops the group.
    """
    always = list(_what_always_counts(config, kl_coefficient))
    if not is_kept:
        return list(_notes_on_dropped(config, group, always))
    notes = list(_notes_on_kind(config))
    if idle := explain_idle_rule(config.drawing, config.reward):
        notes.append(idle)
    if not any(batch.rows[number].advantages):
        notes += _notes_without_advantage(config, batch, number, always)
    return notes


def _notes_on_kind(config: OnlineConfig) -> Iterator[str]:
    if config.kind == "ppo":
        yield "the reward stands at the last token, and the critic's value is read where each token is predicted"
        if config.critic.warmup_steps:
            first = f"in the first {config.critic.warmup_steps} steps only the critic learns"
            yield f"{first}; the loss shown is the policy's, which comes after them"
        if config.gae.whiten:
            yield "advantages have mean 0 and deviation 1 (gae.whiten): here in this group, in a run in all of a step"
        return
    yield "the reward is the completion's; less that of its siblings it is the advantage of each of its tokens"
    if config.advantage.scale == "batch":
        yield "advantages are divided by the deviation of rewards: here in this group, in a run in all of a step"
    if config.rollout.source == "judged":
        yield "the completions are given; their stored log-probs stand below the ratio"


def _what_always_counts(config: OnlineConfig, kl_coefficient: float) -> Iterator[str]:
    """What gives tokens a loss whatever their advantage."""
    if config.kl.place == "loss" and kl_coefficient:
        yield "the price of distance (kl.coefficient), which is 0 while the policy is where its reference is"
    if config.loss.entropy_coefficient:
        yield "the reward of entropy (loss.entropy_coefficient)"
    if config.kind == "ppo" and config.critic.kind == "shared":
        yield "the critic on the policy's own body (critic.coefficient)"


def _notes_without_advantage(
    config: OnlineConfig, batch: TrainingBatch, number: int, always: list[str]
) -> Iterator[str]:
    if config.kind == "ppo":
        yield f"completion {number}: all of its advantages are 0"
    elif any(any(row.advantages) for row in batch.rows):
        yield f"completion {number}: earns what its group does on average, so that its advantage is 0"
    else:
        yield "all completions of this group earn the same, so that their advantages are 0"
    if not batch.rows[number].counted:
        return
    if always:
        yield f"without an advantage there is still a loss, from {' and '.join(always)}"
    else:
        yield "without an advantage there is no loss, and the run learns nothing from it"


def _notes_on_dropped(config: OnlineConfig, group: Group, always: list[str]) -> Iterator[str]:
    drawing = config.drawing
    why = "its completions earn the same for the task"
    if not is_flat(group):
        factor = f"dynamic_sampling.noise_factor ({drawing.noise_factor:g})"
        why = f"its rewards for the task differ by less than {factor} times what the reward models are unsure of"
    yield f"dynamic sampling drops this group, so that nothing is learned from it: {why}"
    most = f"up to {drawing.max_batches} times (dynamic_sampling.max_batches)"
    yield f"to have others in its place a step draws prompts {most}"
    if drawing.on_cap == "fill_with_zero_advantage":
        filled = "a step that still lacks groups takes in dropped ones with advantages of 0 (dynamic_sampling.on_cap)"
        yield f"{filled}; these have a loss from {' and '.join(always)}" if always else filled
