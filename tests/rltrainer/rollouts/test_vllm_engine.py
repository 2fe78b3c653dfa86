from pathlib import Path

import pytest

from rewardmodel.config_parsing import ConfigError
from rewardmodel.runtime.faults import Interrupted
from rltrainer.rollouts.engine import SamplingRequest, SamplingRules
from rltrainer.rollouts.vllm_engine import VLLMEngine, VLLMError
from tests.rltrainer.rollouts.fake_vllm import complete as complete_as_documented
from tests.rltrainer.rollouts.fake_vllm import serving


@pytest.fixture
def server():
    with serving() as served:
        yield served


def _engine(server) -> VLLMEngine:
    return VLLMEngine(f"http://127.0.0.1:{server.server_port}/", seconds=240)


def test_tokens_go_in_and_tokens_with_log_probs_come_out(server):
    rules = SamplingRules(4, frozenset({8, 30}), 0.7)
    ((first, second), (third,)) = _engine(server).sample(
        [SamplingRequest((3, 5), (11, 2**64 - 1)), SamplingRequest((20,), (13,))], rules
    )
    assert first.token_ids == second.token_ids == (6, 7, 8)
    assert first.log_probs == pytest.approx((-0.56, -0.57, -0.58))
    assert (first.finish_reason, first.seed, second.seed) == ("stop", 11, 2**64 - 1)
    assert (third.token_ids, third.finish_reason) == ((21, 22, 23, 24), "length")
    body = next(body for path, body in server.seen if path == "/v1/completions" and body["prompt"] == [3, 5])
    assert body["stop_token_ids"] == [8, 30]
    assert body["temperature"] == 0.7
    assert all(0 <= sent["seed"] < 2**63 for _, sent in server.seen)
    assert body["return_token_ids"] is True
    assert body["ignore_eos"] is True


def test_a_new_adapter_takes_the_place_of_the_old(server):
    engine = _engine(server)
    engine.load_adapter(Path("/adapters/1"))
    engine.load_adapter(Path("/adapters/2"))
    engine.sample([SamplingRequest((1,), (1,))], SamplingRules(1, frozenset()))
    assert [path for path, _ in server.seen] == [
        "/v1/load_lora_adapter",
        "/v1/load_lora_adapter",
        "/v1/unload_lora_adapter",
        "/v1/completions",
    ]
    assert server.seen[2][1]["lora_name"] == server.seen[0][1]["lora_name"]
    assert server.seen[3][1]["model"] == server.seen[1][1]["lora_name"] != server.seen[0][1]["lora_name"]


def test_weights_are_read_again_and_no_cached_prompt_stays(server):
    _engine(server).reload_weights()
    assert server.seen == [("/collective_rpc", {"method": "reload_weights"}), ("/reset_prefix_cache", {})]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda choice: choice.pop("token_ids"), "0.10.2"),
        (lambda choice: choice.pop("logprobs"), "0.10.2"),
        (lambda choice: choice.update(finish_reason="stop"), "no stop token of ours"),
    ],
)
def test_answers_that_would_teach_wrong_things_are_refused(server, change, message):
    def complete(body):
        answer = complete_as_documented(body)
        change(answer["choices"][0])
        return answer

    server.complete = complete
    with pytest.raises(VLLMError, match=message):
        _engine(server).sample([SamplingRequest((1,), (1,))], SamplingRules(2, frozenset()))


def test_an_error_of_the_server_is_told(server):
    server.complete = lambda body: 404
    with pytest.raises(VLLMError, match=r"404.*no such model"):
        _engine(server).sample([SamplingRequest((1,), (1,))], SamplingRules(2, frozenset()))


def test_a_wish_to_stop_is_heard_while_the_server_works(server):
    def check():
        raise Interrupted("asked to stop")

    engine = _engine(server)
    engine.check = check
    with pytest.raises(Interrupted):
        engine.sample([SamplingRequest((1,), (1, 2, 3))], SamplingRules(2, frozenset()))


def test_nobody_at_the_address_is_a_fault_of_the_config():
    with pytest.raises(ConfigError, match=r"rollout\.vllm_url"):
        VLLMEngine("http://127.0.0.1:9", seconds=2)
