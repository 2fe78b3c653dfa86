"""A vLLM server as engine: tokens in, tokens and their log-probs out, over HTTP.

The server runs in a process and environment of its own, for instance

    VLLM_SERVER_DEV_MODE=1 VLLM_ALLOW_RUNTIME_LORA_UPDATING=1 vllm serve FOLDER --logprobs-mode processed_logprobs

`rltrainer.rollouts.served_policy` brings it the weights. Without that mode its log-probs are those at temperature 1.
Requests and answers are as vLLM documents them for its OpenAI-compatible server (`/v1/completions` with
`return_token_ids`), weights for its runtime adapters (`/v1/load_lora_adapter`) and its development mode
(`/collective_rpc`, `/reset_prefix_cache`).
"""

import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from rewardmodel.config_parsing import ConfigError
from rewardmodel.runtime.cancellation import StopCheck, never_stop
from rltrainer.records import Completion, FinishReason
from rltrainer.rollouts.engine import SamplingRequest, SamplingRules

SEEDS = 2**63
"""vLLM takes seeds below this."""
ADAPTER = "concord-policy"
AT_ONCE = 256
"""Open requests."""


class VLLMError(RuntimeError):
    """The server answers otherwise than its documentation says, or not at all."""


class VLLMEngine:
    """Samples from a running server; see `rltrainer.rollouts.engine.RolloutEngine`."""

    def __init__(self, address: str, *, seconds: float = 600.0, check: StopCheck = never_stop) -> None:
        """address: such as `http://127.0.0.1:8000`. seconds: the longest wait for an answer.

        Raises: ConfigError where no vLLM server answers there.
        """
        self.address = address.rstrip("/")
        self.seconds = seconds
        self.check = check
        self.model = self._find_model()
        self._version = 0

    def sample(self, requests: Sequence[SamplingRequest], rules: SamplingRules) -> list[tuple[Completion, ...]]:
        """For each request its completions, in the order of its seeds. Raises: VLLMError, Interrupted."""
        asked = [(request.prompt_ids, seed) for request in requests for seed in request.seeds]
        found = iter(self._complete_all(asked, rules))
        return [tuple(next(found) for _ in request.seeds) for request in requests]

    def _complete_all(self, asked: Sequence[tuple[tuple[int, ...], int]], rules: SamplingRules) -> list[Completion]:
        """All at once: the server decodes together what arrives together."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            waiting = [pool.submit(self._complete, prompt_ids, seed, rules) for prompt_ids, seed in asked]
            try:
                while not all(each.done() for each in waiting):
                    self.check()
                    wait(waiting, timeout=0.5)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
            return [each.result() for each in waiting]

    def load_adapter(self, folder: Path) -> None:
        """Sample from now on with the low-rank adapter in this folder, which the server must be able to read."""
        previous = self.model if self._version else None
        name = f"{ADAPTER}-{self._version + 1}"
        self._post("/v1/load_lora_adapter", {"lora_name": name, "lora_path": str(folder)})
        if previous is not None:
            self._post("/v1/unload_lora_adapter", {"lora_name": previous})
        self._version += 1
        self.model = name

    def reload_weights(self) -> None:
        """Let the server read its model's folder again, in which new weights have been put."""
        self._post("/collective_rpc", {"method": "reload_weights"})
        # Cached prompts were computed with the old weights.
        self._post("/reset_prefix_cache", {})

    def _find_model(self) -> str:
        try:
            models = self._send(urllib.request.Request(f"{self.address}/v1/models"))["data"]  # noqa: S310
            return str(models[0]["id"])
        except (VLLMError, KeyError, IndexError, TypeError) as error:
            raise ConfigError([f"rollout.vllm_url: no vLLM server answers at {self.address} ({error})"]) from error

    def _complete(self, prompt_ids: tuple[int, ...], seed: int, rules: SamplingRules) -> Completion:
        body = {
            "model": self.model,
            "prompt": list(prompt_ids),
            "max_tokens": rules.max_new_tokens,
            "temperature": rules.temperature,
            "top_p": rules.top_p,
            "seed": seed % SEEDS,
            "stop_token_ids": sorted(rules.stop_ids),
            # Only our own stop ids end an answer, whatever the model's configuration says.
            "ignore_eos": True,
            "logprobs": 0,
            "return_token_ids": True,
            "skip_special_tokens": False,
        }
        choice = _only_choice(self._post("/v1/completions", body))
        return _read_choice(choice, seed, rules)

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        data = json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        return self._send(urllib.request.Request(f"{self.address}{path}", data=data, headers=headers))  # noqa: S310

    def _send(self, request: urllib.request.Request) -> Any:
        try:
            with urllib.request.urlopen(request, timeout=self.seconds) as response:  # noqa: S310
                text = response.read().decode()
        except urllib.error.HTTPError as error:
            raise VLLMError(f"{request.full_url} answered {error.code}: {error.read().decode()[:500]}") from error
        except OSError as error:
            raise VLLMError(f"{request.full_url}: {error}") from error
        try:
            return json.loads(text) if text.startswith(("{", "[")) else text
        except ValueError as error:
            raise VLLMError(f"{request.full_url} answered what is no JSON: {text[:200]}") from error


def _only_choice(answer: Any) -> dict[str, Any]:
    choices = answer.get("choices") if isinstance(answer, dict) else None
    if not isinstance(choices, list) or len(choices) != 1 or not isinstance(choices[0], dict):
        raise VLLMError(f"one completion was asked for, and the server gave {str(answer)[:200]}")
    return choices[0]


def _read_choice(choice: dict[str, Any], seed: int, rules: SamplingRules) -> Completion:
    tokens = choice.get("token_ids")
    log_probs = (choice.get("logprobs") or {}).get("token_logprobs")
    if not isinstance(tokens, list) or not isinstance(log_probs, list) or len(tokens) != len(log_probs) or not tokens:
        raise VLLMError("the answer has no token_ids with log-probs; the server needs vLLM 0.10.2 or newer")
    stopped = tokens[-1] in rules.stop_ids
    if choice.get("finish_reason") == "stop" and not stopped:
        raise VLLMError(f"the server ended an answer with token {tokens[-1]}, which is no stop token of ours")
    reason: FinishReason = "stop" if stopped else "length"
    return Completion(tuple(tokens), tuple(map(float, log_probs)), reason, seed)
