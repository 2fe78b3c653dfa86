"""PURE. Rows with ids, some taken away and some added."""

import numpy as np

from annotation.agreement.observations import Floats, Integers


def merge_rows(
    ids: Integers, rows: Floats, gone: Integers, less: Floats, come: Integers, more: Floats
) -> tuple[Integers, Floats]:
    """(ids ascending, rows): those at hand, less what goes and plus what comes. Ids are unique in each of the three.

    rows, less, more: [ids, ...].
    """
    every = np.unique(np.concatenate([ids, gone, come]))
    total = np.zeros((len(every), *rows.shape[1:]))
    for where, amounts, sign in ((ids, rows, 1), (gone, less, -1), (come, more, 1)):
        total[np.searchsorted(every, where)] += sign * amounts
    return every, total
