"""Everything that a run on given responses holds, loaded and checked before the first step."""

import logging
from dataclasses import dataclass
from typing import Any

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from rewardmodel.runtime.backbones import load_generation_config, load_tokenizer
from rewardmodel.runtime.device import ComputeDevice, select_device
from rewardmodel.runtime.faults import Cancelled, Interrupted
from rewardmodel.runtime.rendering import Renderer
from rewardmodel.runtime.run_directory import RunDirectory
from rewardmodel.runtime.seeding import seed_everything
from rltrainer.architecture import require_full_attention, require_plain_head
from rltrainer.config_offline import DPOConfig, OfflineConfig
from rltrainer.offline.data import Lessons, load_lessons
from rltrainer.offline.imitation import Imitation
from rltrainer.offline.learner import Learner
from rltrainer.offline.objective import Objective, Sums
from rltrainer.offline.preference import Preference
from rltrainer.offline.reference_cache import Key, ReferenceCache
from rltrainer.offline.schedule import Schedule
from rltrainer.optimization import build_adamw
from rltrainer.policy import Policy
from rltrainer.progress import Parts
from rltrainer.ranks import SINGLE, Ranks
from rltrainer.reference_loading import load_reference
from rltrainer.session import MICRO_BATCH_TOKENS, choose_budget
from rltrainer.step_work import PeakWatch
from rltrainer.weight_stepper import WeightStepper
from rltrainer.workbench import load_exact_network, load_network, make_trainable

log = logging.getLogger(__name__)


class Start:
    """How the policy did on the held-out lessons before it learned."""

    def __init__(self) -> None:
        self.sums: list[Sums] = []

    def state(self) -> Any:
        """The JSON form."""
        return [list(sums) for sums in self.sums]

    def restore(self, state: Any) -> None:
        """Put it back."""
        self.sums = [tuple(sums) for sums in state]


@dataclass(slots=True)
class Session:
    """What a run holds from its first step to its last."""

    compute: ComputeDevice
    model: PreTrainedModel
    renderer: Renderer
    lessons: Lessons
    schedule: Schedule
    learner: Learner
    objective: Objective
    start: Start
    ranks: Ranks
    peak: PeakWatch

    @property
    def parts(self) -> Parts:
        """What belongs into a checkpoint."""
        return Parts(tensors={"policy": self.learner.stepper}, plain={"start": self.start})


def open_session(directory: RunDirectory, config: OfflineConfig, *, ranks: Ranks = SINGLE) -> Session:
    """Load and check everything. Raises: ConfigError or DataError with what is wrong; Cancelled."""
    directory.status.update(state="running", phase="load", message="loading the policy")
    seed_everything(config.seed)
    model = config.model
    compute = select_device(device=model.device, precision=model.precision, threads=model.threads)
    directory.status.update(device=compute.name)
    folder = directory.resolve(model.path)
    renderer = Renderer(
        load_tokenizer(folder, key="model.path"), load_generation_config(folder, key="model.path"), key="model.path"
    )
    lessons = load_lessons(directory, config, renderer)
    if lessons.left_out:
        many = "%d records have more than %d tokens and are left out"
        log.warning(many, lessons.left_out, config.data.max_length_tokens)
    network = load_network(directory, model.path, compute)
    require_plain_head(network)
    require_full_attention(
        network,
        _longest(lessons, config.evaluation.max_new_tokens),
        limits="data.max_length_tokens and evaluation.max_new_tokens",
    )
    learner = make_learner(directory, config, network, ranks)
    schedule = Schedule(lessons.train, config.training, seed=config.seed)
    objective = _make_objective(directory, config, compute, learner, schedule, lessons, renderer.tokenizer)
    peak = PeakWatch(compute, configured=model.peak_tflops, ranks=ranks, status=directory.status)
    return Session(compute, network, renderer, lessons, schedule, learner, objective, Start(), ranks, peak)


def _longest(lessons: Lessons, max_new_tokens: int) -> int:
    """Tokens of the longest sequence that is scored or sampled."""
    scored = max(lesson.longest for lesson in (*lessons.train, *lessons.held_out))
    return max(scored, max_new_tokens + max(len(lesson.prompt_ids) for lesson in lessons.held_out))


def make_learner(directory: RunDirectory, config: OfflineConfig, network: PreTrainedModel, ranks: Ranks) -> Learner:
    """What learns, with the weights of the folder."""
    check = directory.cancellation.check
    policy = Policy(
        network,
        temperature=1.0,
        micro_batch_tokens=MICRO_BATCH_TOKENS,
        check=check,
        exact=config.model.exact_forward,
    )
    masters = make_trainable(network, directory, config.model, ranks=ranks)
    policy.learn_with(masters)
    adamw = build_adamw(masters.parameters, config.optimizer)
    budget = choose_budget(config.optimizer, policy, masters, ranks)
    return Learner(policy, WeightStepper(masters, adamw, config.optimizer, budget=budget, ranks=ranks))


def _make_objective(
    directory: RunDirectory,
    config: OfflineConfig,
    compute: ComputeDevice,
    learner: Learner,
    schedule: Schedule,
    lessons: Lessons,
    tokenizer: PreTrainedTokenizerBase,
) -> Objective:
    if not isinstance(config, DPOConfig):
        return Imitation()
    return Preference(config.loss, _ask_reference(directory, config, compute, learner, schedule, lessons, tokenizer))


def _ask_reference(
    directory: RunDirectory,
    config: DPOConfig,
    compute: ComputeDevice,
    learner: Learner,
    schedule: Schedule,
    lessons: Lessons,
    tokenizer: PreTrainedTokenizerBase,
) -> dict[Key, Sums]:
    """What the reference thinks of every response that the run will see.

    Without `model.reference` it is the policy as it stands before its first step: adapters add nothing yet, and the
    weights of a checkpoint are put in place later.
    """
    batches = [*schedule.first_visits(), lessons.held_out]
    directory.status.update(message=f"asking the reference about {sum(map(len, batches))} pairs")
    scorer = learner
    if config.model.reference is not None:
        network = load_reference(
            directory,
            config.model,
            compute,
            policy=learner.policy.model,
            tokenizer=tokenizer,
            longest=_longest(lessons, config.evaluation.max_new_tokens),
            load=load_exact_network if learner.policy.exact else load_network,
        )
        frozen = Policy(
            network,
            temperature=1.0,
            micro_batch_tokens=learner.policy.budget.tokens,
            check=learner.policy.check,
            exact=learner.policy.exact,
        )
        scorer = Learner(frozen, learner.stepper, is_apart=True)
    cache = ReferenceCache(directory.root / "reference.jsonl", _terms(config, lessons), ranks=learner.stepper.ranks)

    def tell(done: int) -> None:
        directory.status.update(message=f"asking the reference: {done} of {len(batches)} batches")

    try:
        return cache.complete(batches, scorer.score, tell=tell)
    except Interrupted as wish:
        raise Cancelled(f"{wish}, while the reference was asked; what it said is kept") from wish


def _terms(config: DPOConfig, lessons: Lessons) -> dict[str, Any]:
    """All that the reference's answers, and the micro-batches that they were computed in, depend on."""
    whole = config.to_dict()
    named = {name: whole[name] for name in ("seed", "model", "training")}
    return {**named, "micro_batch_tokens": config.optimizer.micro_batch_tokens, "data": lessons.sha256}
