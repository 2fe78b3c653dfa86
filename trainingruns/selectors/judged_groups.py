"""A sample run's completions with what people made of them, as a policy run takes them."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from annotation.exceptions import ApplicationError
from annotation.models import Prompt
from rewardmodel.records import DataError, PromptRecord
from rltrainer.judged_records import judged_group
from trainingruns.models import Run
from trainingruns.people_scores import score_responses
from trainingruns.run_files import GrowingFile
from trainingruns.selectors.votes import Provenance, read_votes


@dataclass(slots=True)
class JudgedGroups:
    """The groups of one sample run."""

    groups: list[dict[str, Any]] = field(default_factory=list)
    """Lines of a groups file, one a prompt."""
    judgment_ids: list[int] = field(default_factory=list)
    """The judgments that their scores are made of, in order."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Why prompts are missing, and how many: `not_judged`, `partly_judged`."""


def read_judged_groups(*, run: Run, directory: Path, exclude_simulated: bool = False) -> JudgedGroups:
    """The prompts of a sample run whose responses people have all judged, with a score for each.

    directory: the run's own.
    Raises: ApplicationError where the run sampled nothing, or kept no log-probs to learn from.
    """
    if run.kind != Run.Kind.SAMPLE:
        raise ApplicationError(f"{run} is no sample run; groups are made of sampled responses.", code="wrong_kind")
    found = JudgedGroups()
    scores, judgments = _scores(run, exclude_simulated)
    used: set[int] = set()
    temperature = float(run.config["sampling"].get("temperature", 1.0))
    for prompt, lines in _responses(run, directory):
        known = {line["sample"]: scores[prompt.pk].get(line["text"].strip()) for line in lines}
        judged = {sample: score for sample, score in known.items() if score is not None}
        if len(judged) < len(lines):
            found.left_out["partly_judged" if judged else "not_judged"] += 1
            continue
        record = PromptRecord(str(prompt.pk), tuple(prompt.messages), prompt.metadata)
        try:
            found.groups.append(judged_group(record, lines, judged, temperature=temperature))
        except DataError as error:
            raise ApplicationError(f"{run} cannot be learned from: {error}.", code="no_log_probs") from error
        used |= judgments[prompt.pk]
    found.judgment_ids = sorted(used)
    return found


def _scores(run: Run, exclude_simulated: bool) -> tuple[dict[int, dict[str, float]], dict[int, set[int]]]:
    """People's scores of texts, and the judgments behind them, by prompt."""
    filters = {"exclude_gold": True, "exclude_simulated": exclude_simulated, "since": None}
    found: dict[int, dict[str, float]] = defaultdict(dict)
    judgments: dict[int, set[int]] = defaultdict(set)
    for votes in read_votes(project=run.project, filters=filters, provenance=Provenance()):
        prompt_id = int(votes.prompt_id)
        found[prompt_id] = score_responses(votes)
        for pair in votes.pairs.values():
            judgments[prompt_id].update(pair.wins, pair.losses, pair.ties)
    return found, judgments


def _responses(run: Run, directory: Path) -> Iterator[tuple[Prompt, list[dict[str, Any]]]]:
    by_prompt: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for line in GrowingFile(directory / "responses.jsonl").read_new().rows:
        by_prompt[int(line["prompt_id"])].append(line)
    if not by_prompt:
        raise ApplicationError(f"{run} has no responses yet.", code="no_responses")
    prompts = Prompt.objects.filter(project=run.project).in_bulk(list(by_prompt))
    return ((prompts[key], lines) for key, lines in by_prompt.items() if key in prompts)
