"""PURE. HelpSteer2 (five scores a response) and HelpSteer3 (a preference from -3 to 3 between two responses).

Source: dataset cards of nvidia/HelpSteer2 and nvidia/HelpSteer3.
"""

from collections.abc import Mapping
from typing import Any

from annotation.importers.formats.parsed import Parsed, ParseOptions, take, take_list
from annotation.kinds.faults import FaultList

SCORES = ("helpfulness", "correctness", "coherence", "complexity", "verbosity")
STRONGEST = 3


def recognise_scores(record: Mapping[str, Any]) -> bool:
    """A prompt, a response and the five scores."""
    return all(name in record for name in ("prompt", "response", *SCORES))


def parse_scores(record: Mapping[str, Any], faults: FaultList, options: ParseOptions) -> Parsed:
    """A scored response; the record after it may be about the same prompt, and is then joined to this one."""
    scores = {name: {"a": take(record, name, faults)} for name in SCORES}
    line = {
        "kind": "scalar",
        "prompt": take(record, "prompt", faults),
        "responses": [{"id": "a", "text": take(record, "response", faults)}],
        "judgments": [{"annotator": "helpsteer2", "scores": scores}],
    }
    places = {f"judgments[0].scores.{name}.a": name for name in SCORES}
    return Parsed(line, {**places, "responses[0].text": "response", "responses": "response"})


def recognise_preference(record: Mapping[str, Any]) -> bool:
    """A context, two responses and a preference."""
    return all(name in record for name in ("context", "response1", "response2", "overall_preference"))


def parse_preference(record: Mapping[str, Any], faults: FaultList, options: ParseOptions) -> Parsed:
    """One judgment a person where the record has them, else the one that stands for all."""
    responses = [{"id": key, "text": take(record, f"response{key}", faults)} for key in ("1", "2")]
    single = [{"score": take(record, "overall_preference", faults)}]
    people = take_list(record, "individual_preference", faults) if record.get("individual_preference") else None
    places = {"prompt": "context", "responses[0].text": "response1", "responses[1].text": "response2"}
    judgments = []
    for number, item in enumerate(people or single):
        path = f"individual_preference[{number}]" if people else "overall_preference"
        name = f"helpsteer3-{number + 1}" if people else "helpsteer3"
        places[f"judgments[{number}]"] = path
        if not isinstance(item, Mapping):
            faults.add("expected an object", path)
            continue
        judgments.append(_read_preference(item, name, faults, f"{path}.score" if people else path))
    tags = [str(record[name]) for name in ("domain", "language") if record.get(name)]
    line = {"kind": "ranking", "prompt": take(record, "context", faults), "responses": responses, "tags": tags}
    return Parsed({**line, "judgments": judgments}, places)


def _read_preference(item: Mapping[str, Any], annotator: str, faults: FaultList, place: str) -> dict[str, Any]:
    """Below zero the first response is better, above it the second; the distance is the strength."""
    score = item.get("score")
    if isinstance(score, bool) or not isinstance(score, int) or abs(score) > STRONGEST:
        faults.add("expected a whole number from -3 (response 1 much better) to 3 (response 2 much better)", place)
        score = 0
    better, worse = ("1", "2") if score < 0 else ("2", "1")
    remarks = [item.get("reasoning"), item.get("feedback1"), item.get("feedback2")]
    return {
        "annotator": annotator,
        "tiers": [[better], [worse]] if score else [["1", "2"]],
        "strength": [abs(score)] if score else None,
        "rationale": "\n\n".join(text for text in remarks if isinstance(text, str) and text),
    }
