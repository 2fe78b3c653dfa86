"""The commands that use a trained reward model: evaluate and score."""

from rewardmodel.config import EvaluateConfig, ScoreConfig
from rewardmodel.config_compute import ComputeConfig
from rewardmodel.data import encode_pairs
from rewardmodel.evaluation import build_report, score_pairs
from rewardmodel.records import DataError, ResponseRecord, read_preferences, read_responses, to_json
from rewardmodel.runtime.device import ComputeDevice, select_device
from rewardmodel.runtime.faults import Cancelled, Interrupted
from rewardmodel.runtime.json_lines import append_line, keep_lines
from rewardmodel.runtime.run_directory import RunDirectory
from rewardmodel.scorer import RewardScorer

RESPONSES_AT_ONCE = 64


def evaluate(directory: RunDirectory, config: EvaluateConfig) -> None:
    """The command `evaluate`: judge a trained model on held-out preferences."""
    scorer = _load_scorer(directory, config.model.folder, config.compute, config.evaluation.batch_tokens)
    records = read_preferences(directory.resolve(config.data.eval))
    if not records:
        raise DataError("data.eval: the file has no records")
    pairs = encode_pairs(records, scorer.renderer, max_length_tokens=config.data.max_length_tokens)
    directory.status.update(phase="evaluate", message=f"scoring {len(pairs)} pairs")
    tokens = config.evaluation.batch_tokens
    check = directory.cancellation.check
    scores = score_pairs(scorer.network, pairs, pad_id=scorer.renderer.pad_id, batch_tokens=tokens, check=check)
    report = build_report(pairs, scores, config.evaluation)
    counts = {"eval_pairs": len(pairs), "truncated_rows": sum(pair.truncated_rows for pair in pairs)}
    directory.write_result({"kind": "reward-evaluate", **report, **counts})


def score(directory: RunDirectory, config: ScoreConfig) -> None:
    """The command `score`: add a score to every response; goes on where an earlier process stopped."""
    responses = read_responses(directory.resolve(config.responses))
    if not responses:
        raise DataError(f"{config.responses}: the file has no records")
    target = directory.root / "scores.jsonl"
    done = keep_lines(target, lambda row: True)
    scorer = _load_scorer(directory, config.model.folder, config.compute, config.batch_tokens)
    directory.status.update(phase="evaluate", step=done, total_steps=len(responses), message="scoring")
    for start in range(done, len(responses), RESPONSES_AT_ONCE):
        part = responses[start : start + RESPONSES_AT_ONCE]
        try:
            values = _score_part(scorer, part)
        except Interrupted as wish:
            raise Cancelled(f"{wish}; {start} of {len(responses)} responses are scored") from wish
        for response, value in zip(part, values, strict=True):
            append_line(target, {**to_json(response), "score": value})
        directory.status.update(step=start + len(part), message=f"{start + len(part)} of {len(responses)} responses")
    directory.write_result({"kind": "score", "responses": len(responses)})


def _score_part(scorer: RewardScorer, part: list[ResponseRecord]) -> list[float]:
    scores = scorer.score([response.prompt for response in part], [response.text for response in part])
    return [float(value) for value in scores]


def _load_scorer(directory: RunDirectory, folder: str, compute: ComputeConfig, batch_tokens: int) -> RewardScorer:
    device: ComputeDevice = select_device(
        device=compute.device, precision=compute.precision, threads=compute.threads, section="compute"
    )
    directory.status.update(state="running", phase="load", device=device.name, message="loading the reward model")
    check = directory.cancellation.check
    return RewardScorer(directory.resolve(folder), device, batch_tokens=batch_tokens, check=check)
