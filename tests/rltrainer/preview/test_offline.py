import json

import pytest

from rltrainer.__main__ import main
from rltrainer.preview.command import preview_run
from tests.rltrainer.offline.run_folder import make_offline_run, offline_config


def _own(completion):
    return [token for token in completion.tokens if token.part == "completion"]


def _records(folder, name):
    return [json.loads(line) for line in (folder / "data" / name).read_text().splitlines()]


def test_imitation_weighs_every_token_of_the_response_alike(base, tmp_path):
    folder = make_offline_run(tmp_path / "run", offline_config("sft", base))
    preview = preview_run(folder, prompt=1)
    (completion,) = preview.completions
    own = _own(completion)
    assert "".join(token.text for token in own[:-1]) == _records(folder, "sft_train.jsonl")[1]["response"]
    assert own[-1].is_stop
    assert [token.loss for token in own] == pytest.approx([-1 / len(own)] * len(own))
    assert not any(token.loss for token in completion.tokens if token.part == "prompt")
    assert [token.position for token in completion.tokens] == list(range(len(completion.tokens)))


@pytest.mark.parametrize("kind", ["sigmoid", "ipo"])
def test_a_preference_makes_one_side_likelier_and_the_other_less_likely(base, tmp_path, kind):
    folder = make_offline_run(tmp_path / "run", offline_config("dpo", base, loss={"kind": kind}))
    preview = preview_run(folder, prompt=0)
    chosen, rejected = preview.completions
    assert (chosen.role, rejected.role) == ("chosen", "rejected")
    record = _records(folder, "train.jsonl")[0]
    assert (chosen.text, rejected.text) == (record["chosen"], record["rejected"])
    assert all(token.loss < 0 for token in _own(chosen))
    assert all(token.loss > 0 for token in _own(rejected))
    # Both stand behind the same prompt and neither behind the other.
    assert _own(chosen)[0].position == _own(rejected)[0].position
    assert any("people's votes make it" in note for note in preview.notes)
    assert not (folder / "reference.jsonl").exists()


def test_the_command_shows_both_sides(base, tmp_path, capsys):
    folder = make_offline_run(tmp_path / "run", offline_config("dpo", base))
    assert main(["preview", str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {"chosen 0 (stop)", "rejected 1 (stop)"} <= set(lines)


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("--response", "x"), "--response: kind 'sft' learns from"),
        (("--prompt", "32"), "--prompt: there are 32 records"),
    ],
)
def test_what_is_wrong_is_told(base, tmp_path, capsys, arguments, fault):
    folder = make_offline_run(tmp_path / "run", offline_config("sft", base))
    assert main(["preview", str(folder), *arguments]) == 2
    assert fault in capsys.readouterr().err
