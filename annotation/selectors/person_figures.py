"""The figures of a project's people: sorted, searched, page by page, however many they are."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypedDict

from django.db.models import F, Q, QuerySet

from annotation.exceptions import ApplicationError
from annotation.models import FeedbackKind, Pause, PersonFigures, Project

SHARES = ("agreement", "accuracy", "gold", "consistency", "position", "length")
ORDERS = ("judgments", *SHARES, "median_active_ms")
"""Columns to sort by; a minus before the name begins with the largest."""
DEFAULT_ORDER = "-judgments"
MOST_ROWS = 500
PLACE = re.compile(r"(?P<value>-?[0-9]{1,20}(\.[0-9]{1,20})?(e[+-]?[0-9]{1,2})?)?:(?P<id>[0-9]{1,18})")
WHY_NOT = {
    "agreement": "Undefined: they share no task with anybody.",
    "accuracy": "Undefined: no strict choice of theirs has a majority of the others to be held against.",
    "gold": "Undefined: they judged no task with a known answer.",
    "consistency": "Undefined: no task came to them a second time.",
    "position": "Undefined: they made no strict choice whose shown order is known.",
    "length": "Undefined: they made no strict choice between texts of different length.",
}
OF_SCORES = {
    "accuracy": "Undefined: scores have no majority to be held against; see agreement.",
    "position": "Undefined: scores are given to one response at a time.",
    "length": "Undefined: scores are given to one response at a time.",
}


class ShareRecord(TypedDict):
    """One number of one person."""

    value: float | None
    """None where it is undefined; `note` says why."""
    low: float | None
    high: float | None
    count: int
    """What it stands on: tasks, of accuracy, position and length choices, of gold and consistency tasks."""
    note: str


class PauseRecord(TypedDict):
    """What the product proposes, or what a manager decided."""

    state: str
    sentences: list[str]


class PersonRecord(TypedDict):
    """Everything that is told of one person."""

    annotator: int
    pseudonym: str
    simulated: bool
    judgments: int
    median_active_ms: float | None
    agreement: ShareRecord
    accuracy: ShareRecord
    gold: ShareRecord
    consistency: ShareRecord
    position: ShareRecord
    length: ShareRecord
    pause: PauseRecord | None


@dataclass(frozen=True, slots=True)
class FiguresPage:
    """Some people in the order asked for."""

    records: list[PersonRecord]
    next: str | None
    """The place to go on after."""


def figures_page(
    *, project: Project, order: str = DEFAULT_ORDER, search: str = "", after: str = "", most: int = 50
) -> FiguresPage:
    """A page of people; who has no number comes last in either direction. Two queries.

    search: part of a pseudonym or user name. after: a `next`.
    Raises: ApplicationError for an order or a place that is none.
    """
    field = order.removeprefix("-")
    if field not in ORDERS:
        raise ApplicationError(f"People cannot be ordered by {order!r}; choose one of {', '.join(ORDERS)}.")
    down = order.startswith("-")
    rows = PersonFigures.objects.filter(project=project).select_related("person")
    if search:
        rows = rows.filter(Q(person__pseudonym__icontains=search) | Q(person__username__icontains=search))
    rows = _go_on(rows, field, down=down, after=after) if after else rows
    by = F(field).desc(nulls_last=True) if down else F(field).asc(nulls_last=True)
    found = list(rows.order_by(by, "person_id")[: most + 1])
    more = len(found) > most
    last = found[most - 1] if more else None
    place = None if last is None else _write_place(getattr(last, field), last.person_id)
    return FiguresPage(_describe(project, found[:most]), place)


def all_figures(*, project: Project) -> Iterator[PersonRecord]:
    """Everybody, who judged most first."""
    after: str | None = ""
    while after is not None:
        page = figures_page(project=project, after=after, most=MOST_ROWS)
        yield from page.records
        after = page.next


def figures_of(*, project: Project, person: int) -> PersonRecord | None:
    """One person's record; None where no report has seen them yet."""
    rows = list(PersonFigures.objects.filter(project=project, person=person).select_related("person"))
    return _describe(project, rows)[0] if rows else None


def _go_on(rows: QuerySet[PersonFigures], field: str, *, down: bool, after: str) -> QuerySet[PersonFigures]:
    found = PLACE.fullmatch(after)
    if found is None:
        raise ApplicationError("This is no place in the list; start again from its first page.")
    person = int(found["id"])
    if found["value"] is None:
        return rows.filter(**{f"{field}__isnull": True, "person__gt": person})
    value = float(found["value"])
    beyond = Q(**{f"{field}__{'lt' if down else 'gt'}": value}) | Q(**{f"{field}__isnull": True})
    return rows.filter(beyond | Q(**{field: value, "person__gt": person}))


def _write_place(value: float | None, person: int) -> str:
    return f":{person}" if value is None else f"{value!r}:{person}"


def _describe(project: Project, rows: list[PersonFigures]) -> list[PersonRecord]:
    people = [each.person_id for each in rows]
    standing = Pause.objects.filter(project=project, person__in=people)
    open_states = [Pause.State.PROPOSED, Pause.State.ACCEPTED]
    pauses = {each.person_id: each for each in standing.filter(state__in=open_states)}
    return [_record(project, each, pauses.get(each.person_id)) for each in rows]


def _record(project: Project, figures: PersonFigures, pause: Pause | None) -> PersonRecord:
    why = WHY_NOT | (OF_SCORES if project.kind == FeedbackKind.SCALAR else {})
    return {
        "annotator": figures.person_id, "pseudonym": figures.person.pseudonym,
        "simulated": figures.person.is_simulated, "judgments": figures.judgments,
        "median_active_ms": figures.median_active_ms, "agreement": _share(figures, "agreement", why),
        "accuracy": _share(figures, "accuracy", why), "gold": _share(figures, "gold", why),
        "consistency": _share(figures, "consistency", why), "position": _share(figures, "position", why),
        "length": _share(figures, "length", why),
        "pause": None if pause is None else {"state": pause.state, "sentences": pause.sentences},
    }  # fmt: skip


def _share(figures: PersonFigures, name: str, why: Mapping[str, str]) -> ShareRecord:
    value = getattr(figures, name)
    return {
        "value": value,
        "low": getattr(figures, f"{name}_low"),
        "high": getattr(figures, f"{name}_high"),
        "count": getattr(figures, f"{name}_count"),
        "note": "" if value is not None else why[name],
    }
