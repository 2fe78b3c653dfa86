import pytest

from annotation.importers import seen_ids
from annotation.importers.seen_ids import SeenIds


def test_the_first_line_of_an_id_is_remembered_across_sorting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen_ids, "RECENT_IDS", 7)
    ids = SeenIds()
    assert [ids.first_line(f"q-{number}", number) for number in range(1, 41)] == list(range(1, 41))
    assert [ids.first_line(f"q-{number}", 99) for number in range(1, 41)] == list(range(1, 41))
    assert ids.first_line("\ud800", 41) == 41
