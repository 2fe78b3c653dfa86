import json
import math

import pytest

from rewardmodel.strict_json import decode_strictly, find_non_finite


def test_json_is_read_as_python_reads_it() -> None:
    value = {"a": [1, 2.5, -0.0, None, True, {"b": "ä"}], "c": {}}
    assert decode_strictly(json.dumps(value)) == value


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{"a": {"b": 1, "c": 2, "b": 3}}', "the key 'b' stands twice"),
        ('{"a": 1, "a": 1}', "the key 'a' stands twice"),
    ],
)
def test_what_python_alone_takes_is_refused(text: str, fault: str) -> None:
    json.loads(text)
    with pytest.raises(ValueError, match=fault):
        decode_strictly(text)


def test_numbers_that_are_not_finite_are_found_at_any_depth() -> None:
    assert find_non_finite(json.loads('{"a": [{"b": -1e999}]}')) == -math.inf
    assert find_non_finite(json.loads("[" * 900 + "1e999" + "]" * 900)) == math.inf
    assert math.isnan(find_non_finite(json.loads('{"a": NaN}')) or 0)
    assert find_non_finite(json.loads('{"a": [{"b": 1e308}], "c": "1e999", "d": true}')) is None
