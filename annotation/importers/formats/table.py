"""PURE. The formats by name. To add one: a module with `recognise` and `parse` beside these, and an entry here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from annotation.importers.formats import argilla, columns, helpsteer, hh, label_studio, pairs, ultrafeedback
from annotation.importers.formats.joining import join_judgments, join_responses
from annotation.importers.formats.parsed import Parsed, ParseOptions
from annotation.importers.prompt_line import LINE_KEYS
from annotation.importers.records import ImportedPrompt
from annotation.importers.sources.container import CSV, DATASET, JSON_LINES, JSON_LIST, PARQUET
from annotation.importers.sources.row import SourceError
from annotation.kinds.faults import FaultList

Join = Callable[[ImportedPrompt, ImportedPrompt], ImportedPrompt | None]
ANY_CONTAINER = (JSON_LINES, JSON_LIST, CSV, PARQUET, DATASET)
NESTED = (JSON_LINES, JSON_LIST, PARQUET, DATASET)


@dataclass(frozen=True, slots=True)
class ImportFormat:
    """One format: what it is, how its records are recognised, and how they are read."""

    name: str
    description: str
    recognised_by: str
    """In words, for people."""
    recognise: Callable[[Mapping[str, Any]], bool]
    parse: Callable[[Mapping[str, Any], FaultList, ParseOptions], Parsed | None]
    containers: tuple[str, ...] = NESTED
    join: Join | None = None
    """Puts records that follow each other together, where a prompt takes several."""
    takes_mapping: bool = False
    """Whether a mapping of its fields can be given."""
    is_table: bool = False
    """Whether every column is given to a field."""


def _is_concord(record: Mapping[str, Any]) -> bool:
    needed = {"external_id", "kind", "prompt", "responses"}
    return needed <= set(record) <= set(LINE_KEYS)


def _as_it_is(record: Mapping[str, Any], faults: FaultList, options: ParseOptions) -> Parsed:
    return Parsed(dict(record), needs_id=True)


_FORMATS = (
    ImportFormat(
        "concord",
        "Concord's own interchange format: one prompt a line with responses and judgments.",
        "external_id, kind, prompt and responses",
        _is_concord,
        _as_it_is,
    ),
    ImportFormat(
        "ultrafeedback",
        "UltraFeedback: completions with ratings by a judge model, as scores.",
        "instruction and completions",
        ultrafeedback.recognise,
        ultrafeedback.parse,
    ),
    ImportFormat(
        "helpsteer3",
        "HelpSteer3: preferences from -3 to 3 between two responses.",
        "context, response1, response2 and overall_preference",
        helpsteer.recognise_preference,
        helpsteer.parse_preference,
    ),
    ImportFormat(
        "helpsteer2-preference",
        "HelpSteer2's preference file: preferences from -3 to 3 between two responses, with their reasons.",
        "prompt, response_1, response_2 and preference_strength",
        helpsteer.recognise_strength,
        helpsteer.parse_strength,
        containers=ANY_CONTAINER,
    ),
    ImportFormat(
        "helpsteer2",
        "HelpSteer2: five scores a response; records that follow each other share a prompt.",
        "prompt, response and the five scores",
        helpsteer.recognise_scores,
        helpsteer.parse_scores,
        containers=ANY_CONTAINER,
        join=join_responses,
    ),
    ImportFormat(
        "label-studio",
        "Label Studio's JSON export: ranker (both forms), pairwise and rating; cancelled annotations are left out.",
        "data and annotations",
        label_studio.recognise,
        label_studio.parse,
        takes_mapping=True,
    ),
    ImportFormat(
        "argilla",
        "Argilla 2 records: rankings and ratings, nested or with flat columns.",
        "fields and responses, or columns such as rank.responses",
        argilla.recognise,
        argilla.parse,
        takes_mapping=True,
    ),
    ImportFormat(
        "hh",
        "Anthropic HH: two dialogues in Human and Assistant turns.",
        "chosen and rejected that begin with a Human turn",
        hh.recognise,
        hh.parse,
        containers=ANY_CONTAINER,
    ),
    ImportFormat(
        "preference",
        "Preference pairs as TRL takes them: prompt, chosen, rejected, as texts or messages.",
        "chosen and rejected",
        pairs.recognise,
        pairs.parse,
        containers=ANY_CONTAINER,
    ),
    *(
        ImportFormat(
            name,
            f"{container} with columns that you name; a row is a task or one judgment.",
            f"a {container} file of which no other format is recognised",
            lambda record: True,
            columns.parse,
            containers=containers,
            join=join_judgments,
            takes_mapping=True,
            is_table=True,
        )
        for name, container, containers in (
            ("csv", "CSV", (CSV,)),
            ("jsonl", "JSON Lines", (JSON_LINES, JSON_LIST)),
            ("parquet", "Parquet", (PARQUET,)),
            ("dataset", "Hugging Face dataset", (DATASET,)),
        )
    ),
)
FORMATS: dict[str, ImportFormat] = {each.name: each for each in _FORMATS}


def guess_format(record: Mapping[str, Any], container: str, *, has_mapping: bool = False) -> ImportFormat:
    """The first format that recognises the record; a table where none does.

    has_mapping: a mapping was given, so formats without one are out of the question.
    """
    possible = (each for each in _FORMATS if container in each.containers and (each.takes_mapping or not has_mapping))
    return next(each for each in possible if each.recognise(record))


def find_format(name: str, container: str) -> ImportFormat:
    """The format that a person named. Raises: SourceError where it doesn't exist or the file is something else."""
    found = FORMATS.get(name)
    if found is None:
        raise SourceError(f"There is no format {name!r}; there are {', '.join(FORMATS)}.")
    if container not in found.containers:
        raise SourceError(f"The format {name} is read from {' or '.join(found.containers)}; this is {container}.")
    return found
