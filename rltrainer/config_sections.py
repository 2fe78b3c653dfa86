"""Sections of a policy run's config: networks, prompts, sampling, evaluation. Standard library only."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from rltrainer.config_checks import above, at_least


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """The network."""

    path: str = ""
    """Folder of the model to train, sample or judge."""
    reference: str | None = None
    """Folder of the model to stay near to; null takes a frozen copy of `path`."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to compute; `auto` takes a GPU where there is one."""
    precision: Literal["auto", "bfloat16", "float32"] = "auto"
    """Precision of the network's arithmetic; weights keep a float32 master in any case."""
    exact_forward: bool = True
    """Compute the log-probs that are learned from with float32 products in the head and in the first two thirds of the
    layers, where the trainer's own layers run a bfloat16 network on a CPU: a step's gradient is then 1.7 % off, else 4
    to 7 (SmolLM2-135M). The forward pass takes longer by two thirds, the backward pass as long as ever."""
    adapter_rank: int = 0
    """Rank of low-rank adapters on all linear layers but the output; only they learn, and the reference is the network
    without them. 0 trains every weight."""
    adapter_alpha: float = 16.0
    """Strength of the adapters: their sum is scaled by this over their rank."""
    threads: int | None = None
    """CPU threads; null takes OMP_NUM_THREADS or else all cores this process may use, less one on a busy machine."""
    peak_tflops: float | None = None
    """10^12 operations a second that one device can do at best, for the share of it that learning reaches; null
    measures a large matrix product."""
    processes: int = 1
    """Processes that train together on this machine, one a GPU; under torchrun its number counts and not this one."""
    sharding: Literal["none", "full"] = "none"
    """`full`: each process keeps its share of weights, gradients and optimizer state only; for models that do not fit
    into one GPU otherwise."""

    def one_process_only(self, kind: str) -> Iterator[str]:
        """The faults of several processes in a command that runs in one."""
        yield from self.one_process_only_with(f"kind '{kind}'")

    def one_process_only_with(self, what: str) -> Iterator[str]:
        """The same for a setting."""
        if self.processes != 1:
            yield f"model.processes: {what} runs in one process; take 1"
        if self.sharding != "none":
            yield f"model.sharding: {what} runs in one process; take 'none'"

    def missing_path(self, key: str) -> Iterator[str]:
        """The fault of an absent model folder."""
        if not self.path:
            yield f"{key}: is missing; name the folder of the model"

    def validate(self) -> Iterator[str]:
        """Faults of single fields."""
        yield from at_least(self, "adapter_rank", 0)
        yield from above(self, "adapter_alpha", 0)
        yield from at_least(self, "processes", 1)
        if self.sharding == "full" and self.adapter_rank:
            yield "sharding: 'full' is for training every weight; with adapter_rank take 'none'"
        if self.threads is not None:
            yield from at_least(self, "threads", 1)
        if self.peak_tflops is not None:
            yield from above(self, "peak_tflops", 0)


@dataclass(frozen=True, slots=True)
class DataConfig:
    """The prompts."""

    prompts: str = "data/prompts.jsonl"
    """File of prompt records."""
    max_prompt_tokens: int = 512
    """Longer prompts are left out, counted and reported."""
    groups: str = "data/groups.jsonl"
    """File of groups with people's scores; read with `rollout.source` `judged` alone."""

    def validate(self) -> Iterator[str]:
        """Faults of single fields."""
        yield from at_least(self, "max_prompt_tokens", 1)


@dataclass(frozen=True, slots=True)
class RolloutConfig:
    """Where completions to learn from come from."""

    source: Literal["sampled", "judged"] = "sampled"
    """`sampled`: the policy answers the prompts anew in each step; `judged`: groups that were sampled before and that
    people have scored, for as long as there is no reward model."""
    prompts_per_step: int = 8
    """Prompts of one optimizer step."""
    group_size: int = 8
    """Completions of each prompt."""
    max_new_tokens: int = 128
    """Longest completion in tokens."""
    temperature: float = 1.0
    """Divides the logits while sampling and in every training pass."""
    batch_rows: int = 64
    """Completions that are decoded together."""
    engine: Literal["own", "vllm"] = "own"
    """Who samples: the trainer itself, or a vLLM server that runs beside it and is given the weights of each step."""
    vllm_url: str | None = None
    """Address of that server, such as `http://127.0.0.1:8000`."""
    vllm_folder: str | None = None
    """Folder where that server finds new weights: the one of the model it serves where every weight learns, any that it
    can read where adapters do."""

    def validate(self) -> Iterator[str]:
        """Faults of single fields."""
        yield from self._faults_of_engine()
        yield from at_least(self, "prompts_per_step", 1)
        yield from at_least(self, "group_size", 1)
        yield from at_least(self, "max_new_tokens", 1)
        yield from at_least(self, "batch_rows", 1)
        yield from above(self, "temperature", 0)

    def _faults_of_engine(self) -> Iterator[str]:
        given = {"vllm_url": self.vllm_url, "vllm_folder": self.vllm_folder}
        if self.engine == "own":
            yield from (
                f"{name}: has no effect with engine 'own'" for name, value in given.items() if value is not None
            )
            return
        yield from (f"{name}: is missing; engine 'vllm' needs it" for name, value in given.items() if not value)
        if self.source == "judged":
            yield "engine: nothing is sampled with source 'judged'; take 'own'"


@dataclass(frozen=True, slots=True)
class CheckpointConfig:
    """When to write a checkpoint, besides on cancel."""

    every_steps: int = 10
    """After this many steps."""
    every_seconds: float = 300.0
    """Or when this long has passed since the last."""
    keep_when_done: bool = False
    """Keep the newest two once the run has its result. They are thrice as large as the model, and without `result.json`
    a run with them goes on: with more steps, for instance."""

    def validate(self) -> Iterator[str]:
        """Faults of single fields."""
        yield from at_least(self, "every_steps", 1)
        yield from above(self, "every_seconds", 0)


@dataclass(frozen=True, slots=True)
class EvaluationConfig:
    """The comparison of policy and reference on prompts kept out of training."""

    prompts: int = 16
    """How many prompts to hold out, though at most a quarter of all; chosen by the seed."""
    samples_per_prompt: int = 4
    """Completions of each held-out prompt, from policy and reference alike."""
    shown_prompts: int = 4
    """Of how many held-out prompts the completions are kept in `samples.jsonl`."""
    people_every_steps: int = 0
    """After how many steps the policy answers the shown prompts once more, for people to compare with the reference's
    answers while the run goes on; 0 asks nobody."""
    confidence: float = 0.95
    """Level of the intervals."""
    champion: str | None = None
    """Folder of a further model to compare with, such as the policy in use; null for none."""
    pass_at: tuple[int, ...] = (1, 2, 4, 8, 16)
    """For which k the chance that one of k answers is right is told, where a reward part can check; those above
    `samples_per_prompt` are left out."""

    def validate(self) -> Iterator[str]:
        """Faults of single fields and of those that do not fit each other."""
        yield from at_least(self, "prompts", 1)
        if any(k < 1 for k in self.pass_at):
            yield f"pass_at: every k must be 1 or more, got {list(self.pass_at)}"
        yield from at_least(self, "samples_per_prompt", 1)
        yield from at_least(self, "shown_prompts", 0)
        yield from at_least(self, "people_every_steps", 0)
        if self.people_every_steps and not self.shown_prompts:
            yield "people_every_steps: people see the answers to the shown prompts; set shown_prompts to 1 or more"
        if not 0 < self.confidence < 1:
            yield f"confidence: must be between 0 and 1, got {self.confidence}"
        if self.shown_prompts > self.prompts:
            yield f"shown_prompts: must not exceed prompts ({self.prompts})"


@dataclass(frozen=True, slots=True)
class StopConfig:
    """When the run is over."""

    steps: int = 100
    """Batches of completions to learn from."""

    def validate(self) -> Iterator[str]:
        """Faults of single fields."""
        yield from at_least(self, "steps", 1)


@dataclass(frozen=True, slots=True)
class SamplingConfig:
    """How responses are sampled for people, or for an evaluation."""

    responses_per_prompt: int = 4
    """Completions of each prompt."""
    max_new_tokens: int = 256
    """Longest completion in tokens."""
    temperature: float = 1.0
    """Divides the logits; 0 always takes the likeliest token."""
    top_p: float = 1.0
    """Only the likeliest tokens whose probabilities reach this sum are drawn from."""
    batch_rows: int = 32
    """Completions that are decoded together."""
    keep_log_probs: bool = False
    """Write each response's token ids and log-probs beside its text, so that a policy can learn from what people say
    about them (`rollout.source` `judged`)."""
    confidence: float = 0.95
    """Level of an evaluation's intervals."""

    def validate(self) -> Iterator[str]:
        """Faults of single fields."""
        yield from at_least(self, "responses_per_prompt", 1)
        yield from at_least(self, "max_new_tokens", 1)
        yield from at_least(self, "temperature", 0)
        yield from at_least(self, "batch_rows", 1)
        if not 0 < self.top_p <= 1:
            yield f"top_p: must be above 0 and at most 1, got {self.top_p}"
        if self.keep_log_probs and (self.top_p != 1 or self.temperature == 0):
            yield "keep_log_probs: needs top_p 1 and a temperature above 0; else they are not those that were drawn by"
        if not 0 < self.confidence < 1:
            yield f"confidence: must be between 0 and 1, got {self.confidence}"
