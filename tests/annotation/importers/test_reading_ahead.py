import threading
from collections.abc import Iterator

import pytest

from annotation.importers.reading_ahead import read_ahead


def test_items_come_in_order_and_the_error_at_its_place() -> None:
    def source() -> Iterator[int]:
        yield from (1, 2)
        raise ValueError("broken")

    taken = []
    with pytest.raises(ValueError, match="broken"):
        taken.extend(read_ahead(source()))
    assert taken == [1, 2]


def test_one_item_is_made_ahead_and_closing_ends_the_thread() -> None:
    made = []
    items = read_ahead(made.append(number) or number for number in range(10))
    assert next(items) == 0
    items.close()  # type: ignore[attr-defined]
    assert made == [0, 1]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("read-ahead")]
