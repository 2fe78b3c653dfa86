"""The command `sample`: responses of a policy to every prompt, written as they are made."""

import logging
from collections import Counter
from collections.abc import Sequence
from typing import Any

from rewardmodel.runtime.faults import Cancelled, Interrupted
from rewardmodel.runtime.json_lines import append_line, keep_lines, read_lines
from rewardmodel.runtime.run_directory import RunDirectory
from rewardmodel.runtime.seeding import derive_seed
from rltrainer.config import SampleConfig
from rltrainer.records import Completion, EncodedPrompt
from rltrainer.rollouts.batched_sampler import BatchedSampler
from rltrainer.rollouts.engine import SamplingRequest, SamplingRules
from rltrainer.stopwatch import Stopwatch
from rltrainer.workbench import Workbench, set_up

log = logging.getLogger(__name__)


def sample(directory: RunDirectory, config: SampleConfig) -> None:
    """Answer every prompt that has no answers yet. Raises: ConfigError, DataError, Cancelled."""
    sampling = config.sampling
    bench = set_up(
        directory, model=config.model, data=config.data, seed=config.seed, max_new_tokens=sampling.max_new_tokens
    )
    done = forget_incomplete(directory, sampling.responses_per_prompt)
    directory.status.update(phase="sample", total_steps=len(bench.prompts), step=len(done), message="sampling")
    directory.forget_after(len(done))
    lots = plan_lots(bench.prompts, max(1, sampling.batch_rows // sampling.responses_per_prompt))
    for lot in lots:
        missing = [prompt for prompt in lot if prompt.record.prompt_id not in done]
        if not missing:
            continue
        try:
            speed = _answer(directory, config, bench, missing)
        except Interrupted as wish:
            raise Cancelled(f"{wish}, after {len(done)} of {len(bench.prompts)} prompts") from wish
        done.update(prompt.record.prompt_id for prompt in missing)
        directory.append_metrics(len(done), speed)
        message = f"{len(done)} of {len(bench.prompts)} prompts answered"
        directory.status.update(step=len(done), message=message)
    directory.write_result(_describe(directory, bench))


def forget_incomplete(directory: RunDirectory, responses_per_prompt: int) -> set[str]:
    """The prompts with all their responses; the responses of others, left by a kill, are cut off."""
    counts = Counter(str(row["prompt_id"]) for row in read_lines(directory.responses))
    done = {prompt_id for prompt_id, count in counts.items() if count == responses_per_prompt}
    keep_lines(directory.responses, lambda row: str(row["prompt_id"]) in done)
    return done


def plan_lots(prompts: Sequence[EncodedPrompt], size: int) -> list[Sequence[EncodedPrompt]]:
    """Prompts that are answered together, in the order of the file: one, then twice as many each time up to `size`.

    Somebody may be waiting for the first answers, and a small lot is answered sooner than a large one.
    """
    lots: list[Sequence[EncodedPrompt]] = []
    start, width = 0, 1
    while start < len(prompts):
        lots.append(prompts[start : start + width])
        start, width = start + width, min(2 * width, size)
    return lots


def _answer(
    directory: RunDirectory, config: SampleConfig, bench: Workbench, prompts: Sequence[EncodedPrompt]
) -> dict[str, float]:
    sampling = config.sampling
    rules = SamplingRules(
        sampling.max_new_tokens, bench.renderer.stop_ids, temperature=sampling.temperature, top_p=sampling.top_p
    )
    watch = Stopwatch()
    requests = [SamplingRequest(prompt.token_ids, _seeds(config, prompt.record.prompt_id)) for prompt in prompts]
    engine = BatchedSampler(bench.model, batch_rows=sampling.batch_rows, check=directory.cancellation.check)
    answers = engine.sample(requests, rules)
    for prompt, completions in zip(prompts, answers, strict=True):
        for number, completion in enumerate(completions):
            row = _row(prompt.record.prompt_id, number, completion, bench)
            append_line(directory.responses, {**row, **(_sampled(completion) if sampling.keep_log_probs else {})})
    tokens = sum(len(completion.token_ids) for completions in answers for completion in completions)
    seconds = watch.values()["seconds_step"]
    return {"tokens_per_second_generate": tokens / seconds, "seconds_step": seconds}


def _seeds(config: SampleConfig, prompt_id: str) -> tuple[int, ...]:
    return tuple(
        derive_seed(config.seed, "sample", prompt_id, number) for number in range(config.sampling.responses_per_prompt)
    )


def _row(prompt_id: str, number: int, completion: Completion, bench: Workbench) -> dict[str, Any]:
    return {
        "prompt_id": prompt_id,
        "sample": number,
        "text": bench.renderer.decode(completion.token_ids),
        "tokens": len(completion.token_ids),
        "finish_reason": completion.finish_reason,
        "seed": completion.seed,
    }


def _sampled(completion: Completion) -> dict[str, Any]:
    """What a policy needs to learn from the completion later."""
    return {"token_ids": list(completion.token_ids), "log_probs": list(completion.log_probs)}


def _describe(directory: RunDirectory, bench: Workbench) -> dict[str, Any]:
    rows = list(read_lines(directory.responses))
    return {
        "kind": "sample",
        "prompts": len(bench.prompts),
        "prompts_left_out": bench.prompts_left_out,
        "responses": len(rows),
        "tokens": sum(row["tokens"] for row in rows),
        "truncated": sum(row["finish_reason"] == "length" for row in rows),
    }
