"""Why there is nothing to do for somebody: asked at each of their polls, so it must not cost what the project holds."""

import threading
import time
from dataclasses import dataclass, field
from datetime import datetime

from annotation.models import Project, User
from annotation.services.slot_queries import WHY_NOTHING, WHY_NOTHING_AT_ALL
from annotation.statements import fetch_row

SOME_SLOTS = 500
"""As many of each queue are looked at each time; only where that leaves a doubt, all of them."""
DOUBT_SECONDS = 60.0
"""How long a look at all slots answers for, in one process."""


@dataclass(frozen=True, slots=True)
class NoWork:
    """Why there is nothing to do."""

    reason: str
    """closed | paused | all_done | you_did_all | all_leased_until | qualification_missing."""
    until: datetime | None = None
    """With all_leased_until: when the first lease of somebody else ends. With qualification_missing: when the first
    task that this person qualifies for is offered to them too; null if all ask for more than they have."""
    explanation: str = field(default="", compare=False)
    """With paused: what the person is told."""


_told: dict[tuple[int, int], tuple[float, NoWork]] = {}
"""By project and person: until when, by the monotonic clock, what a look at all slots said."""
_lock = threading.Lock()


def why_nothing(*, project: Project, annotator: User) -> NoWork | None:
    """Why nothing could be claimed; None when there is something after all.

    A search that found nothing is checked against the front of every queue, and once a minute against all slots where
    there are more. So its cost has a bound, and what a cursor passed by wrongly is still found.
    """
    nothing, is_partial = _look(WHY_NOTHING, project, annotator)
    if nothing is None or not is_partial:
        return nothing
    key, now = (project.pk, annotator.pk), time.monotonic()
    with _lock:
        until, told = _told.get(key, (now, nothing))
    if now < until:
        return told
    nothing, _ = _look(WHY_NOTHING_AT_ALL, project, annotator)
    if nothing is not None:
        _remember(key, nothing, now)
    return nothing


def _remember(key: tuple[int, int], nothing: NoWork, now: float) -> None:
    with _lock:
        for old in [each for each, (until, _) in _told.items() if until <= now]:
            del _told[old]
        _told[key] = (now + DOUBT_SECONDS, nothing)


def forget_told() -> None:
    """Begins anew, as another process would."""
    with _lock:
        _told.clear()


def _look(statement: str, project: Project, annotator: User) -> tuple[NoWork | None, bool]:
    """What the statement says, and whether it left slots out."""
    row = fetch_row(statement, {"project": project.pk, "annotator": annotator.pk, "some": SOME_SLOTS})
    assert row is not None, "an aggregate always gives a row"
    open_slots, for_me_now, leased_until, asking_more, opens_at, is_partial = row
    return _explain(open_slots, for_me_now, leased_until, asking_more, opens_at), is_partial


def _explain(
    open_slots: int, for_me_now: int, leased_until: datetime | None, asking_more: int, opens_at: datetime | None
) -> NoWork | None:
    if for_me_now:
        return None
    if leased_until is not None:
        return NoWork("all_leased_until", leased_until)
    if asking_more:
        return NoWork("qualification_missing", opens_at)
    return NoWork("you_did_all" if open_slots else "all_done")
