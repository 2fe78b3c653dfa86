"""PURE. Tables: each column is given to a field; a row is a task, or one judgment of it."""

from collections.abc import Mapping
from typing import Any

from annotation.importers.formats.column_fields import guess_mapping, mapping_faults
from annotation.importers.formats.parsed import LETTERS, Parsed, ParseOptions, unpack_json, unpack_messages
from annotation.kinds.faults import FaultList, shorten

ANNOTATOR = "imported"
TIES = ("tie", "tied", "equal", "same", "both", "draw")
PREFIXES = ("", "response_", "response", "answer_", "answer", "model_", "completion_", "option_")
ONLY = "a"


def recognise(record: Mapping[str, Any]) -> bool:
    """A prompt column, and one with a response."""
    fields = set(guess_mapping(record).values())
    return "prompt" in fields and any(field.partition(".")[0] in ("response", "responses") for field in fields)


def parse(record: Mapping[str, Any], faults: FaultList, options: ParseOptions) -> Parsed | None:
    """The line of a row. Cells of a text table are read as numbers and lists where the field asks for it."""
    mapping = options.mapping or guess_mapping(record)
    for sentence in mapping_faults(mapping):
        faults.add(sentence)
    if faults.faults:
        return None
    return _Row(record, {field: column for column, field in mapping.items()}, faults, options).parse()


class _Row:
    """One row with its columns by field."""

    def __init__(
        self, record: Mapping[str, Any], columns: Mapping[str, str], faults: FaultList, options: ParseOptions
    ) -> None:
        self._record = record
        self._columns = columns
        self._faults = faults
        self._kind = options.kind
        self._places: dict[str, str] = {}

    def parse(self) -> Parsed | None:
        if "prompt" not in self._columns:
            self._faults.add("no column is given to the field prompt; say which with --map COLUMN=prompt")
            return None
        responses = self._responses()
        if not responses and self._faults.faults:
            return None
        if not responses:
            self._faults.add("no column is given to a response; use the fields response, response.a or responses")
            return None
        kind = self._kind or ("ranking" if len(responses) > 1 and not self._has_only_scores() else "scalar")
        line: dict[str, Any] = {"kind": kind, "prompt": self._prompt(), "responses": responses}
        keys = [response["id"] for response in responses]
        if (judgment := self._judgment(kind, keys)) is not None:
            line["judgments"] = [judgment]
        line |= {"tags": self._tags(), "metadata": self._metadata()}
        if (name := self._value("external_id")) is not None:
            line["external_id"] = str(name)
        self._places |= {"prompt": self._columns["prompt"], "external_id": self._columns.get("external_id", "")}
        self._places |= {"tags": self._columns.get("tags", "")}
        for field in ("annotator", "rationale", "confidence", "created_at"):
            if field in self._columns:
                self._places[f"judgments[0].{field}"] = self._columns[field]
        return Parsed(line, {path: column for path, column in self._places.items() if column})

    def _value(self, field: str) -> Any:
        """The cell, None where it is empty or no column has the field."""
        value = self._record.get(self._columns[field]) if field in self._columns else None
        return None if isinstance(value, str) and not value.strip() and not field.startswith("response") else value

    def _named(self, name: str) -> dict[str, str]:
        """`{a: column}` of the fields `name.a`."""
        return {
            field.partition(".")[2]: column for field, column in self._columns.items() if field.startswith(f"{name}.")
        }

    def _prompt(self) -> Any:
        prompt, system = unpack_messages(self._value("prompt")), self._value("system")
        if system is None:
            return "" if prompt is None else prompt
        turns = prompt if isinstance(prompt, list) else [{"role": "user", "content": prompt}]
        return [{"role": "system", "content": system}, *turns]

    def _responses(self) -> list[dict[str, Any]]:
        listed = unpack_json(self._value("responses"))
        if listed is not None:
            return self._listed_responses(listed)
        if "response" in self._columns:
            self._places["responses[0].text"] = self._columns["response"]
            return [{"id": ONLY, "text": self._value("response"), "source": self._value("source")}]
        found: list[dict[str, Any]] = []
        for key, column in self._named("response").items():
            # A table of up to nine responses leaves the cells of those that a row doesn't have empty.
            if self._record.get(column) is not None:
                self._places[f"responses[{len(found)}].text"] = column
                found.append({"id": key, "text": self._record.get(column), "source": self._value(f"source.{key}")})
        return found

    def _listed_responses(self, listed: Any) -> list[dict[str, Any]]:
        column = self._columns["responses"]
        if not isinstance(listed, list):
            self._faults.add("expected a list of texts, or of objects with text and source", column)
            return []
        self._places["responses"] = column
        found: list[dict[str, Any]] = []
        for key, item in zip(LETTERS, listed, strict=False):
            text, source = (item.get("text"), item.get("source")) if isinstance(item, Mapping) else (item, None)
            self._places[f"responses[{len(found)}].text"] = f"{column}[{len(found)}]"
            found.append({"id": key, "text": text, "source": source})
        if len(listed) > len(LETTERS):
            self._faults.add(f"at most {len(LETTERS)} responses are read, got {len(listed)}", column)
        return found

    def _has_only_scores(self) -> bool:
        return bool(self._named("score")) and "preferred" not in self._columns and not self._named("rank")

    def _judgment(self, kind: str, keys: list[str]) -> dict[str, Any] | None:
        """None where the row says nothing: a task that is still to be judged."""
        scores = self._scores(keys)
        tiers = (self._tiers_by_rank(keys) or self._tiers_by_choice(keys)) if kind == "ranking" else None
        if not tiers and not scores:
            return None
        judgment: dict[str, Any] = {"annotator": str(self._value("annotator") or ANNOTATOR)}
        if tiers:
            judgment |= {"tiers": tiers, "strength": self._strength(tiers)}
            judgment["unranked"] = [key for key in keys if key not in {each for tier in tiers for each in tier}]
        if scores:
            judgment["scores"] = scores
        for field in ("rationale", "created_at"):
            if (value := self._value(field)) is not None:
                judgment[field] = value
        judgment["confidence"] = self._whole_number("confidence")
        return judgment

    def _scores(self, keys: list[str]) -> dict[str, dict[str, Any]]:
        scores: dict[str, dict[str, Any]] = {}
        for name, column in self._named("score").items():
            criterion, _, key = name.partition(".")
            key = key or keys[0]
            if (value := self._number(self._record.get(column), column)) is None:
                continue
            if key not in keys or (len(keys) > 1 and "." not in name):
                self._faults.add(f"say which response it rates: score.{criterion}.{keys[0]}", column)
                continue
            self._places[f"judgments[0].scores.{criterion}.{key}"] = column
            scores.setdefault(criterion, {})[key] = value
        return scores

    def _tiers_by_rank(self, keys: list[str]) -> list[list[str]]:
        by_rank: dict[float, list[str]] = {}
        for key, column in self._named("rank").items():
            value = self._number(self._record.get(column), column)
            if value is not None and key not in keys:
                self._faults.add(f"there is no response {key!r} in this row", column)
            elif value is not None:
                by_rank.setdefault(value, []).append(key)
        return [by_rank[rank] for rank in sorted(by_rank)]

    def _tiers_by_choice(self, keys: list[str]) -> list[list[str]]:
        value = self._value("preferred")
        if value is None:
            return []
        said = str(value).strip().lower()
        names = {f"{prefix}{key}".lower(): key for key in keys for prefix in PREFIXES}
        names |= {column.lower(): key for key, column in self._named("response").items()}
        if said in TIES:
            return [keys]
        if said not in names:
            known = ", ".join([*keys, TIES[0]])
            self._faults.add(f"{shorten(value)!r} is none of {known}", self._columns["preferred"])
            return []
        rest = [key for key in keys if key != names[said]]
        return [[names[said]], rest] if len(rest) == 1 else [[names[said]]]

    def _strength(self, tiers: list[list[str]]) -> list[int | None] | None:
        strength = self._whole_number("strength")
        if strength is None or len(tiers) < 2:
            return None
        self._places["judgments[0].strength"] = self._columns["strength"]
        return [strength]

    def _whole_number(self, field: str) -> int | None:
        value = self._value(field)
        number = self._number(value, self._columns.get(field, ""))
        if number is not None and not isinstance(number, int):
            self._faults.add("expected a whole number", self._columns[field])
            return None
        return number

    def _number(self, value: Any, column: str) -> int | float | None:
        """The number, also where a text table writes it; None for an empty cell."""
        if value is None or (isinstance(value, str) and value.strip().lower() in ("", "n/a", "na", "null", "none")):
            return None
        try:
            number = float(value)
        except (TypeError, ValueError):
            self._faults.add(f"{shorten(value)!r} is no number", column)
            return None
        return int(number) if number.is_integer() else number

    def _tags(self) -> Any:
        tags = self._value("tags")
        return [tag.strip() for tag in tags.split(",") if tag.strip()] if isinstance(tags, str) else tags

    def _metadata(self) -> dict[str, Any] | None:
        found = {name: self._record.get(column) for name, column in self._named("metadata").items()}
        self._places |= {f"metadata.{name}": column for name, column in self._named("metadata").items()}
        return found or None
