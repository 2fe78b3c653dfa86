"""PURE. Judgments and gold answers inside a line of the interchange format."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from annotation.importers.records import ImportedJudgment
from annotation.kinds.faults import AnswerError, FaultList
from annotation.kinds.fields import name_type, read_text
from annotation.kinds.registry import Answer, parse_answer

ANNOTATOR_CHARACTERS = 150
MOST_JUDGMENTS = 10_000
FIRST_YEAR, LAST_YEAR = 1970, 2200


def read_judgments(
    value: object, faults: FaultList, *, kind: str, response_keys: Sequence[str]
) -> tuple[ImportedJudgment, ...]:
    """The judgments of one prompt; an annotator has at most one."""
    if value is None:
        return ()
    if not isinstance(value, list):
        faults.add(f"expected a list, got {name_type(value)}")
        return ()
    if len(value) > MOST_JUDGMENTS:
        faults.add(f"at most {MOST_JUDGMENTS:,} judgments of one prompt are allowed, got {len(value):,}")
        return ()
    found = [_read_judgment(item, faults.at(number), kind, response_keys) for number, item in enumerate(value)]
    first: dict[str, int] = {}
    for number, judgment in enumerate(found):
        if judgment is not None and first.setdefault(judgment.annotator, number) != number:
            place = f"judgments[{first[judgment.annotator]}]"
            faults.at(number).add(f"{judgment.annotator!r} already judged this prompt in {place}", "annotator")
    return tuple(judgment for judgment in found if judgment is not None)


def _read_judgment(
    value: object, faults: FaultList, kind: str, response_keys: Sequence[str]
) -> ImportedJudgment | None:
    if not isinstance(value, Mapping):
        faults.add(f"expected an object, got {name_type(value)}")
        return None
    annotator = ""
    if "annotator" in value:
        annotator = read_text(value["annotator"], faults.at("annotator"), longest=ANNOTATOR_CHARACTERS)
    else:
        faults.add("is missing", "annotator")
    created_at = _read_time(value.get("created_at"), faults.at("created_at"))
    said = {key: item for key, item in value.items() if key not in ("annotator", "created_at")}
    answer = _read_answer(said, faults, kind, response_keys)
    return ImportedJudgment(annotator, answer, created_at) if answer is not None and annotator else None


def read_gold(value: object, faults: FaultList, *, kind: str, response_keys: Sequence[str]) -> Answer | None:
    """The known answer, or None; it has the form of a judgment without annotator and time."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        faults.add(f"expected an object, got {name_type(value)}")
        return None
    return _read_answer(value, faults, kind, response_keys)


def _read_answer(
    mapping: Mapping[str, Any], faults: FaultList, kind: str, response_keys: Sequence[str]
) -> Answer | None:
    if not kind or not response_keys or "" in response_keys:
        return None  # already reported; faults of the answers would only repeat it
    try:
        return parse_answer(kind, mapping, response_keys=response_keys, criteria=None)
    except AnswerError as error:
        for fault in error.faults:
            faults.add(fault["message"], fault["field"])
        return None


def _read_time(value: object, faults: FaultList) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, str):
        faults.add(f"expected a time such as 2026-02-01T10:00:00Z, got {name_type(value)}")
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        faults.add("not a time in ISO 8601, such as 2026-02-01T10:00:00Z")
        return None
    if moment.tzinfo is None:
        faults.add("has no time zone; add Z for UTC, as in 2026-02-01T10:00:00Z")
        return None
    if not FIRST_YEAR < moment.year < LAST_YEAR:
        faults.add(f"must be between the years {FIRST_YEAR} and {LAST_YEAR}")
        return None
    return moment.astimezone(UTC)
