"""Which tasks of a project a manager means: the filters of the task table, also behind bulk actions and the API."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.expressions import RawSQL

from annotation.exceptions import ApplicationError
from annotation.models import Flag, Project, Skip, Slot, Task, Verdict
from annotation.words import search_query

STATES = ("open", "waiting", "in_progress", "complete", "paused", "archived", "held", "flagged")
MOST_SKIPPERS = 1_000
LONGEST_TEXT = 500


@dataclass(frozen=True, slots=True)
class TaskFilters:
    """All given ones must hold."""

    state: str | None = None
    """One of STATES."""
    search: str | None = None
    """Words, or beginnings of words, that all occur in the prompt or a response."""
    external_id: str | None = None
    """Part of the id."""
    tag: str | None = None
    origin: str | None = None
    purpose: str | None = None
    """What the task is for, as Task.Purpose names it."""
    skill: str | None = None
    """Name of the skill that the task asks for."""
    verdict: bool | None = None
    """Whether a reviewer has decided on it."""
    flagged: bool | None = None
    """Whether somebody's flag is unresolved."""
    skipped: int | None = None
    """How many people, at least, skipped it."""
    disagreement: float | None = None
    """How far, at least, people are apart, from 0 to 1."""
    priority_min: float | None = None
    priority_max: float | None = None

    @classmethod
    def read(cls, given: Mapping[str, Any] | None) -> "TaskFilters":
        """Filters as a page or a call of the API names them; empty texts are none.

        Raises: ApplicationError naming the first unknown or unreadable filter.
        """
        named = {name: value for name, value in (given or {}).items() if value not in ("", None)}
        unknown = sorted(set(named) - set(cls.__slots__))
        if unknown:
            raise _refusal(unknown[0], f"No such filter: {unknown[0]}; known are {', '.join(cls.__slots__)}.")
        return cls(**{name: READERS.get(name, _read_text)(name, value) for name, value in named.items()})

    def as_mapping(self) -> dict[str, Any]:
        """The filters that are given, as `read` takes them."""
        given = {name: value for name, value in asdict(self).items() if value is not None}
        return {name: ("yes" if value else "no") if value in (True, False) and isinstance(value, bool) else value
                for name, value in given.items()}  # fmt: skip


def filter_tasks(*, project: Project, filters: TaskFilters) -> QuerySet[Task]:
    """The tasks of a project that fit, in no order."""
    tasks = Task.objects.filter(project=project)
    for name in TaskFilters.__slots__:
        value = getattr(filters, name)
        if value is not None:
            tasks = tasks.filter(CONDITIONS[name](value))
    return tasks


def _state_condition(state: str) -> Q:
    slots = Slot.objects.filter(task=OuterRef("pk"))
    left = Q(Exists(slots.filter(state__in=[Slot.State.FREE, Slot.State.LEASED])))
    begun = Q(Exists(slots.filter(state=Slot.State.SUBMITTED)))
    is_open = Q(state=Task.State.OPEN)
    progress = {"waiting": left & ~begun, "in_progress": left & begun, "complete": ~left}
    if state == "flagged":
        return _is_flagged(True)
    return is_open & progress[state] if state in progress else Q(state=state)


def _is_flagged(wanted: bool) -> Q:
    flagged = Q(Exists(Flag.objects.filter(task=OuterRef("pk"), resolved_at=None)))
    return flagged if wanted else ~flagged


def _has_verdict(wanted: bool) -> Q:
    settled = Q(Exists(Verdict.objects.filter(task=OuterRef("pk"), is_current=True)))
    return settled if wanted else ~settled


def _skipped_by(people: int) -> Q:
    skips = Skip.objects.order_by().values("task").annotate(people=Count("pk")).filter(people__gte=people)
    return Q(pk__in=skips.values("task"))


def _holds_words(text: str) -> Q:
    query = search_query(text)
    if not query:
        return Q(pk__in=[])
    # A plain join lets the planner choose between the index of words and the order of the list.
    return Q(pk__in=RawSQL("SELECT task_id FROM annotation_tasktext WHERE words @@ %s::tsquery", [query]))


CONDITIONS: dict[str, Callable[[Any], Q]] = {
    "state": _state_condition,
    "search": _holds_words,
    "external_id": lambda text: Q(external_id__icontains=text),
    "tag": lambda tag: Q(prompt__tags__contains=[tag]),
    "origin": lambda origin: Q(origin=origin),
    "purpose": lambda purpose: Q(purpose=purpose),
    "skill": lambda name: Q(skill__name=name),
    "verdict": _has_verdict,
    "flagged": _is_flagged,
    "skipped": _skipped_by,
    "disagreement": lambda least: Q(split__disagreement__gte=least),
    "priority_min": lambda least: Q(priority__gte=least),
    "priority_max": lambda most: Q(priority__lte=most),
}


def _read_text(name: str, value: Any) -> str:
    text = str(value).strip()
    if "\0" in text or len(text) > LONGEST_TEXT:
        raise _refusal(name, f"{name} is a text of at most {LONGEST_TEXT} characters without NUL.")
    return text


def _read_state(name: str, value: Any) -> str:
    if value not in STATES:
        raise _refusal(name, f"No such state: {value}; use {', '.join(STATES)}.")
    return str(value)


def _read_purpose(name: str, value: Any) -> str:
    if value not in Task.Purpose.values:
        raise _refusal(name, f"No such purpose: {value}; use {', '.join(Task.Purpose.values)}.")
    return str(value)


def _read_choice(name: str, value: Any) -> bool:
    if value not in ("yes", "no"):
        raise _refusal(name, f"{name} is yes or no, not {value!r}.")
    return bool(value == "yes")


def _read_count(name: str, value: Any) -> int:
    text = str(value)
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= MOST_SKIPPERS):
        raise _refusal(name, f"{name} is a number of people from 1 to {MOST_SKIPPERS:,}, not {value!r}.")
    return int(text)


def _read_number(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not abs(number) < float("inf"):
        raise _refusal(name, f"{name} is a number, not {value!r}.")
    return number


def _refusal(field: str, message: str) -> ApplicationError:
    return ApplicationError(message, extra={"field": field})


READERS: dict[str, Callable[[str, Any], Any]] = {
    "state": _read_state,
    "purpose": _read_purpose,
    "flagged": _read_choice,
    "verdict": _read_choice,
    "skipped": _read_count,
    "disagreement": _read_number,
    "priority_min": _read_number,
    "priority_max": _read_number,
}
