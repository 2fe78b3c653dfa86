"""Files that grow while they are read."""

import json
from pathlib import Path

from trainingruns.charts import draw_curve, place_interval, thin
from trainingruns.run_files import GrowingFile, read_json, read_tail


def test_only_new_complete_lines_are_read(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    file = GrowingFile(path)
    assert file.read_new().rows == []
    path.write_text('{"step": 1}\n{"st')
    assert file.read_new().rows == [{"step": 1}]
    with path.open("a") as writer:
        writer.write('ep": 2}\n')
    again = file.read_new()
    assert again.rows == [{"step": 2}] and not again.is_whole


def test_a_replaced_file_is_read_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1}\n{"step": 2}\n')
    file = GrowingFile(path)
    file.read_new()
    (tmp_path / "new").write_text('{"step": 1}\n')
    (tmp_path / "new").replace(path)
    again = file.read_new()
    assert again.rows == [{"step": 1}] and again.is_whole


def test_nul_and_odd_line_ends_survive(tmp_path: Path) -> None:
    path = tmp_path / "samples.jsonl"
    path.write_text(json.dumps({"a": ["x\0y", {"b": "\u2028"}]}, ensure_ascii=False) + "\n")
    assert GrowingFile(path).read_new().rows == [{"a": ["x\ufffdy", {"b": "\u2028"}]}]


def test_a_log_shows_what_a_terminal_would(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_bytes(b"start\n 1%\r 50%\r100%\nbad \xff\nend\n")
    assert read_tail(path) == "start\n100%\nbad \ufffd\nend\n"
    assert read_tail(path, limit=6) == "end\n"
    assert read_tail(tmp_path / "none") == "" and read_json(tmp_path / "none") == {}


def test_a_curve_keeps_its_ends_when_thinned() -> None:
    points = [(step, float(step)) for step in range(1, 1001)]
    kept = thin(points)
    assert len(kept) == 240 and kept[0] == points[0] and kept[-1] == points[-1]
    curve = draw_curve("loss", "Loss", points)
    assert curve.path.startswith("M0.0,96.0 ") and curve.path.endswith("L300.0,6.0")


def test_an_interval_is_placed_on_the_line() -> None:
    bar = place_interval("x", {"value": 0.5, "low": 0.25, "high": 0.75}, 0)
    assert bar is not None and (bar.low_x, bar.x, bar.high_x) == (75.0, 150.0, 225.0)
    assert place_interval("x", {"value": None}, 0) is None
