"""The way back from a model: version -> run -> snapshot and reward model -> judgments -> people and guidelines."""

from dataclasses import dataclass, field
from typing import Any

from trainingruns.models import ModelVersion, Run, Snapshot, SnapshotJudgment

MOST_LINKS = 100
"""A chain of descent longer than this is cut, and says so."""


@dataclass(frozen=True, slots=True)
class LineageNode:
    """One link, with what it was made from beneath it."""

    role: str
    """model, reward model, parent, run or snapshot: what it is to the node above."""
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
        if run.snapshot is not None:
            made_from.append(self._snapshot(run.snapshot))
        facts = {
            "id": run.pk,
            "kind": run.kind,
            "state": run.state,
            "seed": run.config.get("seed"),
            "config": run.config,
        }
        return LineageNode("run", str(run), facts, tuple(made_from), run_id=run.pk)

    def _snapshot(self, snapshot: Snapshot) -> LineageNode:
        members = SnapshotJudgment.objects.filter(snapshot=snapshot)
        people = members.order_by("judgment__annotator__pseudonym").values_list(
            "judgment__annotator__pseudonym", "judgment__annotator__origin"
        )
        distinct = list(people.distinct())
        versions = members.values_list("judgment__guideline_version", flat=True)
        facts: dict[str, Any] = {
            "id": snapshot.pk,
            "sha256": snapshot.sha256,
            "judgments": snapshot.judgments,
            "annotators": [name for name, _ in distinct],
            "simulated_annotators": sum(origin == "simulated" for _, origin in distinct),
            "guideline_versions": sorted(versions.order_by().distinct()),
        }
        if self.with_judgments:
            facts["judgment_ids"] = list(members.order_by("judgment_id").values_list("judgment_id", flat=True))
        return LineageNode("snapshot", str(snapshot), facts)
