"""What the reference thinks of the responses: computed once and kept in a file; no second model stays."""

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rewardmodel.runtime.faults import Diverged
from rewardmodel.runtime.json_lines import append_line, keep_lines, read_lines
from rltrainer.offline.lesson import Lesson
from rltrainer.offline.objective import Sums
from rltrainer.ranks import SINGLE, Ranks

Key = tuple[str, str]
Scoring = Callable[[Sequence[Lesson]], list[Sums]]


class ReferenceCache:
    """A file of log-probs that grows until all lessons are in it; one made under other terms is begun anew."""

    def __init__(self, path: Path, terms: Mapping[str, Any], *, ranks: Ranks = SINGLE) -> None:
        """terms: whatever the log-probs depend on."""
        self.path = path
        self.terms = hashlib.sha256(json.dumps(terms, sort_keys=True).encode()).hexdigest()
        self.ranks = ranks

    def complete(
        self, batches: Sequence[Sequence[Lesson]], score: Scoring, *, tell: Callable[[int], None]
    ) -> dict[Key, Sums]:
        """What the reference thinks of every lesson of the batches; what is not known yet is scored and written.

        A batch is scored as a whole, so that its micro-batches are those of the step that learns it. tell: called with
        the number of batches done. Raises: Diverged where the reference gives no number; Interrupted where the run
        should stop.
        """
        known = self.ranks.gather(self._load() if self.ranks.is_first else {})[0]
        for number, batch in enumerate(batches, start=1):
            missing = [lesson for lesson in batch if lesson.key not in known]
            if not missing:
                continue
            found = dict(zip((lesson.key for lesson in batch), score(batch), strict=True))
            known.update({lesson.key: _finite(lesson, found[lesson.key]) for lesson in missing})
            if self.ranks.is_first:
                self._add({lesson.key: known[lesson.key] for lesson in missing})
            tell(number)
        return known

    def _load(self) -> dict[Key, Sums]:
        rows = list(read_lines(self.path))
        if not rows or rows[0].get("terms") != self.terms:
            self.path.unlink(missing_ok=True)
            append_line(self.path, {"terms": self.terms})
            return {}
        # Cuts off a last line torn by a kill.
        keep_lines(self.path, lambda row: True)
        return {(row["prompt_id"], row["id"]): tuple(row["log_probs"]) for row in rows[1:]}

    def _add(self, found: Mapping[Key, Sums]) -> None:
        for (prompt_id, record_id), sums in found.items():
            append_line(self.path, {"prompt_id": prompt_id, "id": record_id, "log_probs": list(sums)})


def _finite(lesson: Lesson, sums: Sums) -> Sums:
    if not all(map(math.isfinite, sums)):
        raise Diverged(f"the reference gives record {lesson.record.id!r} a log-prob that is not finite")
    return sums
