from annotation.agreement.pair_table import PairPerson, PairTable
from annotation.web.pair_matrix import (
    build_matrix,
    describe_pairs,
    draw_matrix,
    pairs_figure,
    rank_partners,
    sort_people,
)

PEOPLE = [PairPerson(10 * place, name, False, 100, 50) for place, name in enumerate("dbca")]
TABLE = PairTable(
    "preference", PEOPLE,
    {(0, 1): [0.9, 0.8, 0.95, 40, 40], (0, 2): [0.2, 0.05, 0.6, 5, 5], (1, 2): [0.5, 0.4, 0.6, 80, 80]}, 0,
)  # fmt: skip


def test_cells_say_their_number_in_text_and_in_words() -> None:
    matrix = build_matrix(TABLE, [0, 1, 2, 3], [0, 1, 2, 3], [1, 2, 3, 4])
    top = matrix.rows[0].cells
    assert [each.text for each in top] == ["", "90", "20", "–"]
    assert [each.shade for each in top] == ["self", "s4", "s1", "none"]
    assert [each.is_rough for each in top] == [False, False, True, False]
    assert top[1].words == "d and b: 90% (80% to 95%), 40 shared tasks"
    assert top[3].words == "d and a: Undefined: they share no task."
    for one, row in enumerate(matrix.rows):
        assert [each.text for each in row.cells] == [other.cells[one].text for other in matrix.rows]


def test_people_sort_by_agreement_and_by_name() -> None:
    assert sort_people(TABLE, "shared") == [0, 1, 2, 3]
    assert sort_people(TABLE, "name") == [3, 1, 2, 0]
    assert sort_people(TABLE, "agreement") == [2, 1, 0, 3]


def test_the_figure_lists_all_pairs_the_furthest_first_and_undefined_ones_last() -> None:
    matrix = build_matrix(TABLE, [0, 1], [0, 1], [1, 2, 3, 4])
    figure = pairs_figure(TABLE, matrix)
    assert [row["value"] for row in figure.rows] == [0.2, 0.5, 0.9, None, None, None]
    assert len(draw_matrix(matrix).cells) == 4


def test_partners_stand_by_what_is_sure() -> None:
    """One at 20 % of five tasks and one at 50 % of eighty: neither is surely above 60 %."""
    assert [each.person.pseudonym for each in rank_partners(TABLE, 20)] == ["d", "b"]
    assert rank_partners(TABLE, 99) == []
    assert rank_partners(TABLE, 30) == []


def test_the_headline_counts_who_is_below_the_mean_beyond_doubt() -> None:
    # (36 + 1 + 40) / 125 = 0.616; two intervals end below it.
    assert describe_pairs(TABLE) == "Two people say the same 62% of the time; 2 pairs clearly less."
    assert describe_pairs(PairTable("x", PEOPLE, {}, 0)) == "No two people share a task yet."
