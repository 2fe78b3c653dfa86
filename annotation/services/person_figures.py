"""Everybody's figures as rows: written by the jobs of agreement and bias, read by tables of any length."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import connection
from django.db.models import FloatField

from annotation.agreement.person_sums import NEAR, RIGHT
from annotation.agreement.report import CONFIDENCE
from annotation.agreement.running import Picture
from annotation.agreement.shares import ShareEstimate, combine_shares, estimate_share
from annotation.bias.effects import EffectRecord
from annotation.models import PersonFigures, Project
from annotation.selectors.quality import measured_people, measured_shares
from annotation.services.report_contents import ReportContents

Row = dict[str, Any]
LEANINGS = ("position", "length")
AGREEMENT_FIELDS = ("agreement", "accuracy")
COLUMN_TYPES = {
    each.name: "float8" if isinstance(each, FloatField) else "int"
    for each in PersonFigures._meta.concrete_fields
    if each.name not in ("id", "project", "person")
}
COLUMNS = ", ".join(f'"{name}"' for name in COLUMN_TYPES)
WRITE = f"""
INSERT INTO annotation_personfigures (project_id, person_id, {COLUMNS})
SELECT %(project)s, person, {COLUMNS}
FROM unnest(%(person)s::bigint[], {", ".join(f"%({name})s::{kind}[]" for name, kind in COLUMN_TYPES.items())})
     AS v(person, {COLUMNS})
ON CONFLICT (project_id, person_id) DO UPDATE SET """  # noqa: S608 - names of our own columns


def save_agreement_figures(*, project: Project, contents: ReportContents) -> int:
    """Brings everybody's figures of agreement, gold and repeats up to date; tells how many rows changed.

    Part of a report, so it neither asks nor records.
    """
    pictures = list(contents.pictures.values())
    moved = _moved(pictures)
    rows: dict[int, Row] = {}
    for person, shares in _estimate_people(pictures, moved).items():
        rows[person] = _share_fields(dict(zip(AGREEMENT_FIELDS, shares, strict=True)))
    for person in _alone(project, rows, moved):
        rows[person] = _share_fields(dict.fromkeys(AGREEMENT_FIELDS, combine_shares([])))
    for counted in contents.counted:
        told = {"judgments": counted.judgments, "median_active_ms": counted.median_active_ms}
        rows.setdefault(counted.annotator, {}).update(told)
    measured = measured_people(project=project) if contents.measured is None else contents.measured
    for person, (gold, same) in measured_shares(project=project, people=measured).items():
        rows.setdefault(person, {})
        for name, share in (("gold", gold), ("consistency", same)):
            rows[person] |= _fields(name, share.value, share.low, share.high, share.count)
    return _store(project, rows)


def save_leanings(*, project: Project, records: Iterable[EffectRecord]) -> int:
    """Keeps what each person's choices lean to; tells how many rows changed. Part of a report likewise."""
    rows: dict[int, Row] = {}
    for each in records:
        if each["annotator"] is not None and each["effect"] in LEANINGS:
            share = _fields(each["effect"], each["value"], each["low"], each["high"], each["choices"])
            rows.setdefault(each["annotator"], {}).update(share)
    return _store(project, rows)


def _moved(pictures: Sequence[Picture]) -> frozenset[int] | None:
    """People whose agreement may have changed since the last report; None for everybody."""
    known = [each.moved for each in pictures if each.moved is not None]
    return frozenset().union(*known) if len(known) == len(pictures) else None


def _alone(project: Project, rows: Mapping[int, Row], moved: frozenset[int] | None) -> list[int]:
    """People who shared something with somebody and, after an amendment, do so no longer."""
    known = PersonFigures.objects.filter(project=project, agreement__isnull=False)
    known = known if moved is None else known.filter(person__in=moved)
    return [person for person in known.values_list("person_id", flat=True) if person not in rows]


def _estimate_people(
    pictures: Sequence[Picture], moved: frozenset[int] | None
) -> dict[int, tuple[ShareEstimate, ShareEstimate]]:
    """Agreement and leave-one-out accuracy of those who share something with somebody; of whom moved only."""
    parts: dict[int, list[tuple[ShareEstimate, ShareEstimate]]] = {}
    for picture in pictures:
        for person, row in zip(picture.persons.people.tolist(), picture.persons.rows, strict=True):
            if moved is None or person in moved:
                near, right = (estimate_share(row[columns], confidence=CONFIDENCE) for columns in (NEAR, RIGHT))
                parts.setdefault(person, []).append((near, right))
    return {
        person: (combine_shares([near for near, _ in each]), combine_shares([right for _, right in each]))
        for person, each in parts.items()
    }


def _share_fields(shares: Mapping[str, ShareEstimate]) -> Row:
    """Agreement stands on tasks, accuracy on choices."""
    row: Row = {}
    for name, each in shares.items():
        row |= _fields(name, each.value, each.low, each.high, each.trials if name == "accuracy" else each.tasks)
    return row


def _fields(name: str, value: float | None, low: float | None, high: float | None, count: int) -> Row:
    return {name: value, f"{name}_low": low, f"{name}_high": high, f"{name}_count": count}


def _store(project: Project, rows: Mapping[int, Row]) -> int:
    """Writes the rows that differ from what is stored. Each row may have some of the fields only."""
    known = {each.person_id: each for each in PersonFigures.objects.filter(project=project, person__in=rows)}
    changed = []
    for person, row in sorted(rows.items()):
        figures = known.get(person) or PersonFigures(project=project, person_id=person)
        if figures.pk is None or any(getattr(figures, name) != value for name, value in row.items()):
            for name, value in row.items():
                setattr(figures, name, value)
            changed.append(figures)
    if changed:
        _write(project, changed, sorted({name for row in rows.values() for name in row}))
    return len(changed)


def _write(project: Project, figures: Sequence[PersonFigures], fields: Sequence[str]) -> None:
    """All rows at once, an array a column; of rows that are there already these fields alone."""
    values = {name: [getattr(each, name) for each in figures] for name in COLUMN_TYPES}
    people = [each.person_id for each in figures]
    updates = ", ".join(f'"{name}" = EXCLUDED."{name}"' for name in fields)
    with connection.cursor() as cursor:
        cursor.execute(WRITE + updates, {"project": project.pk, "person": people, **values})
