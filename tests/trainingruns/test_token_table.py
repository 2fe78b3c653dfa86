"""A preview as chips and tables."""

from typing import Any

from trainingruns.token_table import token_tables, visible


def token(position: int, text: str, part: str = "completion", **known: Any) -> dict[str, Any]:
    return {"position": position, "token_id": position, "text": text, "part": part, "is_stop": False, **known}


PREVIEW = {
    "kind": "ppo",
    "completions": [
        {
            "role": "completion",
            "number": 0,
            "is_counted": True,
            "reward": 1.5,
            "parts": [{"name": "brevity", "value": -0.5, "weight": 2.0, "is_shaping": True}],
            "tokens": [
                token(0, "Hi", "prompt", loss=0.0),
                token(1, " you", loss=-0.5, value=0.25, reward=0.0),
                token(2, "<end>", loss=-0.5, value=0.0, reward=1.5, is_stop=True),
                token(3, "\n", loss=0.0),
            ],
        }
    ],
}


def test_tokens_tell_whether_they_have_loss_in_words() -> None:
    [table] = token_tables(PREVIEW)
    assert [chip.has_loss for chip in table.chips] == [False, True, True, False]
    assert table.chips[0].says == "no loss"
    assert table.chips[1].says == "loss -0.5, value 0.25"
    assert table.chips[1].text == "·you" and table.chips[2].is_stop and table.chips[0].is_prompt
    assert table.summary == "2 of its 3 own tokens have loss; none of the 1 of the prompt."


def test_what_is_learned_without_a_weight_counts_and_a_weight_that_is_not_there_does_not() -> None:
    tokens = [
        token(0, "Hi", "prompt", has_loss=False, loss=0.0),
        token(1, " you", has_loss=True, loss=0.0, advantage=0.0),
        token(2, "<end>", has_loss=False, loss=0.0, advantage=0.0, log_prob=-2.0),
    ]
    [table] = token_tables({"completions": [{"role": "completion", "number": 0, "tokens": tokens}]})
    assert [chip.has_loss for chip in table.chips] == [False, True, False]
    assert [chip.says for chip in table.chips] == ["no loss", "loss 0", "no loss, log-prob -2"]
    assert table.summary == "1 of its 2 own tokens have loss; none of the 1 of the prompt."
    assert table.headings == ("Position", "Token", "Part", "Loss", "Log-prob")
    assert [row[3] for row in table.rows] == ["", "0", ""]


def test_only_columns_that_say_something_are_shown() -> None:
    [table] = token_tables(PREVIEW)
    assert table.headings == ("Position", "Token", "Part", "Loss", "Reward", "Value")
    assert table.rows[0] == ("0", "Hi", "prompt", "", "", "")
    assert table.rows[2] == ("2", "<end> (stop)", "completion", "-0.5", "1.5", "0")
    assert table.parts == (("brevity (form)", "-0.5", "2", "-1"),)


def test_blanks_are_made_visible() -> None:
    assert visible(" a\n\tb") == "·a↵⇥b"
    assert visible("") == "∅"
    assert token_tables({}) == []
