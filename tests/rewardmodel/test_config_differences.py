from typing import Any

import pytest

from rewardmodel.config_differences import list_differences


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, ["a.c (2 then, 3 now)"]),
        ({"a": {"b": {"c": "x"}}}, {"a": {"b": {"c": None}}}, ['a.b.c ("x" then, null now)']),
        ({"seed": 1}, {"seed": 1}, []),
        ({"a": [1, 2]}, {"a": [1, 3]}, ["a ([1, 2] then, [1, 3] now)"]),
        ({"a": {}}, {"a": {"b": 1}}, ["a.b (nothing then, 1 now)"]),
        ({"a": {"b": None}}, {"a": {}}, ["a.b (null then, nothing now)"]),
        ({"z": 1, "a": 1}, {"a": 2, "z": 2}, ["a (1 then, 2 now)", "z (1 then, 2 now)"]),
    ],
)
def test_each_key_is_told_with_both_values(old: dict[str, Any], new: dict[str, Any], told: list[str]) -> None:
    assert [each.describe(then="then", now="now") for each in list_differences(old, new)] == told
