"""Tables printed in the papers that defined the statistics."""

import numpy as np

FLEISS_1971 = [
    [0, 0, 0, 6, 0], [0, 3, 0, 0, 3], [0, 1, 4, 0, 1], [0, 0, 0, 0, 6], [0, 3, 0, 3, 0], [2, 0, 4, 0, 0],
    [0, 0, 4, 0, 2], [2, 0, 3, 1, 0], [2, 0, 0, 4, 0], [0, 0, 0, 0, 6], [1, 0, 0, 5, 0], [1, 1, 0, 4, 0],
    [0, 3, 3, 0, 0], [1, 0, 0, 5, 0], [0, 2, 0, 3, 1], [0, 0, 5, 0, 1], [3, 0, 0, 1, 2], [5, 1, 0, 0, 0],
    [0, 2, 0, 4, 0], [1, 0, 2, 0, 3], [0, 0, 0, 0, 6], [0, 1, 0, 5, 0], [0, 2, 0, 1, 3], [2, 0, 0, 4, 0],
    [1, 0, 0, 4, 1], [0, 5, 0, 1, 0], [4, 0, 0, 0, 2], [0, 2, 0, 4, 0], [1, 0, 5, 0, 0], [0, 0, 0, 0, 6],
]  # fmt: skip
"""Diagnoses of 30 patients by 6 psychiatrists each: patients by categories."""

COHEN_1960 = [[88, 14, 18], [10, 40, 10], [2, 6, 12]]
"""Two judges on 200 patients: first by second."""

SHROUT_FLEISS_1979 = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
"""Six targets by four judges."""

SIEGEL_1956 = [[1, 6, 3, 2, 5, 4], [1, 5, 6, 4, 2, 3], [6, 3, 2, 5, 4, 1]]
"""Three executives rank six applicants."""

SIEGEL_1956_TIES = [
    [1, 4.5, 2, 4.5, 3, 7.5, 6, 9, 7.5, 10], [2.5, 1, 2.5, 4.5, 4.5, 8, 9, 6.5, 10, 6.5],
    [2, 1, 4.5, 4.5, 4.5, 4.5, 8, 8, 8, 10],
]  # fmt: skip
"""Three rankings of ten objects, with ties."""


def spell_out(counts: list[list[int]]) -> np.ndarray:
    """[annotators, units] of counts by unit and category; who said what is made up."""
    return np.array([np.repeat(np.arange(len(row)), row) for row in counts], float).T


def spell_out_pairs(cells: list[list[int]]) -> np.ndarray:
    """[2, units] of a table of first by second annotator."""
    first, second = np.indices(np.shape(cells))
    return np.stack([np.repeat(side.ravel(), np.ravel(cells)) for side in (first, second)]).astype(float)
