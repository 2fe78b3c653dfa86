"""PURE. HelpSteer2 (five scores a response, or preferences) and HelpSteer3 (preferences from -3 to 3 between two).

Source: dataset cards of nvidia/HelpSteer2 and nvidia/HelpSteer3.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from annotation.importers.formats.parsed import Parsed, ParseOptions, take, unpack_json, unpack_messages
from annotation.kinds.faults import FaultList

SCORES = ("helpfulness", "correctness", "coherence", "complexity", "verbosity")
STRONGEST = 3
PEOPLE = "three_most_similar_preferences"


def recognise_scores(record: Mapping[str, Any]) -> bool:
    """A prompt, a response and the five scores."""
    return all(name in record for name in ("prompt", "response", *SCORES))


def parse_scores(record: Mapping[str, Any], faults: FaultList, options: ParseOptions) -> Parsed:
    """A scored response; the record after it may be about the same prompt, and is then joined to this one."""
    scores = {name: {"a": _as_number(take(record, name, faults))} for name in SCORES}
    line = {
        "kind": "scalar",
        "prompt": take(record, "prompt", faults),
        "responses": [{"id": "a", "text": take(record, "response", faults)}],
        "judgments": [{"annotator": "helpsteer2", "scores": scores}],
    }
    places = {f"judgments[0].scores.{name}.a": name for name in SCORES}
    return Parsed(line, {**places, "responses[0].text": "response", "responses": "response"})


def _as_number(value: Any) -> Any:
    """Of a text table the number that a text is; anything else is left to the check of scores."""
    return int(value) if isinstance(value, str) and value.strip().lstrip("-").isdecimal() else value


def recognise_strength(record: Mapping[str, Any]) -> bool:
    """A prompt, two responses and a preference strength."""
    return all(name in record for name in ("prompt", "response_1", "response_2", "preference_strength"))


def parse_strength(record: Mapping[str, Any], faults: FaultList, options: ParseOptions) -> Parsed:
    """HelpSteer2's preference file: the three people who agreed most where the record has them, else their mean."""
    responses = [{"id": key, "text": take(record, f"response_{key}", faults)} for key in ("1", "2")]
    people = unpack_json(record.get(PEOPLE)) or []
    whole = {name: record.get(f"preference_{name}") for name in ("strength", "statement", "elaboration")}
    has_people = isinstance(people, list) and all(isinstance(each, Mapping) and "strength" in each for each in people)
    said = people if people and has_people else [whole]
    places = {"prompt": "prompt", "responses[0].text": "response_1", "responses[1].text": "response_2"}
    judgments = []
    for number, item in enumerate(said):
        path = "preference_strength" if item is whole else f"{PEOPLE}[{number}].strength"
        name = "helpsteer2" if item is whole else f"helpsteer2-{number + 1}"
        remarks = [item.get("statement"), item.get("elaboration")]
        places[f"judgments[{number}]"] = path
        judgments.append(_judgment(_as_number(item["strength"]), remarks, name, faults, path))
    line = {"kind": "ranking", "prompt": take(record, "prompt", faults), "responses": responses, "judgments": judgments}
    return Parsed(line, places)


def recognise_preference(record: Mapping[str, Any]) -> bool:
    """A context, two responses and a preference."""
    return all(name in record for name in ("context", "response1", "response2", "overall_preference"))


def parse_preference(record: Mapping[str, Any], faults: FaultList, options: ParseOptions) -> Parsed:
    """One judgment a person where the record has them, else the one that stands for all."""
    responses = [{"id": key, "text": take(record, f"response{key}", faults)} for key in ("1", "2")]
    single = [{"score": take(record, "overall_preference", faults)}]
    people = unpack_json(record.get("individual_preference")) or None
    if people is not None and not isinstance(people, list):
        faults.add("expected a list", "individual_preference")
        people = None
    places = {"prompt": "context", "responses[0].text": "response1", "responses[1].text": "response2"}
    judgments = []
    for number, item in enumerate(people or single):
        path = f"individual_preference[{number}]" if people else "overall_preference"
        name = f"helpsteer3-{number + 1}" if people else "helpsteer3"
        places[f"judgments[{number}]"] = path
        if not isinstance(item, Mapping):
            faults.add("expected an object", path)
            continue
        remarks = [item.get("reasoning"), item.get("feedback1"), item.get("feedback2")]
        judgments.append(_judgment(item.get("score"), remarks, name, faults, f"{path}.score" if people else path))
    tags = [str(record[name]) for name in ("domain", "language") if record.get(name)]
    prompt = unpack_messages(take(record, "context", faults))
    line = {"kind": "ranking", "prompt": prompt, "responses": responses, "tags": tags}
    return Parsed({**line, "judgments": judgments}, places)


def _judgment(score: Any, remarks: Sequence[Any], annotator: str, faults: FaultList, place: str) -> dict[str, Any]:
    """Below zero the first response is better, above it the second; the distance is the strength."""
    if isinstance(score, float) and score.is_integer():
        score = int(score)  # a column with empty cells holds its whole numbers as 2.0
    if isinstance(score, bool) or not isinstance(score, int) or abs(score) > STRONGEST:
        faults.add("expected a whole number from -3 (response 1 much better) to 3 (response 2 much better)", place)
        score = 0
    better, worse = ("1", "2") if score < 0 else ("2", "1")
    return {
        "annotator": annotator,
        "tiers": [[better], [worse]] if score else [["1", "2"]],
        "strength": [abs(score)] if score else None,
        "rationale": "\n\n".join(text for text in remarks if isinstance(text, str) and text),
    }
