from django.db import models


class Snapshot(models.Model):
    """A frozen, hashed dataset made from judgments. Its files never change after `sha256` is set."""

    class View(models.TextChoices):
        JUDGMENTS = "judgments", "every judgment's pairs"
        MAJORITY = "majority", "one record a pair, with the votes"
        CONSENSUS = "consensus", "one record a pair, as the crowd together sees it"
        VERDICTS = "verdicts", "one record a pair: the reviewer's verdict where there is one, else the votes"

    project = models.ForeignKey("annotation.Project", models.PROTECT, related_name="snapshots")
    number = models.PositiveIntegerField()
    view = models.CharField(max_length=10, choices=View, default=View.MAJORITY)
    eval_share = models.FloatField(default=0.1)
    seed = models.PositiveIntegerField(default=0)
    filters = models.JSONField(default=dict, blank=True)
    """{"exclude_gold": true, "exclude_simulated": false, "since": null}"""
    path = models.CharField(max_length=300)
    """Folder under the artifacts root: manifest.json, train.jsonl, eval.jsonl, prompts.jsonl."""
    sha256 = models.CharField(max_length=64, db_index=True)
    """Digest of the manifest, which names each file's digest."""
    manifest = models.JSONField(default=dict)
    """Counts, files with sha256, judgment ids range and digest, guideline versions, human ceiling, split rule."""
    train_pairs = models.PositiveIntegerField(default=0)
    eval_pairs = models.PositiveIntegerField(default=0)
    judgments = models.PositiveIntegerField(default=0)
    newest_judgment_id = models.BigIntegerField(default=0)
    created_by = models.ForeignKey("annotation.User", models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["project", "number"], name="snapshot_number_once_a_project")]

    def __str__(self) -> str:
        return f"{self.project.slug}@{self.sha256[:8]}"


class SnapshotJudgment(models.Model):
    """Which judgments a snapshot was made from: the far end of every lineage."""

    snapshot = models.ForeignKey(Snapshot, models.CASCADE, related_name="members")
    judgment = models.ForeignKey("annotation.Judgment", models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["snapshot", "judgment"], name="snapshot_judgment_once")]
