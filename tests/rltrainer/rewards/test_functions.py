import sys
from dataclasses import replace

import pytest

from rewardmodel.config_parsing import ConfigError
from rltrainer.rewards.functions import describe_answer, function_reward
from tests.rltrainer.rewards.answers import make_answer


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """Writes a module and puts its folder in the path; gives its name."""

    def write(text):
        (tmp_path / "house_rewards.py").write_text(text)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "house_rewards", raising=False)
        return "house_rewards"

    return write


def test_a_function_is_called_with_plain_types(plugin):
    name = plugin("def score(answers):\n    return [a['tokens'] + a['metadata']['bonus'] for a in answers]\n")
    part = function_reward(f"{name}:score")
    assert part([make_answer("x", tokens=(1, 2), bonus=1), make_answer("y", bonus=0.5)]) == [3.0, 1.5]


def test_an_answer_in_plain_types():
    assert describe_answer(make_answer("hi", tokens=(4, 5), reason="length", level=3)) == {
        "prompt_id": "q",
        "prompt": [{"role": "user", "content": "?"}],
        "metadata": {"level": 3},
        "response": "hi",
        "tokens": 2,
        "finish_reason": "length",
    }


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("raise KeyError('no')", "house_rewards cannot be imported: KeyError"),
        ("score = 5", "has no function 'score'"),
    ],
)
def test_a_path_that_leads_nowhere_is_refused_before_the_run(plugin, text, fault):
    with pytest.raises(ConfigError, match=rf"reward\.function: .*{fault}"):
        function_reward(f"{plugin(text)}:score")


def test_a_module_that_is_absent_is_named():
    with pytest.raises(ConfigError, match=r"reward\.function: nowhere_at_all cannot be imported"):
        function_reward("nowhere_at_all:score")


@pytest.mark.parametrize(
    "values", ["[1, True]", "(1.0, 1.0)", "numpy.ones(2, numpy.float32)", "torch.ones(2)", "iter([1, 1])"]
)
def test_any_row_of_real_numbers_will_do(plugin, values):
    name = plugin(f"import numpy, torch\ndef score(answers):\n    return {values}\n")
    assert function_reward(f"{name}:score")([make_answer("a"), make_answer("b")]) == [1.0, 1.0]


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("return [1.0]", r"gave 1 numbers for 2 answers \(prompt q\)"),
        ("return [1.0, float('nan')]", "gave nan for answer 1 of 2"),
        ("return None", r"must give a list of numbers, got NoneType for 2 answers \(prompt q\)"),
        ("return ['a', 'b']", "must give a list of numbers"),
        ("return answers[5]", r"raised IndexError: .* it was given 2 answers \(prompt q\)"),
        ("return [1.0, 1e300]", r"gave 1e\+300 for answer 1 of 2 \(prompt q\); give a finite number from -1e\+18"),
        ("return [-1e19, 0]", r"gave -1e\+19 for answer 0 of 2 \(prompt q\)"),
        ("return [10**400, 0]", r"gave inf for answer 0 of 2 \(prompt q\)"),
        ("return {'1': 0, '2': 0}", "must give a list of numbers, got dict"),
        ("return {1, 2}", "must give a list of numbers, got set"),
        ("return '12'", "must give a list of numbers, got str"),
        ("return ['1', '2']", r"must give a list of numbers, got str for answer 0 of 2 \(prompt q\)"),
        ("return [1.0, [2.0]]", "must give a list of numbers: .* for answer 1 of 2"),
        ("return [1.0, 2j]", "must give a list of numbers, got complex"),
        ("import itertools; return itertools.count()", "gave more than 2 numbers for 2 answers"),
        ("yield 1 / 0", "raised ZeroDivisionError"),
        ("raise SystemExit(0)", "raised SystemExit"),
    ],
)
def test_what_it_gives_is_checked(plugin, body, fault):
    part = function_reward(f"{plugin(f'def score(answers):{chr(10)}    {body}')}:score")
    with pytest.raises(ConfigError, match=rf"reward\.function: house_rewards:score {fault}"):
        part([make_answer("a"), make_answer("b")])


def test_a_failure_names_the_first_prompts_of_its_batch(plugin):
    part = function_reward(f"{plugin('def score(answers):' + chr(10) + '    return []')}:score")
    answer = make_answer()
    answers = [replace(answer, prompt=replace(answer.prompt, prompt_id=name)) for name in "aabcde"]
    with pytest.raises(ConfigError, match=r"gave 0 numbers for 6 answers \(prompts a, b, c and 2 more\)"):
        part(answers)


def test_the_log_shows_the_functions_own_frames_once(plugin, caplog):
    rate = "def rate(answers):\n    try:\n        1 / 0\n    except ZeroDivisionError as error:\n"
    name = plugin(f"def score(answers):\n    return rate(answers)\n{rate}        raise ValueError('odd') from error\n")
    with pytest.raises(ConfigError, match="raised ValueError: odd"):
        function_reward(f"{name}:score")([make_answer("a")])
    (record,) = caplog.records
    assert record.exc_info is None, "a logger would print all frames, ours among them"
    assert "in score" in record.getMessage() and "in rate" in record.getMessage()
    assert "ZeroDivisionError" in record.getMessage(), "what came before it is told too"
    assert "functions.py" not in record.getMessage()
