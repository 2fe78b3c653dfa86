"""PURE. Label Studio's JSON export: rankings (old and new form), pairwise choices and ratings.

Source: labelstud.io, tags Ranker, Pairwise, Rating, and "Label Studio JSON format of annotated tasks".
"""

import re
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from annotation.importers.formats.parsed import Parsed, ParseOptions, take, take_list
from annotation.kinds.faults import FaultList, shorten

PROMPT_FIELDS = ("prompt", "question", "instruction", "query", "text")
RESPONSE_FIELD = re.compile(
    r"(?:answer|response|completion|output|reply|r|option|text)_?-?(\d+|[a-z])?$", re.IGNORECASE
)
TYPES = ("ranker", "pairwise", "rating")
UNRANKED_BUCKET = "_"
BUCKETS = "buckets"
SIDES = {"left": [[0], [1]], "right": [[1], [0]]}


def recognise(record: Mapping[str, Any]) -> bool:
    """Task data with annotations that hold results."""
    return isinstance(record.get("data"), Mapping) and isinstance(record.get("annotations"), list)


def parse(record: Mapping[str, Any], faults: FaultList, options: ParseOptions) -> Parsed | None:
    """A task with the annotations that were not cancelled."""
    data = take(record, "data", faults)
    if not isinstance(data, Mapping):
        return None
    prompt_field = _find_prompt(data, options.mapping)
    if prompt_field is None:
        faults.add(
            f"has no prompt; name its field with --map FIELD=prompt; there are {', '.join(map(str, data))}", "data"
        )
        return None
    responses, places = _find_responses(data, prompt_field, faults.at("data"), options.mapping)
    annotations = [
        (number, item)
        for number, item in enumerate(take_list(record, "annotations", faults))
        if not (isinstance(item, Mapping) and item.get("was_cancelled"))
    ]
    readers = [
        _Annotation(item, faults.at("annotations").at(number), responses, options.mapping)
        for number, item in annotations
    ]
    kind = "scalar" if readers and not any(each.ranks for each in readers) else "ranking"
    kind = kind if readers else options.kind or kind
    judgments = [each.judgment(kind) for each in readers]
    places = {**places, "prompt": f"data.{prompt_field}", "external_id": "id"}
    places |= {f"judgments[{place}]": f"annotations[{number}]" for place, (number, _) in enumerate(annotations)}
    line = {
        "external_id": str(take(record, "id", faults)),
        "kind": kind,
        "prompt": data[prompt_field],
        "responses": responses,
        "judgments": judgments,
    }
    return Parsed(line, places)


def _find_prompt(data: Mapping[str, Any], mapping: Mapping[str, str]) -> str | None:
    mapped = [name for name, field in mapping.items() if field == "prompt" and name in data]
    known = [name for name in PROMPT_FIELDS if name in data]
    return next(iter(mapped + known), None)


def _find_responses(
    data: Mapping[str, Any], prompt_field: str, faults: FaultList, mapping: Mapping[str, str]
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The items of a list, as the ranker takes them, or the fields that are named like responses."""
    for name, value in data.items():
        if isinstance(value, list) and value and all(isinstance(item, Mapping) and "id" in item for item in value):
            places = {"responses": f"data.{name}"}
            return [_item_response(item, faults.at(str(name)).at(at)) for at, item in enumerate(value)], places
    mapped = [name for name, field in mapping.items() if field == "response" and name in data]
    names = mapped or [str(name) for name in data if name != prompt_field and RESPONSE_FIELD.match(str(name))]
    if not names:
        faults.add("has no responses: neither a list of items with ids nor fields such as answer1 and answer2")
    places = {f"responses[{at}].text": f"data.{name}" for at, name in enumerate(names)}
    return [{"id": name, "text": data[name]} for name in names], places


def _item_response(item: Mapping[str, Any], faults: FaultList) -> dict[str, Any]:
    text = next((item[name] for name in ("body", "html", "text", "title") if item.get(name) is not None), None)
    if text is None:
        faults.add("has neither body, html, text nor title")
    return {"id": str(item["id"]), "text": text}


class _Annotation:
    """The results of one annotation, read once the responses are known."""

    def __init__(
        self, item: object, faults: FaultList, responses: Sequence[dict[str, Any]], mapping: Mapping[str, str]
    ) -> None:
        self._faults = faults
        self._keys = [response["id"] for response in responses]
        self._mapping = mapping
        self._item: Mapping[str, Any] = item if isinstance(item, Mapping) else {}
        if not isinstance(item, Mapping):
            faults.add("expected an object")
        self._said: dict[str, Any] = {}
        self._scores: dict[str, dict[str, Any]] = {}
        results = self._item.get("result") or []
        for number, result in enumerate(results if isinstance(results, list) else []):
            self._read_result(result, faults.at("result").at(number))
        if not self._said and not self._scores and item is not None:
            faults.add(f"holds no result of the types {', '.join(TYPES)}", "result")

    @property
    def ranks(self) -> bool:
        return bool(self._said)

    def judgment(self, kind: str) -> dict[str, Any]:
        """In the interchange format."""
        judgment: dict[str, Any] = {"annotator": self._annotator(), **self._said}
        if self._scores:
            judgment["scores"] = self._scores
        if kind == "ranking" and not self._said:
            self._faults.add("holds no ranking, while others of this task do", "result")
        if self._item.get("created_at") is not None:
            judgment["created_at"] = self._item["created_at"]
        seconds = self._item.get("lead_time")
        if isinstance(seconds, int | float) and not isinstance(seconds, bool) and isfinite(seconds):
            judgment["active_ms"] = round(seconds * 1000)
        return judgment

    def _annotator(self) -> str:
        """Their id; exports with the people spelled out have an object there."""
        person = self._item.get("completed_by")
        if isinstance(person, Mapping):
            person = person.get("id") or person.get("email")
        if person is None:
            self._faults.add("is missing", "completed_by")
        return str(person)

    def _read_result(self, result: object, faults: FaultList) -> None:
        if not isinstance(result, Mapping):
            faults.add("expected an object")
            return
        kind, value = result.get("type"), result.get("value")
        if kind not in TYPES:
            return  # text areas, choices and others stand beside what is judged
        if not isinstance(value, Mapping):
            faults.add("expected an object", "value")
        elif kind == "pairwise":
            self._read_pairwise(value, faults.at("value"))
        elif kind == "ranker":
            self._read_ranker(value.get("ranker"), faults.at("value").at("ranker"))
        else:
            self._read_rating(result, value.get("rating"), faults)

    def _read_pairwise(self, value: Mapping[str, Any], faults: FaultList) -> None:
        side = str(value.get("selected"))
        if side not in SIDES or len(self._keys) != 2:
            found = f"{shorten(side)!r} is" if side not in SIDES else f"there are {len(self._keys)} responses, this is"
            faults.add(f"{found} no choice between left and right", "selected")
            return
        self._said["tiers"] = [[self._keys[place] for place in tier] for tier in SIDES[side]]

    def _read_ranker(self, value: object, faults: FaultList) -> None:
        """A plain list (older exports), or a mapping of buckets to lists."""
        if isinstance(value, list):
            value = {"rank": value}
        if not isinstance(value, Mapping) or not all(isinstance(items, list) for items in value.values()):
            faults.add("expected a list of ids, or an object with a list of ids a bucket")
            return
        buckets = {str(name): [str(key) for key in items] for name, items in value.items()}
        unranked = buckets.pop(UNRANKED_BUCKET, [])
        if len(buckets) <= 1:
            self._said["tiers"] = [[key] for items in buckets.values() for key in items]
        else:
            self._said["tiers"] = [buckets[name] for name in self._bucket_order(buckets, faults) if buckets[name]]
        self._said["unranked"] = unranked

    def _bucket_order(self, buckets: Mapping[str, list[str]], faults: FaultList) -> list[str]:
        """The order is in Label Studio's configuration, not in its export, so a person must say it."""
        order = [name.strip() for name in self._mapping.get(BUCKETS, "").split(">") if name.strip()]
        if sorted(order) != sorted(buckets):
            example = ">".join(buckets)
            faults.add(f"has several buckets; say their order, best first, with --map '{BUCKETS}={example}'")
            return []
        return order

    def _read_rating(self, result: Mapping[str, Any], rating: object, faults: FaultList) -> None:
        """`to_name` says which response is rated; with one response there is no question."""
        target = str(result.get("to_name"))
        key = self._keys[0] if len(self._keys) == 1 else self._mapping.get(target, target)
        if key not in self._keys:
            known = ", ".join(map(str, self._keys))
            faults.add(f"{shorten(target)!r} is none of {known}; say which it is with --map {target}=FIELD", "to_name")
            return
        self._scores.setdefault(str(result.get("from_name") or "rating"), {})[key] = rating
