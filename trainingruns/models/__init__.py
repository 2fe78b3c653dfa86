"""Rows of the training side. State changes go through trainingruns.services."""

from trainingruns.models.loop import Loop
from trainingruns.models.registry import ModelVersion
from trainingruns.models.run import ONLINE_KINDS, POLICY_KINDS, Metric, Run, Sample
from trainingruns.models.snapshot import Snapshot, SnapshotJudgment

__all__ = [
    "ONLINE_KINDS",
    "POLICY_KINDS",
    "Loop",
    "Metric",
    "ModelVersion",
    "Run",
    "Sample",
    "Snapshot",
    "SnapshotJudgment",
]
