import io
import json
import sys
from pathlib import Path

import pytest
import torch

from rewardmodel.__main__ import main
from rewardmodel.config_parsing import ConfigError
from rewardmodel.embedding import MOST_TOKENS, Embedder, embed_lines, mean_direction, read_texts
from rewardmodel.records import DataError
from rewardmodel.runtime.backbones import load_backbone
from rewardmodel.runtime.faults import Cancelled

TEXTS = ["Why is the sky blue?", "", "x", "<|end|> is a word here", "long " * 90, "你好", "\ud800 alone"]


@pytest.fixture(scope="module")
def embedder(tiny: Path) -> Embedder:
    return Embedder(tiny)


def test_rows_have_length_one_and_repeat_exactly(embedder: Embedder) -> None:
    vectors = embedder.embed(TEXTS)
    assert vectors.shape == (len(TEXTS), 32) and vectors.dtype == torch.float32
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(len(TEXTS)))
    assert torch.equal(vectors, embedder.embed(TEXTS))
    assert not torch.allclose(vectors[0], vectors[2], atol=0.01)


def test_a_row_does_not_depend_on_its_company_or_its_place(embedder: Embedder) -> None:
    together = embedder.embed(TEXTS)
    alone = torch.cat([embedder.embed([text]) for text in TEXTS])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-5)
    torch.testing.assert_close(embedder.embed(TEXTS[::-1]).flip(0), together, rtol=0, atol=1e-5)


def test_padding_changes_nothing(embedder: Embedder) -> None:
    # 2 and 90 tokens in one batch: 88 tokens of padding stand beside the short one.
    rows = [[5, 6], list(range(5, 95))]
    padded = embedder._embed_rows(rows)
    torch.testing.assert_close(padded[:1], embedder._embed_rows(rows[:1]), rtol=0, atol=1e-5)


def test_a_row_is_the_mean_of_the_last_hidden_states(embedder: Embedder, tiny: Path) -> None:
    ids = embedder.tokenizer("Why?", add_special_tokens=False)["input_ids"]
    with torch.no_grad():
        states = load_backbone(tiny)(torch.tensor([ids])).last_hidden_state[0]
    mean = states.mean(dim=0)
    torch.testing.assert_close(embedder.embed(["Why?"])[0], mean / mean.norm(), rtol=0, atol=1e-5)


def test_special_tokens_are_read_as_text_and_long_texts_are_cut(embedder: Embedder) -> None:
    assert len(embedder._token_ids("<|end|>")) > 1
    assert len(embedder._token_ids("word " * 500)) == MOST_TOKENS


def test_the_mean_leaves_out_what_is_no_text() -> None:
    states = torch.tensor([[[3.0, 0.0], [0.0, 4.0], [99.0, 99.0]]])
    found = mean_direction(states, torch.tensor([[True, True, False]]))
    torch.testing.assert_close(found, torch.tensor([[0.6, 0.8]]))
    with pytest.raises(ValueError, match="do not fit"):
        mean_direction(states, torch.ones(1, 2, dtype=torch.bool))


@pytest.mark.parametrize("line", ["nonsense", "[]", "{}", '{"text": 3}', '{"text": "a", "more": 1}'])
def test_a_broken_line_is_named(line: str) -> None:
    with pytest.raises(DataError, match="stdin:2"):
        list(read_texts(['{"text": "fine"}', line]))


def test_a_byte_order_mark_is_no_text() -> None:
    assert list(read_texts(['\ufeff{"text": "fine"}'])) == ["fine"]


def test_a_fault_of_ours_is_told_with_its_place(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["embed", str(tiny), "60"]) == 1
    said = capsys.readouterr().err
    assert "Traceback" in said and said.splitlines()[-1].startswith("internal error: TypeError")


def test_over_time_nothing_is_written(tiny: Path) -> None:
    out = io.StringIO()
    with pytest.raises(Cancelled, match="within 0 seconds"):
        embed_lines(tiny, ['{"text": "a"}'], out, seconds=0)
    assert not out.getvalue()


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not a model folder"):
        embed_lines(tmp_path, [], io.StringIO(), seconds=9)


def test_the_command_answers_line_by_line(
    tiny: Path, embedder: Embedder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = "".join(json.dumps({"text": text}) + "\n" for text in TEXTS)
    monkeypatch.setattr(sys, "stdin", io.StringIO(lines))
    assert main(["embed", str(tiny), "60"]) == 0
    found = torch.tensor([json.loads(line)["embedding"] for line in capsys.readouterr().out.splitlines()])
    torch.testing.assert_close(found, embedder.embed(TEXTS), rtol=0, atol=1e-5)


def test_the_command_says_whose_fault_it_was(
    tiny: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    wrong = [(tmp_path, "", 2, "is not a model folder"), (tiny, "[]\n", 3, "stdin:1")]
    for folder, lines, code, words in wrong:
        monkeypatch.setattr(sys, "stdin", io.StringIO(lines))
        assert main(["embed", str(folder), "60"]) == code
        said = capsys.readouterr()
        assert words in said.err.splitlines()[-1] and not said.out
        assert "Traceback" not in said.err + caplog.text, "a fault of the input is no fault of ours"
    assert main(["embed", str(tiny)]) == 2 and "usage" in capsys.readouterr().err
