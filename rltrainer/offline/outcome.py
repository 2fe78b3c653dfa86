"""Before the first step and after the last: held-out likelihood, answers to read, the model and the result."""

from typing import Literal

from rewardmodel.records import PromptRecord
from rewardmodel.runtime.faults import Cancelled, Interrupted
from rewardmodel.runtime.json_lines import keep_lines
from rewardmodel.runtime.run_directory import RunDirectory
from rltrainer.config_offline import OfflineConfig
from rltrainer.offline.objective import Sums
from rltrainer.offline.session import Session
from rltrainer.outcome import hash_weights, save_policy
from rltrainer.records import EncodedPrompt, Group
from rltrainer.rollouts.batched_sampler import BatchedSampler
from rltrainer.rollouts.collecting import collect_groups
from rltrainer.rollouts.engine import SamplingRules
from rltrainer.shared_work import SharedEngine


def look_at_start(directory: RunDirectory, config: OfflineConfig, session: Session) -> None:
    """Score the held-out lessons and sample some answers before anything is learned. Raises: Cancelled."""
    many = len(session.lessons.held_out)
    directory.status.update(phase="evaluate", message=f"looking at {many} held-out records before training")
    session.start.sums = score_held_out(session)
    keep_answers(directory, answer_held_out(config, session), step=0, source="reference")


def finish(directory: RunDirectory, config: OfflineConfig, session: Session, *, steps: int) -> None:
    """Compare with the start, save the policy, write the result. Raises: Cancelled."""
    directory.status.update(phase="evaluate", message=f"judging on {len(session.lessons.held_out)} held-out records")
    confidence = config.evaluation.confidence
    judged = session.objective.judge(session.lessons.held_out, session.start.sums, score_held_out(session), confidence)
    groups = answer_held_out(config, session)
    directory.status.update(phase="save", message="saving the policy")
    save_policy(directory, config.model, session.learner.stepper.masters, session.renderer, ranks=session.ranks)
    if not session.ranks.is_first:
        return
    # A kill between here and the result must not double them on the next start.
    keep_lines(directory.samples, lambda row: row["source"] != "policy")
    keep_answers(directory, groups, step=steps, source="policy")
    directory.write_result(
        {
            "kind": config.kind,
            "steps": steps,
            "train_records": len(session.lessons.train),
            "eval_records": len(session.lessons.held_out),
            "records_left_out": session.lessons.left_out,
            **judged,
            "samples": 2 * sum(len(group.texts) for group in groups),
            "policy_version_sha256": hash_weights(directory.model),
        }
    )
    if not config.checkpoint.keep_when_done:
        directory.drop_checkpoints()


def score_held_out(session: Session) -> list[Sums]:
    """What the policy thinks of the held-out responses now. Raises: Cancelled where the starter asks for it."""
    try:
        return session.learner.score(session.lessons.held_out)
    except Interrupted as wish:
        raise Cancelled(f"{wish}, during an evaluation") from wish


def answer_held_out(config: OfflineConfig, session: Session) -> list[Group]:
    """The policy's answers to the first held-out prompts, with the same seeds each time. Raises: Cancelled."""
    settings = config.evaluation
    prompts = {
        lesson.record.prompt_id: EncodedPrompt(
            PromptRecord(lesson.record.prompt_id, lesson.record.prompt), lesson.prompt_ids
        )
        for lesson in reversed(session.lessons.held_out)
    }
    asked = list(reversed(prompts.values()))[: settings.shown_prompts]
    if not asked:
        return []
    try:
        return collect_groups(
            asked,
            engine=SharedEngine(
                _sampler(session, len(asked) * settings.samples_per_prompt),
                session.ranks,
                in_place=session.learner.stepper.masters.whole,
            ),
            renderer=session.renderer,
            rules=SamplingRules(settings.max_new_tokens, session.renderer.stop_ids, settings.temperature),
            group_size=settings.samples_per_prompt,
            seed=config.seed,
            purpose="evaluation",
            policy_version=0,
        )
    except Interrupted as wish:
        raise Cancelled(f"{wish}, during an evaluation") from wish


def _sampler(session: Session, rows: int) -> BatchedSampler:
    return BatchedSampler(session.model, batch_rows=rows, check=session.learner.policy.check)


def keep_answers(
    directory: RunDirectory, groups: list[Group], *, step: int, source: Literal["reference", "policy"]
) -> None:
    """Answers for people to read; nothing has rewarded them."""
    for group in groups:
        for text in group.texts:
            directory.append_sample(
                {
                    "step": step,
                    "prompt_id": group.prompt.record.prompt_id,
                    "prompt": list(group.prompt.record.prompt),
                    "response": text,
                    "reward": None,
                    "source": source,
                }
            )
