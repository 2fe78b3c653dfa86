import json

from rltrainer.sampling import plan_lots
from tests.rltrainer.run_folder import make_run, read_json, read_rows, run, start
from tests.waiting import wait_until


def _config(base, **sampling):
    return {
        "kind": "sample",
        "seed": 5,
        "model": {"path": str(base), "precision": "float32", "threads": 1, "device": "cpu"},
        "sampling": {"responses_per_prompt": 3, "max_new_tokens": 10, "batch_rows": 6, **sampling},
    }


def test_every_prompt_gets_its_responses(base, tmp_path):
    folder = make_run(tmp_path / "run", _config(base))
    code, output = run("sample", folder)
    assert code == 0, output
    rows = read_rows(folder / "responses.jsonl")
    assert [(row["prompt_id"], row["sample"]) for row in rows] == [(f"q{i}", n) for i in range(12) for n in range(3)]
    assert set(rows[0]) == {"prompt_id", "sample", "text", "tokens", "finish_reason", "seed"}
    assert len({row["seed"] for row in rows}) == 36
    assert read_json(folder / "result.json")["responses"] == 36


def test_a_killed_run_neither_doubles_nor_loses_a_response(base, tmp_path):
    whole = make_run(tmp_path / "whole", _config(base))
    assert run("sample", whole)[0] == 0
    folder = make_run(tmp_path / "run", _config(base, max_new_tokens=10))
    process = start("sample", folder)
    responses = folder / "responses.jsonl"
    wait_until(
        lambda: responses.exists() and len(responses.read_text().splitlines()) >= 7, pause=0.002, process=process
    )
    process.kill()
    process.communicate()
    (folder / "result.json").unlink(missing_ok=True)
    # As a kill leaves it: one prompt with two of three responses, and half a line.
    lines = responses.read_text().splitlines()[:8]
    responses.write_text("\n".join(lines) + '\n{"prompt_id": "q2", "sam')
    code, output = run("sample", folder)
    assert code == 0, output
    assert read_rows(responses) == read_rows(whole / "responses.jsonl")


def test_a_cancelled_run_says_how_far_it_came(base, tmp_path):
    folder = make_run(tmp_path / "run", _config(base))
    (folder / "cancel").touch()
    code, _ = run("sample", folder)
    assert code == 130
    assert "after 0 of 12 prompts" in read_json(folder / "status.json")["reason"]


def test_first_answers_come_alone_and_lots_grow():
    lots = plan_lots(list(range(12)), 4)
    assert [len(lot) for lot in lots] == [1, 2, 4, 4, 1]
    assert [prompt for lot in lots for prompt in lot] == list(range(12))


def test_a_lot_in_the_making_is_given_up_on_sigterm(base, tmp_path):
    # More than can be answered before the signal comes, however busy the machine.
    folder = make_run(tmp_path / "run", _config(base, max_new_tokens=500, temperature=0.01), prompts=200)
    process = start("sample", folder)
    status = folder / "status.json"
    wait_until(lambda: status.exists() and read_json(status)["phase"] == "sample", pause=0.01, process=process)
    process.terminate()
    output, _ = process.communicate(timeout=240)
    assert process.returncode == 130, output
    responses = folder / "responses.jsonl"
    answered = {row["prompt_id"] for row in read_rows(responses)} if responses.exists() else set()
    assert f"stopped by SIGTERM, after {len(answered)} of 200 prompts" in read_json(folder / "status.json")["reason"]


def test_greedy_responses_to_one_prompt_are_all_alike(base, tmp_path):
    folder = make_run(tmp_path / "run", _config(base, temperature=0.0), prompts=2)
    assert run("sample", folder)[0] == 0
    texts = [row["text"] for row in read_rows(folder / "responses.jsonl")]
    assert len(set(texts[:3])) == len(set(texts[3:])) == 1


def test_an_unknown_key_stops_the_run_by_name(base, tmp_path):
    folder = make_run(tmp_path / "run", _config(base, topp=0.9))
    assert run("sample", folder)[0] == 2
    assert "sampling.topp: unknown key" in json.dumps(read_json(folder / "status.json"))
