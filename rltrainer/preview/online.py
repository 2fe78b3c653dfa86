"""A sample of a run on the policy's own completions, taken through the very step that trains, at learning rate 0."""

from dataclasses import replace

from rewardmodel.config_parsing import ConfigError
from rewardmodel.runtime.run_directory import RunDirectory
from rltrainer.algorithms.actor_critic import ActorCritic
from rltrainer.algorithms.algorithm import Evidence
from rltrainer.config import OnlineConfig
from rltrainer.layouts import Layout, lay_out
from rltrainer.policy import Policy
from rltrainer.preview.online_notes import online_notes
from rltrainer.preview.probe import ProbedLoss, row_key
from rltrainer.preview.records import Preview, PreviewCompletion, PreviewPart, notes_on
from rltrainer.preview.tokens import Columns, read_tokens, stop_tokens
from rltrainer.progress import Progress
from rltrainer.records import Completion, EncodedPrompt, Group, TrainingBatch
from rltrainer.rollouts.collecting import collect_groups
from rltrainer.rollouts.dynamic import Collector
from rltrainer.rollouts.judged import JudgedGroups
from rltrainer.rollouts.keep_rules import is_useful
from rltrainer.session import Session, open_session
from rltrainer.stopwatch import Stopwatch
from rltrainer.tally import Tally
from rltrainer.trainer import Trainer


def preview_online(
    directory: RunDirectory, config: OnlineConfig, *, prompt: int, completion: int, response: str | None
) -> Preview:
    """What the run's first step would make of a prompt (by its place in the file) and one of its completions.

    response: the text to look at in place of a sampled completion.
    Raises: ConfigError or DataError as a run would; ConfigError where there is no such prompt or completion.
    """
    session = open_session(directory, config)
    (group,) = session.reward.score([_take_group(session, config, prompt, completion, response)])
    trainer = Trainer(directory, config)
    batch = trainer.prepare(session, Progress(), [group], Stopwatch(), Tally())
    is_kept = not config.drawing.enabled or is_useful(group, config.drawing)
    probe = _probe(trainer, session, batch if is_kept else replace(batch, rows=()))
    shown = _describe(session, group, batch, completion, probe, is_kept=is_kept)
    notes = notes_on([shown], longest=config.rollout.max_new_tokens)
    price = session.controller.coefficient
    notes += online_notes(config, group, batch, completion, kl_coefficient=price, is_kept=is_kept)
    if shown.is_counted and not any(token.has_loss for token in shown.tokens):
        notes.append(_with_an_advantage(trainer, session, batch, completion))
    return Preview(
        kind=config.kind,
        prompt_id=group.prompt.record.prompt_id,
        prompt=group.prompt.record.prompt,
        stop_tokens=stop_tokens(session.bench.renderer),
        longest=config.rollout.max_new_tokens,
        completions=(shown,),
        rewards_of_group=group.rewards,
        notes=tuple(notes),
    )


def _take_group(session: Session, config: OnlineConfig, prompt: int, completion: int, response: str | None) -> Group:
    if not 0 <= completion < config.rollout.group_size:
        raise ConfigError([f"--completion: there are {config.rollout.group_size} of them, counted from 0"])
    if isinstance(session.collector, JudgedGroups):
        if response is not None:
            raise ConfigError(["--response: people have not judged it; rollout.source 'judged' shows given groups"])
        return session.collector.groups[_place(prompt, len(session.collector.groups))]
    asked = session.bench.prompts[_place(prompt, len(session.bench.prompts))]
    group = _sample(session.collector, config, asked)
    if response is None:
        return group
    completions = list(group.completions)
    completions[completion] = _typed(session, asked, response, longest=config.rollout.max_new_tokens)
    texts = tuple(session.bench.renderer.decode(own.token_ids) for own in completions)
    return replace(group, completions=tuple(completions), texts=texts)


def _place(prompt: int, count: int) -> int:
    if not 0 <= prompt < count:
        raise ConfigError([f"--prompt: there are {count} of them, counted from 0"])
    return prompt


def _sample(collector: Collector, config: OnlineConfig, prompt: EncodedPrompt) -> Group:
    """The prompt's group as the run's first step would sample it, were it the first to be drawn."""
    (group,) = collect_groups(
        [prompt],
        engine=collector.engine,
        renderer=collector.renderer,
        rules=collector.rules,
        group_size=config.rollout.group_size,
        seed=config.seed,
        purpose="rollout",
        policy_version=0,
    )
    return group


def _typed(session: Session, prompt: EncodedPrompt, response: str, *, longest: int) -> Completion:
    """A typed response as the sampler would have given it: with its stop token, or cut off."""
    rendering = session.bench.renderer.render(prompt.record.prompt, response)
    ids = rendering.token_ids[rendering.response_start :]
    kept = ids[:longest]
    (log_probs,) = session.optimizer.policy.log_probs([(prompt.token_ids, kept)])
    return Completion(kept, log_probs, "stop" if len(kept) == len(ids) else "length", seed=0)


def _probe(trainer: Trainer, session: Session, batch: TrainingBatch) -> ProbedLoss:
    """What a step of this batch alone learns from each token."""
    terms = trainer.terms(session, 0.0, seed=0)
    probe = ProbedLoss(terms.loss, prices_distance=session.loss.kl.place == "loss" and session.loss.kl_coefficient > 0)
    if batch.counted_rows:
        session.optimizer.update(batch, replace(terms, loss=probe), Tally())
    return probe


def _with_an_advantage(trainer: Trainer, session: Session, batch: TrainingBatch, number: int) -> str:
    """Where the loss of a completion without one would be, in plain words."""
    rows = tuple(replace(row, advantages=(1.0,) * len(row.completion_ids)) for row in batch.rows)
    found = _probe(trainer, session, replace(batch, rows=rows)).has_loss[row_key(rows[number])]
    return f"completion {number}: with an advantage {sum(found)} of its {len(found)} own tokens would have a loss"


def _describe(
    session: Session, group: Group, batch: TrainingBatch, number: int, probe: ProbedLoss, *, is_kept: bool
) -> PreviewCompletion:
    policy, renderer = session.optimizer.policy, session.bench.renderer
    columns = _columns(session, group, batch, number, probe, is_kept=is_kept)
    return PreviewCompletion(
        role="completion",
        number=number,
        text=group.texts[number],
        finish_reason=group.completions[number].finish_reason,
        is_counted=batch.rows[number].counted,
        tokens=tuple(read_tokens(_layout_of(batch, number, policy), number, columns, renderer)),
        parts=_parts(session, group, number),
        reward=group.rewards[number],
        task_reward=group.task_rewards[number],
    )


def _layout_of(batch: TrainingBatch, number: int, policy: Policy) -> Layout:
    """The micro-batch that holds the row."""
    plan = policy.plan([(row.prompt_ids, row.completion_ids) for row in batch.rows])
    (clusters,) = (part for part in plan if any(number in cluster.rows for cluster in part))
    return lay_out(clusters, device=policy.device)


def _columns(
    session: Session, group: Group, batch: TrainingBatch, number: int, probe: ProbedLoss, *, is_kept: bool
) -> Columns:
    """What is known about the tokens of a row."""
    row = batch.rows[number]
    key, count = row_key(row), len(row.completion_ids)
    return Columns(
        has_loss=probe.has_loss.get(key, (False,) * count),
        loss=probe.weights.get(key, (0.0,) * count),
        log_prob=probe.log_probs.get(key) or session.optimizer.policy.log_probs([key])[0],
        advantage=row.advantages if is_kept else (),
        reward=_token_rewards(session, group, batch)[number],
        value=row.values or (),
        value_target=row.returns or (),
    )


def _token_rewards(session: Session, group: Group, batch: TrainingBatch) -> list[list[float]]:
    """What each token of each row earns; nothing where groups are compared, for there a completion earns as a whole."""
    if not isinstance(session.rule, ActorCritic):
        return [[] for _ in batch.rows]
    known = [row.reference_log_probs for row in batch.rows if row.reference_log_probs is not None]
    evidence = Evidence(batch.policy_version, session.controller.coefficient, known or None)
    rewards: list[list[float]] = session.rule.token_rewards([group], evidence).tolist()
    return [own[: len(row.completion_ids)] for own, row in zip(rewards, batch.rows, strict=True)]


def _parts(session: Session, group: Group, number: int) -> tuple[PreviewPart, ...]:
    return tuple(
        PreviewPart(name, group.reward_parts[name][number], weight, name in session.reward.shaping)
        for name, (weight, _) in session.reward.parts.items()
    )
