"""The way back from a model: version -> run -> snapshot and reward model -> judgments -> people and guidelines."""

from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet

from annotation.models import Judgment
from trainingruns.models import ModelVersion, Run, Snapshot, SnapshotJudgment

MOST_LINKS = 100
"""A chain of descent longer than this is cut, and says so."""


@dataclass(frozen=True, slots=True)
class LineageNode:
    """One link, with what it was made from beneath it."""

    role: str
    """model, reward model, parent, run, snapshot or judged groups: what it is to the node above."""
    title: str
    facts: dict[str, Any] = field(default_factory=dict)
    made_from: tuple["LineageNode", ...] = ()
    version_id: int | None = None
    run_id: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "role": self.role,
            "title": self.title,
            **self.facts,
            "made_from": [node.as_dict() for node in self.made_from],
        }


def lineage(*, version: ModelVersion, role: str = "model", with_judgments: bool = True) -> LineageNode:
    """All that a version descends from, down to judgment ids, pseudonyms and guideline versions.

    with_judgments: False leaves out the list of ids, which may be long; their number and digest stay.
    """
    return _Walk(with_judgments).version(version, role)


class _Walk:
    def __init__(self, with_judgments: bool) -> None:
        self.with_judgments = with_judgments
        self.links = 0

    def version(self, version: ModelVersion, role: str) -> LineageNode:
        facts = {
            "id": version.pk,
            "kind": version.kind,
            "name": version.name,
            "number": version.number,
            "stage": version.stage,
            "sha256": version.sha256,
        }
        return LineageNode(role, str(version), facts, tuple(self._origins(version)), version_id=version.pk)

    def _origins(self, version: ModelVersion) -> list[LineageNode]:
        self.links += 1
        if self.links > MOST_LINKS:
            return [LineageNode("cut", f"older links are not shown: {MOST_LINKS} are")]
        if version.run is not None and version.run.kind != Run.Kind.FETCH:
            return [self._run(version.run)]
        return [self.version(version.parent, "parent")] if version.parent else []

    def _run(self, run: Run) -> LineageNode:
        made_from = []
        if run.base_version is not None:
            made_from.append(self.version(run.base_version, "started from"))
        if run.reward_version is not None:
            made_from.append(self.version(run.reward_version, "reward model"))
        made_from += [self.version(each, "reward model") for each in _members(run)]
        if run.snapshot is not None:
            made_from.append(self._snapshot(run.snapshot))
        if run.groups_run_id is not None:
            made_from.append(self._groups(run, run.groups_run_id))
        facts = {
            "id": run.pk,
            "kind": run.kind,
            "state": run.state,
            "seed": run.config.get("seed"),
            "config": run.config,
        }
        return LineageNode("run", str(run), facts, tuple(made_from), run_id=run.pk)

    def _groups(self, run: Run, sample_run_id: int) -> LineageNode:
        """The responses of a sample run as people judged them when the run began."""
        ids: list[int] = run.purpose.get("groups_judgments", [])
        sampled = Run.objects.select_related("base_version").get(pk=sample_run_id)
        facts = {"judgments": len(ids), **self._people(Judgment.objects.filter(pk__in=ids))}
        made_from = (self.version(sampled.base_version, "sampled from"),) if sampled.base_version else ()
        return LineageNode("judged groups", str(sampled), facts, made_from, run_id=sampled.pk)

    def _snapshot(self, snapshot: Snapshot) -> LineageNode:
        judgments = Judgment.objects.filter(
            pk__in=SnapshotJudgment.objects.filter(snapshot=snapshot).values("judgment")
        )
        facts: dict[str, Any] = {"id": snapshot.pk, "sha256": snapshot.sha256, "judgments": snapshot.judgments}
        return LineageNode("snapshot", str(snapshot), {**facts, **self._people(judgments)})

    def _people(self, judgments: QuerySet[Judgment]) -> dict[str, Any]:
        """Who gave these judgments, under which guidelines."""
        people = judgments.order_by("annotator__pseudonym").values_list("annotator__pseudonym", "annotator__origin")
        distinct = list(people.distinct())
        facts: dict[str, Any] = {
            "annotators": [name for name, _ in distinct],
            "simulated_annotators": sum(origin == "simulated" for _, origin in distinct),
            "guideline_versions": sorted(judgments.order_by().values_list("guideline_version", flat=True).distinct()),
        }
        if self.with_judgments:
            facts["judgment_ids"] = list(judgments.order_by("pk").values_list("pk", flat=True))
        return facts


def _members(run: Run) -> list[ModelVersion]:
    found = ModelVersion.objects.in_bulk(run.ensemble_version_ids)
    return [found[key] for key in run.ensemble_version_ids if key in found]
