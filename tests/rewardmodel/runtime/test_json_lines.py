import pytest

from rewardmodel.runtime.json_lines import append_line, keep_lines, read_lines, write_lines


def test_lines_written_replace_those_before(tmp_path):
    path = tmp_path / "rows.jsonl"
    append_line(path, {"old": 1})
    write_lines(path, [{"text": "ä"}, {"value": 0.1}])
    assert list(read_lines(path)) == [{"text": "ä"}, {"value": 0.1}]
    assert [child.name for child in tmp_path.iterdir()] == ["rows.jsonl"]


def test_a_number_that_json_has_no_word_for_leaves_the_old_lines(tmp_path):
    path = tmp_path / "rows.jsonl"
    write_lines(path, [{"value": 1.0}])
    with pytest.raises(ValueError, match="JSON compliant"):
        write_lines(path, [{"value": float("nan")}])
    assert list(read_lines(path)) == [{"value": 1.0}]


def test_only_wanted_lines_are_kept_and_a_torn_one_goes(tmp_path):
    path = tmp_path / "rows.jsonl"
    write_lines(path, [{"step": step} for step in range(4)])
    with path.open("a") as file:
        file.write('{"step": 4')
    assert keep_lines(path, lambda row: row["step"] < 2) == 2
    assert path.read_text() == '{"step": 0}\n{"step": 1}\n'


def test_an_absent_file_has_no_lines_and_stays_absent(tmp_path):
    path = tmp_path / "rows.jsonl"
    assert list(read_lines(path)) == []
    assert keep_lines(path, lambda row: True) == 0
    assert not path.exists()
