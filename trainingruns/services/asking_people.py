"""People compare a policy in training with where it started: answers become blind tasks, judgments go back to it."""

import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.db import transaction

from annotation.models import Prompt
from annotation.quality.wilson import wilson_share
from annotation.services.comparisons import add_comparison_tasks
from trainingruns.models import Run
from trainingruns.run_directory import append_line
from trainingruns.run_files import GrowingFile
from trainingruns.selectors.live_verdicts import Judged, judged_comparisons, open_origins
from trainingruns.services import claims

PRIORITY = 2.0
"""Before everything else: a run that waits for nobody goes on meanwhile."""
LOOK_SECONDS = 3.0
"""Between looks at what people have judged."""
FEEDBACK = "human_feedback.jsonl"
REFERENCE = "reference"


def wants_people(run: Run) -> bool:
    """Whether its answers are to be shown to people while it goes on."""
    return run.is_online and bool(run.config.get("evaluation", {}).get("people_every_steps"))


def source_of(run: Run, step: int) -> str:
    """How responses name the policy in training that wrote them; step 0 is the reference."""
    return run.origin_at(step)


class PeopleWatch:
    """Follows one attempt of a run: shows people what is new, and tells the trainer what they said."""

    def __init__(self, run: Run, directory: Path) -> None:
        self.run = run
        self.is_needed = wants_people(run)
        self.path = directory / FEEDBACK
        self._shown: set[int] = set()
        self._looked_at = 0.0

    def follow(self) -> None:
        """Make tasks of new answers, and write what people have judged. Raises: LeaseLost."""
        if not self.is_needed or time.monotonic() - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = time.monotonic()
        answers = self._answers()
        for step in sorted(set(answers) - {0} - self._shown):
            if answers[step].keys() >= answers[0].keys():
                self._show(step, answers)
        self._tell(answers)

    def _answers(self) -> dict[int, dict[int, dict[str, Any]]]:
        """By step (0 for the reference) and prompt: the first answer and what it earned."""
        found: dict[int, dict[int, dict[str, Any]]] = defaultdict(dict)
        rows = self.run.samples.order_by("id").values_list("step", "source", "prompt_id", "response", "reward")
        for step, source, prompt_id, response, reward in rows:
            place = 0 if source == REFERENCE else step
            found[place].setdefault(int(prompt_id), {"text": response, "reward": reward})
        return found

    def _show(self, step: int, answers: Mapping[int, Mapping[int, dict[str, Any]]]) -> None:
        known = set(Prompt.objects.filter(project=self.run.project, pk__in=answers[0]).values_list("pk", flat=True))
        prompts = [(key, [self._response(place, answers[place][key]) for place in (step, 0)]) for key in known]
        with transaction.atomic():
            claims.renew_lease(run=self.run)
            add_comparison_tasks(
                project=self.run.project,
                prompts=prompts,
                origin=self.run.origin_at(step),
                priority=PRIORITY,
            )
        self._shown.add(step)

    def _response(self, step: int, answer: Mapping[str, Any]) -> dict[str, Any]:
        return {"text": answer["text"], "source": source_of(self.run, step)}

    def _tell(self, answers: Mapping[int, Mapping[int, dict[str, Any]]]) -> None:
        """A line for each step of which people have judged everything; none for steps before one that is told."""
        told = max((line["step"] for line in GrowingFile(self.path).read_new().rows), default=0)
        waiting = open_origins(project=self.run.project, origins=[self.run.origin_at(s) for s in self._shown])
        for step in sorted(self._shown):
            origin = self.run.origin_at(step)
            if step <= told or origin in waiting:
                continue
            judged = judged_comparisons(
                project=self.run.project, origin=origin, ours=source_of(self.run, step), theirs=source_of(self.run, 0)
            )
            if judged:
                append_line(self.path, {"step": step, **summarise(judged, answers[step], answers[0])})


def summarise(
    judged: list[Judged], ours: Mapping[int, dict[str, Any]], theirs: Mapping[int, dict[str, Any]]
) -> dict[str, Any]:
    """What a line says besides its step: each task counts once, however many judged it.

    judged: at least one. low, high: Wilson's 95% interval of the win rate over comparisons.
    """
    leads = [(each.share, _lead(ours.get(each.prompt_id), theirs.get(each.prompt_id))) for each in judged]
    decided = [(share > 0.5, lead) for share, lead in leads if share != 0.5 and lead is not None]
    hits = [0.5 if lead == 0 else float((lead > 0) == won) for won, lead in decided]
    won = wilson_share(sum(each.share for each in judged), len(judged))
    return {
        "win_rate": won.value,
        "low": won.low,
        "high": won.high,
        "judgments": sum(each.judgments for each in judged),
        "comparisons": len(judged),
        "reward_accuracy": sum(hits) / len(hits) if hits else None,
    }


def _lead(ours: Mapping[str, Any] | None, theirs: Mapping[str, Any] | None) -> float | None:
    """By how much ours earned more; None where either earned nothing that is known."""
    if ours is None or theirs is None or ours["reward"] is None or theirs["reward"] is None:
        return None
    return float(ours["reward"] - theirs["reward"])
