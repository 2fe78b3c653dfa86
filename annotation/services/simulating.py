"""Simulated annotators at work: they acquire and submit as people do."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from time import perf_counter
from uuid import NAMESPACE_OID, uuid5

from django.contrib.auth.hashers import make_password
from django.db import transaction

from annotation.exceptions import Conflict
from annotation.kinds.criteria import CriterionSpec
from annotation.models import Criterion, Judgment, Membership, Project, Task, TaskResponse, User
from annotation.permissions import Role
from annotation.services import audit
from annotation.services.judgment_rows import criterion_specs
from annotation.services.judgments import submit_judgment
from annotation.services.slots import Lease, acquire_task
from annotation.simulation import simulate_answer


@dataclass(frozen=True, slots=True)
class SimulationSummary:
    """What the simulated annotators did."""

    annotators: int
    judgments: int
    seconds: float
    purposes: dict[str, int]
    """How many of the judgments were of tasks of each purpose: practice, gold, repeats and the test are not counted in
    any figure of the project."""
    simulated: bool = True


def simulate_annotators(
    *,
    project: Project,
    annotators: int,
    noise: float,
    seed: int,
    per_annotator: int | None = None,
    beside_people: bool = False,
) -> SimulationSummary:
    """Lets simulated annotators judge until nothing is left for them.

    They take turns, so the same seed on the same tasks gives the same judgments, silent gold and repeats included.
    All they do goes through the services of the slot protocol and is marked by their origin wherever it shows:
    practice and the test come first, and who fails the test gets no further work. A known answer is the truth of its
    task.
    noise: standard deviation of what they see around the hidden utility, which runs from 0 to 1.
    per_annotator: how many tasks each does at most.
    Raises: Conflict(code="has_real_judgments") where people have judged, unless `beside_people`.
    """
    real = Judgment.objects.filter(project=project).exclude(annotator__origin=User.Origin.SIMULATED)
    if not beside_people and real.exists():
        raise Conflict(
            f"People have judged in {project.slug!r}; simulated judgments beside theirs would spoil every figure.",
            code="has_real_judgments",
        )
    start = perf_counter()
    crowd = _make_crowd(project, annotators, seed, noise)
    judgments = _take_turns(project, crowd, noise=noise, seed=seed, most=per_annotator)
    return SimulationSummary(len(crowd), judgments.total(), perf_counter() - start, dict(judgments))


@transaction.atomic
def _make_crowd(project: Project, annotators: int, seed: int, noise: float) -> list[User]:
    crowd = [_make_annotator(project, seed, number) for number in range(1, annotators + 1)]
    audit.record(
        actor=None,
        action="simulate_annotators",
        obj=project,
        project=project,
        data={"annotators": annotators, "noise": noise, "seed": seed},
    )
    return crowd


def _make_annotator(project: Project, seed: int, number: int) -> User:
    # The slash keeps the name apart from every name one can sign up with.
    user, _ = User.objects.get_or_create(
        username=f"simulated/{project.pk}/{seed}/{number}",
        defaults={"origin": User.Origin.SIMULATED, "is_active": False, "password": make_password(None)},
    )
    Membership.objects.get_or_create(project=project, user=user, defaults={"role": Role.ANNOTATOR})
    return user


def _take_turns(project: Project, crowd: list[User], *, noise: float, seed: int, most: int | None) -> Counter[str]:
    """The judgments by their tasks' purposes."""
    specs = criterion_specs(Criterion.objects.filter(project=project))
    judgments: Counter[str] = Counter()
    rounds, active = 0, list(enumerate(crowd, start=1))
    while active and (most is None or rounds < most):
        leases = [
            (number, user, acquire_task(project=project, annotator=user, luck=_luck(seed, number, rounds)))
            for number, user in active
        ]
        active = [(number, user) for number, user, lease in leases if isinstance(lease, Lease)]
        for number, user, lease in leases:
            if isinstance(lease, Lease):
                _judge(project, user, lease, specs, noise=noise, name=f"{seed}:{number}:{lease.task.external_id}")
                judgments[lease.task.purpose] += 1
        rounds += 1
    return judgments


def _luck(seed: int, number: int, turn: int) -> float:
    """Whether something silent comes to this annotator in this turn."""
    return Random(f"{seed}:{number}:{turn}:luck").random()  # noqa: S311 - a simulation that can be repeated


def _judge(
    project: Project, user: User, lease: Lease, specs: Sequence[CriterionSpec], *, noise: float, name: str
) -> None:
    texts = TaskResponse.objects.filter(task=lease.task).values_list("response__key", "response__text")
    answer = simulate_answer(
        kind=project.kind,
        prompt=lease.task.prompt.text,
        texts=dict(texts),
        criteria=specs,
        noise=noise,
        seed=name,
        known=Task.objects.values_list("gold", flat=True).get(pk=lease.task.pk),
    )
    submit_judgment(
        annotator=user,
        task_id=lease.task.pk,
        lease_token=lease.token,
        answer=answer,
        idempotency_key=str(uuid5(NAMESPACE_OID, f"{project.pk}:{name}")),
    )
