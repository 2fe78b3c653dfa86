"""PURE. Argilla 2 records: rankings and ratings, nested or with flat columns.

Source: docs.argilla.io, "Import and export records".
"""

from collections.abc import Mapping
from itertools import zip_longest
from typing import Any

from annotation.importers.formats.parsed import Parsed, ParseOptions, take
from annotation.kinds.faults import FaultList, shorten

PROMPT_FIELDS = ("prompt", "question", "instruction", "input", "query", "text", "chat")
ANSWERS, USERS, STATUS = ".responses", ".responses.users", ".responses.status"
NOT_COUNTED = ("draft", "discarded")
KNOWN = {"id", "fields", "responses", "suggestions", "metadata", "status", "vectors", "_server_id", "inserted_at"}


def recognise(record: Mapping[str, Any]) -> bool:
    """Fields with responses by question, or columns such as `rank.responses`."""
    nested = isinstance(record.get("fields"), Mapping) and isinstance(record.get("responses", ""), Mapping | None)
    return nested or any(str(name).endswith(ANSWERS) for name in record)


def parse(record: Mapping[str, Any], faults: FaultList, options: ParseOptions) -> Parsed | None:
    """A record with what each person submitted."""
    fields, questions = _nest(record, faults)
    prompt_field = next(
        (name for name in (*options.mapping, *PROMPT_FIELDS) if name in fields and _is_prompt(name, options)), None
    )
    if prompt_field is None:
        known = ", ".join(map(str, fields))
        faults.add(f"has no prompt; name its field with --map FIELD=prompt; there are {known}", "fields")
        return None
    reader = _Record([str(name) for name in fields if name != prompt_field and fields[name] is not None], faults)
    for name, answers in questions.items():
        reader.read_question(str(name), answers)
    kind = "ranking" if reader.ranks else "scalar" if reader.scores_given else options.kind or "ranking"
    keys = reader.response_keys(options.mapping)
    line = {
        "external_id": str(take(record, "id", faults)),
        "kind": kind,
        "prompt": fields[prompt_field],
        "responses": [{"id": key, "text": fields[key]} for key in keys],
        "judgments": reader.judgments(kind),
        "metadata": record.get("metadata") or None,
    }
    places = {f"responses[{at}].text": f"fields.{key}" for at, key in enumerate(keys)}
    return Parsed(line, {**places, **reader.places, "prompt": f"fields.{prompt_field}", "external_id": "id"})


def _is_prompt(name: str, options: ParseOptions) -> bool:
    mapped = [column for column, field in options.mapping.items() if field == "prompt"]
    return name in mapped if mapped else name in PROMPT_FIELDS


def _nest(record: Mapping[str, Any], faults: FaultList) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Fields and questions; flat columns are put together to the nested form."""
    if isinstance(record.get("fields"), Mapping):
        questions = record.get("responses")
        if questions is not None and not isinstance(questions, Mapping):
            faults.add("expected an object with a list a question", "responses")
        return record["fields"], questions if isinstance(questions, Mapping) else {}
    names = [str(name).removesuffix(ANSWERS) for name in record if str(name).endswith(ANSWERS)]
    flat = {name: _flat_answers(record, name, faults) for name in names}
    rest = {
        name: value
        for name, value in record.items()
        if name not in KNOWN and not any(str(name).startswith(f"{question}.") for question in names)
    }
    return {name: value for name, value in rest.items() if isinstance(value, str | list)}, flat


def _flat_answers(record: Mapping[str, Any], name: str, faults: FaultList) -> list[dict[str, Any]]:
    """An answer a value; one without a person or a state beside it keeps its place, and is a fault there."""
    columns = []
    for end in (ANSWERS, USERS, STATUS):
        column = record.get(name + end)
        if column is not None and not isinstance(column, list):
            faults.add("expected a list", name + end)
        columns.append(column if isinstance(column, list) else [])
    return [{"value": value, "user_id": user, "status": state} for value, user, state in zip_longest(*columns)]


class _Record:
    """Collects what each person said over all questions."""

    def __init__(self, fields: list[str], faults: FaultList) -> None:
        self._fields = fields
        self._faults = faults
        self._people: dict[str, dict[str, Any]] = {}
        self._ranked: list[str] = []
        self.scores_given = False
        self.places: dict[str, str] = {}

    @property
    def ranks(self) -> bool:
        return bool(self._ranked)

    def response_keys(self, mapping: Mapping[str, str]) -> list[str]:
        """The fields that are ranked, or every field beside the prompt."""
        mapped = [name for name in self._fields if mapping.get(name) == "response"]
        return [name for name in self._fields if name in self._ranked] or mapped or self._fields

    def judgments(self, kind: str) -> list[dict[str, Any]]:
        """In the interchange format; who answered no question that counts gave no judgment."""
        return [said for said in self._people.values() if ("tiers" if kind == "ranking" else "scores") in said]

    def read_question(self, name: str, answers: object) -> None:
        place = self._faults.at("responses").at(name)
        if not isinstance(answers, list):
            place.add("expected a list of answers")
            return
        for number, answer in enumerate(answers):
            if not isinstance(answer, Mapping):
                place.at(number).add("expected an object with value and user_id")
            elif answer.get("status") not in NOT_COUNTED:
                self._read_answer(name, answer, place.at(number), f"responses.{name}[{number}]")

    def _read_answer(self, question: str, answer: Mapping[str, Any], faults: FaultList, path: str) -> None:
        user, value = take(answer, "user_id", faults), answer.get("value")
        if user is None:
            return
        said = self._people.setdefault(str(user), {"annotator": str(user)})
        self.places.setdefault(f"judgments[{list(self._people).index(str(user))}]", path)
        if isinstance(value, list):
            said["tiers"] = self._read_ranking(value, faults.at("value"))
        elif isinstance(value, int | float) and not isinstance(value, bool):
            self._read_rating(question, value, said, faults)
        elif isinstance(value, str):
            known = said.get("rationale")
            said["rationale"] = f"{known}\n\n{value}" if known else value
        else:
            faults.add("expected a ranking, a rating or a text", "value")

    def _read_ranking(self, items: list[Any], faults: FaultList) -> list[list[str]]:
        """Equal ranks are a tie; a plain list of names is a strict order."""
        by_rank: dict[int, list[str]] = {}
        for number, item in enumerate(items):
            name, rank = (item.get("value"), item.get("rank")) if isinstance(item, Mapping) else (item, number)
            if not isinstance(name, str) or name not in self._fields:
                faults.at(number).add(f"{shorten(name)!r} is no field of this record; it has {', '.join(self._fields)}")
            elif isinstance(rank, bool) or not isinstance(rank, int):
                faults.at(number).add("expected a whole number", "rank")
            else:
                by_rank.setdefault(rank, []).append(name)
                self._ranked += [] if name in self._ranked else [name]
        return [by_rank[rank] for rank in sorted(by_rank)]

    def _read_rating(self, question: str, value: float, said: dict[str, Any], faults: FaultList) -> None:
        """A rating is about the one response, or about the one that the question's name ends or begins with."""
        about = [
            name for name in self._fields if question in (f"{name}_{_rest(question, name)}", _suffixed(question, name))
        ]
        about = about or (self._fields if len(self._fields) == 1 else [])
        if len(about) != 1:
            faults.add(f"does not say which response it rates; name the question {question}_FIELD", "value")
            return
        self.scores_given = True
        said.setdefault("scores", {}).setdefault(_criterion(question, about[0]), {})[about[0]] = value


def _suffixed(question: str, name: str) -> str:
    return f"{question.removesuffix(f'_{name}')}_{name}"


def _rest(question: str, name: str) -> str:
    return question.removeprefix(f"{name}_")


def _criterion(question: str, name: str) -> str:
    return question.removesuffix(f"_{name}").removeprefix(f"{name}_")
