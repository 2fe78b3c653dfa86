"""PURE. UltraFeedback: several completions a prompt, each with ratings and reasons by a judge model.

Source: dataset card of openbmb/UltraFeedback.
"""

from collections.abc import Mapping
from typing import Any

from annotation.importers.formats.parsed import LETTERS, Parsed, ParseOptions, take, take_list, unpack_json
from annotation.kinds.faults import FaultList, shorten

ANNOTATOR = "ultrafeedback"
OVERALL = "overall"
NOT_RATED = ("N/A", "", None)


def recognise(record: Mapping[str, Any]) -> bool:
    """An instruction with completions."""
    return isinstance(record.get("instruction"), str) and isinstance(unpack_json(record.get("completions")), list)


def parse(record: Mapping[str, Any], faults: FaultList, options: ParseOptions) -> Parsed:
    """Scores per response. A ranking project gets the responses to rank, and no judgment: nobody ranked them."""
    completions = take_list({**record, "completions": unpack_json(record.get("completions"))}, "completions", faults)
    scores: dict[str, dict[str, Any]] = {}
    remarks: dict[str, dict[str, str]] = {}
    responses, places = [], {"prompt": "instruction", "responses": "completions", "tags": "source"}
    for number, (key, item) in enumerate(zip(LETTERS, completions, strict=False)):
        place = faults.at("completions").at(number)
        if not isinstance(item, Mapping):
            place.add("expected an object")
            continue
        responses.append({"id": key, "text": take(item, "response", place), "source": item.get("model")})
        places |= {f"responses[{number}].text": f"completions[{number}].response"}
        places |= {f"responses[{number}].source": f"completions[{number}].model"}
        remarks[key] = _read_ratings(item, key, scores, place)
    if len(completions) > len(LETTERS):
        faults.add(f"at most {len(LETTERS)} are read, got {len(completions)}", "completions")
    line: dict[str, Any] = {
        "kind": options.kind or "scalar",
        "prompt": take(record, "instruction", faults),
        "responses": responses,
        "tags": [record["source"]] if record.get("source") else [],
        "metadata": {"reasons": {key: said for key, said in remarks.items() if said}},
    }
    if line["kind"] == "scalar" and scores:
        line["judgments"] = [{"annotator": ANNOTATOR, "scores": scores}]
    return Parsed(line, places)


def _read_ratings(
    item: Mapping[str, Any], key: str, scores: dict[str, dict[str, Any]], faults: FaultList
) -> dict[str, str]:
    """Puts the ratings of one completion into `scores`; gives the reasons."""
    reasons: dict[str, str] = {}
    annotations = item.get("annotations") or {}
    if not isinstance(annotations, Mapping):
        faults.add("expected an object", "annotations")
        annotations = {}
    for name, said in annotations.items():
        place = faults.at("annotations").at(str(name))
        if not isinstance(said, Mapping):
            place.add("expected an object with Rating and Rationale")
            continue
        scores.setdefault(str(name), {})[key] = _read_rating(said.get("Rating"), place.at("Rating"))
        if isinstance(said.get("Rationale"), str) and said["Rationale"]:
            reasons[str(name)] = said["Rationale"]
    if item.get("overall_score") is not None:
        scores.setdefault(OVERALL, {})[key] = _read_rating(item["overall_score"], faults.at("overall_score"))
    if isinstance(item.get("critique"), str) and item["critique"]:
        reasons["critique"] = item["critique"]
    return reasons


def _read_rating(value: object, faults: FaultList) -> int | float | None:
    """The number, also where it is written as text; None where the judge gave none."""
    if value in NOT_RATED:
        return None
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        faults.add(f"{shorten(value)!r} is no number and not N/A")
        return None
    return int(number) if number.is_integer() else number
