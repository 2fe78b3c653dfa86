from django.db import models


class AgreementReport(models.Model):
    """The agreement statistics of a project at one moment, as the page and `agreement --json` show them."""

    project = models.ForeignKey("annotation.Project", models.CASCADE, related_name="agreement_reports")
    statistics = models.JSONField()
    """Records of the agreement command: [{criterion, level, statistic, value, low, high, ..., note}]"""
    hard_tasks = models.JSONField(default=list)
    """Tasks with the widest disagreement: [{task, prompt, split}]"""
    people = models.JSONField(default=list)
    """[{annotator, pseudonym, judgments, agreement, median_active_ms, simulated}]"""
    judgments = models.PositiveIntegerField()
    annotators = models.PositiveIntegerField()
    tasks = models.PositiveIntegerField()
    simulated_judgments = models.PositiveIntegerField(default=0)
    newest_judgment_id = models.BigIntegerField(default=0)
    """The report is fresh while this is still the project's newest judgment."""
    seconds = models.FloatField()
    computed_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        get_latest_by = "id"
        ordering = ["-id"]


class AgreementTotals(models.Model):
    """Sums from which a part of a report with many tasks is brought up to date.

    Without them everything is looked at again, so whatever changes what counts, besides a new judgment, deletes them.
    """

    project = models.ForeignKey("annotation.Project", models.CASCADE, related_name="agreement_totals")
    part = models.CharField(max_length=40)
    """`preference`, `ranking`, or `criterion` and its id."""
    content = models.BinaryField()
    """`agreement.totals_bytes`."""
    newest_judgment_id = models.BigIntegerField()
    """The report they belong to knows the same one."""
    current_judgments = models.PositiveBigIntegerField()
    """Current judgments of the project then, of all tasks; tells whether one came in late."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "part"], name="agreement_totals_once")]
