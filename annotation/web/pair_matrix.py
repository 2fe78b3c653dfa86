"""PURE. Every two people as a matrix in the words, cells and figures of its page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from annotation.agreement.pair_table import PairPerson, PairRecord, PairTable
from annotation.web.figures import NOTE, Column, Figure, show_count, show_share, text_column

BLOCK = 20
"""People a side of what is shown at once."""
SHADES = 5
FEW_TASKS = 10
ORDERS = {"shared": "who is compared most", "agreement": "lowest agreement", "name": "name"}
CELL, LEFT, TOP, BELOW = 25.0, 66.0, 34.0, 12.0
VALUE = Column("value", "Agreement", show_share)
SIMULATED = text_column("simulated", "Simulated", lambda simulated: "yes" if simulated else "no")
COLUMNS = (
    text_column("first", "One"), text_column("second", "Other"), VALUE, Column("low", "95% from", show_share),
    Column("high", "to", show_share), Column("tasks", "Shared tasks", show_count),
    Column("units", "Units", show_count), SIMULATED, NOTE,
)  # fmt: skip
SUB = (
    "How often two people say the same of what both judged; a tie is an answer like others, and for scores nearness "
    "counts. Chance is part of it."
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One pair in the matrix."""

    text: str
    """The share in percent; a dash where it is undefined."""
    shade: str
    """`s0` to `s4`, the darker the nearer; `none` where it is undefined, `self` on the diagonal."""
    words: str
    """The same in words."""
    is_rough: bool
    """Whether it stands on few shared tasks."""


@dataclass(frozen=True, slots=True)
class MatrixRow:
    number: int
    person: PairPerson
    cells: list[Cell]


@dataclass(frozen=True, slots=True)
class Matrix:
    """A block of the matrix."""

    columns: list[tuple[int, PairPerson]]
    rows: list[MatrixRow]


@dataclass(frozen=True, slots=True)
class DrawnCell:
    x: float
    y: float
    text: str
    opacity: float
    """0 where it is undefined."""


@dataclass(frozen=True, slots=True)
class MatrixPlot:
    """A `figures.Drawing` of a block: people by their numbers, which the table names."""

    template: ClassVar[str] = "annotation/_matrix_plot.html"
    description: str
    cells: list[DrawnCell]
    rows: list[tuple[float, int]]
    columns: list[tuple[float, int]]
    width: float = 576.0
    cell: float = CELL

    @property
    def height(self) -> float:
        return TOP + CELL * len(self.rows) + BELOW


def sort_people(table: PairTable, order: str) -> list[int]:
    """Places of the people in the order asked for."""
    if order == "name":
        return sorted(range(len(table.people)), key=lambda place: table.people[place].pseudonym)
    if order == "agreement":
        means = _means(table)
        return sorted(range(len(table.people)), key=lambda place: (means[place], place))
    return list(range(len(table.people)))


def _means(table: PairTable) -> list[float]:
    """Everybody's agreement over the pairs of the table; who has none comes last."""
    near, units = [0.0] * len(table.people), [0] * len(table.people)
    for places, (value, _, _, count, _) in table.cells.items():
        for place in places:
            near[place] += value * count
            units[place] += count
    return [hits / count if count else 2.0 for hits, count in zip(near, units, strict=True)]


def build_matrix(table: PairTable, rows: Sequence[int], columns: Sequence[int], numbers: Sequence[int]) -> Matrix:
    """The block of these places; numbers: [places] what each person is called for short."""
    return Matrix(
        columns=[(numbers[place], table.people[place]) for place in columns],
        rows=[
            MatrixRow(numbers[one], table.people[one], [_cell(table, one, other) for other in columns]) for one in rows
        ],
    )


def _cell(table: PairTable, one: int, other: int) -> Cell:
    if one == other:
        return Cell("", "self", f"{table.people[one].pseudonym} themselves", is_rough=False)
    record = table.record(one, other)
    words = f"{record['first']} and {record['second']}: {say_pair(record)}"
    if record["value"] is None:
        return Cell("–", "none", words, is_rough=False)
    shade = min(int(record["value"] * SHADES), SHADES - 1)
    return Cell(f"{100 * record['value']:.0f}", f"s{shade}", words, record["tasks"] < FEW_TASKS)


def say_pair(record: PairRecord) -> str:
    """A pair's number with its interval and what it stands on."""
    if record["value"] is None or record["low"] is None or record["high"] is None:
        return record["note"]
    shared = f"{record['tasks']:,} shared task{'' if record['tasks'] == 1 else 's'}"
    return f"{record['value']:.0%} ({record['low']:.0%} to {record['high']:.0%}), {shared}"


def pairs_figure(table: PairTable, matrix: Matrix) -> Figure:
    """All pairs, who agrees least first; the picture is of the block that is shown."""
    records = sorted(
        table.records(), key=lambda each: (each["value"] is None, each["value"] or 0.0, each["first"], each["second"])
    )
    drawing = draw_matrix(matrix) if matrix.rows else None
    return Figure("pairs", "Every two people", SUB, COLUMNS, records, drawing)


def draw_matrix(matrix: Matrix) -> MatrixPlot:
    """The block as a picture; each cell says its number, so that nothing depends on colour."""
    cells = [
        DrawnCell(
            LEFT + CELL * column, TOP + CELL * row, cell.text,
            0.0 if cell.shade in ("none", "self") else round(0.1 + 0.1 * int(cell.shade[1:]), 2),
        )
        for row, each in enumerate(matrix.rows)
        for column, cell in enumerate(each.cells)
    ]  # fmt: skip
    names = [f"{number} is {person.pseudonym}" for number, person in matrix.columns]
    names += [f"{row.number} is {row.person.pseudonym}" for row in matrix.rows]
    return MatrixPlot(
        description="Agreement in percent. " + "; ".join(dict.fromkeys(names)),
        cells=cells,
        rows=[(TOP + CELL * row, each.number) for row, each in enumerate(matrix.rows)],
        columns=[(LEFT + CELL * column, number) for column, (number, _) in enumerate(matrix.columns)],
    )


@dataclass(frozen=True, slots=True)
class Partner:
    """Somebody who shares tasks with a person."""

    person: PairPerson
    words: str


def rank_partners(table: PairTable, person: int) -> list[Partner]:
    """Who shares tasks with the person, the furthest apart first; empty where the person's pairs are not kept.

    Sorted by the end of the interval that is nearer to agreement, so that three shared tasks prove little.
    """
    mine = next((place for place, each in enumerate(table.people) if each.id == person), None)
    if mine is None:
        return []
    records = [(table.record(mine, place), each) for place, each in enumerate(table.people) if place != mine]
    shared = [(record, each) for record, each in records if record["value"] is not None]
    shared.sort(key=lambda found: (found[0]["high"] or 0.0, found[0]["value"] or 0.0, found[1].id))
    return [Partner(each, say_pair(record)) for record, each in shared]


def describe_pairs(table: PairTable) -> str:
    """The headline: the mean of all pairs, and how many are below it beyond doubt."""
    units = sum(cell[3] for cell in table.cells.values())
    if not units:
        return "No two people share a task yet."
    mean = sum(cell[0] * cell[3] for cell in table.cells.values()) / units
    low = sum(cell[2] < mean for cell in table.cells.values())
    told = "no pair clearly less" if not low else f"{low:,} pair{'' if low == 1 else 's'} clearly less"
    return f"Two people say the same {mean:.0%} of the time; {told}."
