"""PURE. The export formats by name.

To add one: a module with `write_rows(groups, *, view)` beside these, and a line here; where its rows are pairs,
`pair_formats.write_pairs` makes the writer.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from annotation.exports import canonical_format, concord, pair_formats, trl
from annotation.exports.csv_lines import encode_csv
from annotation.exports.json_lines import encode_rows
from annotation.exports.prompt_group import PromptGroup


class ExportError(ValueError):
    """A wish for a format, or a view of it, that doesn't exist."""


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """One format: who reads it, and how its rows are made."""

    name: str
    description: str
    kinds: tuple[str, ...]
    """The feedback kinds it can hold."""
    views: tuple[str, ...]
    """judgments: what each annotator said; majority: what more than half of those who compared said; consensus: what
    they say together, each counted by how reliable they are; verdicts: the reviewer's verdict where there is one, else
    the majority."""
    write_rows: Callable[..., Iterator[dict[str, Any]]]
    is_whole: bool = False
    """Whether it is a copy of the project: gold tasks are then in it unless they are left out by name."""
    encode: Callable[[Iterable[Mapping[str, Any]]], Iterator[bytes]] = encode_rows
    """Rows -> lines."""
    media_type: str = "application/jsonl"

    @property
    def makes_pairs(self) -> bool:
        """Whether its rows are pairs of responses; such a format counts the pairs that it leaves out."""
        return "majority" in self.views

    @property
    def extension(self) -> str:
        """Of a file's name."""
        return "csv" if self.media_type == "text/csv" else "jsonl"


PAIR_VIEWS = ("judgments", "majority", "consensus", "verdicts")
_FORMATS = (
    ExportFormat(
        "canonical",
        "One answer a line with everything that is known about it.",
        ("ranking", "scalar"),
        ("judgments",),
        canonical_format.write_rows,
    ),
    ExportFormat(
        "concord",
        "One prompt a line with its judgments; import_judgments reads it back without loss.",
        ("ranking", "scalar"),
        ("judgments",),
        concord.write_rows,
        is_whole=True,
    ),
    ExportFormat(
        "trl",
        "TRL's explicit preference form: prompt, chosen and rejected as messages, one pair a line.",
        ("ranking",),
        PAIR_VIEWS,
        trl.write_rows,
    ),
    *(
        ExportFormat(name, description, ("ranking",), PAIR_VIEWS, pair_formats.write_pairs(convert))
        for name, description, convert in (
            ("trl-implicit", "TRL's implicit form: whole dialogues as chosen and rejected.", pair_formats.to_implicit),
            ("trl-unpaired", "TRL's unpaired form for KTO and BCO: completion and label.", pair_formats.to_unpaired),
            ("openrlhf", "OpenRLHF: prompt, chosen and rejected as messages, with margin.", pair_formats.to_openrlhf),
            (
                "llama-factory",
                "LLaMA-Factory's sharegpt ranking; with --out its dataset_info.json lies beside it.",
                pair_formats.to_llama_factory,
            ),
            ("torchtune", "torchtune: chosen_conversations and rejected_conversations.", pair_formats.to_torchtune),
            ("hh", "Anthropic HH: two dialogues in Human and Assistant turns.", pair_formats.to_hh),
        )
    ),
    ExportFormat(
        "csv",
        "One pair a line as flat text for spreadsheets; cells that look like formulas are quoted.",
        ("ranking",),
        PAIR_VIEWS,
        pair_formats.write_pairs(pair_formats.to_table),
        encode=encode_csv,
        media_type="text/csv",
    ),
)
FORMATS: dict[str, ExportFormat] = {each.name: each for each in _FORMATS}


def export_rows(
    groups: Iterable[PromptGroup],
    *,
    format_name: str,
    kind: str,
    view: str = "judgments",
    dropped: Counter[str] | None = None,
) -> Iterator[dict[str, Any]]:
    """The rows of a file, made one group at a time.

    kind: the project's feedback kind. dropped: counts pairs of responses that give no row, by reason (`trl.DROPPED`);
    formats that hold whole answers leave none out.
    Raises: ExportError at once, before the first row, when the format doesn't exist or can't hold this.
    """
    export_format = FORMATS.get(format_name)
    if export_format is None:
        raise ExportError(f"no format {format_name!r}; there are {', '.join(FORMATS)}")
    if kind not in export_format.kinds:
        raise ExportError(f"{format_name} holds {' and '.join(export_format.kinds)} projects; this one is {kind}")
    if view not in export_format.views:
        raise ExportError(f"{format_name} has no view {view!r}; it has {', '.join(export_format.views)}")
    if export_format.makes_pairs:
        return export_format.write_rows(groups, view=view, dropped=dropped)
    return export_format.write_rows(groups, view=view)
