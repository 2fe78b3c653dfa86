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
