"""Turns the feedback data beside the project into the interchange format, for trials and tests.

python -m tests.annotation.interchange ukp|wmt|self_instruct IN.jsonl.gz OUT.jsonl
"""

import argparse
import gzip
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

Line = dict[str, Any]
TIERS = {"a": [["a"], ["b"]], "b": [["b"], ["a"]], "tie": [["a", "b"]]}


def read_rows(path: Path) -> Iterator[Line]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def ukp_lines(path: Path) -> Iterator[bytes]:
    """Pairs of arguments: votes a, b or tie become tiers, written reasons rationales."""
    for row in read_rows(path):
        yield orjson.dumps(
            {
                "external_id": row["item_id"],
                "kind": "ranking",
                "prompt": row["prompt"],
                "tags": [row["topic"][:100]],
                "responses": [{"id": key, "text": row[f"response_{key}"]} for key in "ab"],
                "judgments": [_vote(said) for said in row["annotations"]],
                # Found from these very votes, so it is no known answer to check people against.
                "metadata": {"crowd_winner": row["gold"]},
            },
            option=orjson.OPT_APPEND_NEWLINE,
        )


def _vote(said: Line) -> Line:
    accepted, submitted = (_time(said[name]) for name in ("accepted_at", "submitted_at"))
    return {
        "annotator": said["annotator"],
        "tiers": TIERS[said["choice"]],
        "rationale": said["reason"],
        "active_ms": round((submitted - accepted).total_seconds() * 1000) if accepted and submitted else None,
        "created_at": submitted.isoformat() if submitted else None,
    }


def _time(text: str | None) -> datetime | None:
    """The data's form is `2016-01-31 16:53:19.0 UTC`."""
    return None if not text else datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f UTC").replace(tzinfo=UTC)


def wmt_lines(path: Path) -> Iterator[bytes]:
    """Translations with a penalty by each rater: scalar, criterion `penalty`; the systems are the sources."""
    for row in read_rows(path):
        systems = [response["system"] for response in row["responses"]]
        keys = {system: f"r{number}" for number, system in enumerate(systems, start=1)}
        raters: dict[str, dict[str, float]] = {}
        for said in row["annotations"]:
            raters.setdefault(said["annotator"], {})[keys[said["system"]]] = said["mqm_penalty"]
        yield orjson.dumps(
            {
                "external_id": row["item_id"],
                "kind": "scalar",
                "prompt": f"Translate into {row['lang_pair'][2:]}:\n\n{row['source']}",
                "responses": [_response(keys[each["system"]], each) for each in row["responses"]],
                "judgments": [
                    {"annotator": rater, "scores": {"penalty": penalties}} for rater, penalties in raters.items()
                ],
            },
            option=orjson.OPT_APPEND_NEWLINE,
        )


def self_instruct_lines(path: Path) -> Iterator[bytes]:
    """Instructions with eight responses each and no judgment: ranking tasks ready to serve."""
    for number, row in enumerate(read_rows(path), start=1):
        prompt = f"{row['prompt']}\n\n{row['input']}" if row["input"] else row["prompt"]
        responses = [_response(f"r{place}", each) for place, each in enumerate(row["responses"], start=1)]
        yield orjson.dumps(
            {"external_id": f"self-instruct-{number}", "kind": "ranking", "prompt": prompt, "responses": responses},
            option=orjson.OPT_APPEND_NEWLINE,
        )


def _response(key: str, response: Line) -> Line:
    return {"id": key, "text": response["text"], "source": response["system"]}


CONVERTERS: dict[str, Callable[[Path], Iterator[bytes]]] = {
    "ukp": ukp_lines,
    "wmt": wmt_lines,
    "self_instruct": self_instruct_lines,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", choices=CONVERTERS)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    options = parser.parse_args()
    with options.target.open("wb") as target:
        target.writelines(CONVERTERS[options.data](options.source))


if __name__ == "__main__":
    main()
