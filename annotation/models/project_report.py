from django.db import models


class ProjectReport(models.Model):
    """One section of what is known about a project's feedback at one moment, as its page and its command show it."""

    class Section(models.TextChoices):
        CONSENSUS = "consensus", "what people say together, and how reliable each is"
        BIAS = "bias", "what choices follow besides the text"
        DATA_HEALTH = "data_health", "what is wrong with prompts, responses and judgments"

    project = models.ForeignKey("annotation.Project", models.CASCADE, related_name="section_reports")
    section = models.CharField(max_length=12, choices=Section)
    content = models.JSONField()
    """What `manage.py SECTION SLUG --json` prints."""
    newest_judgment_id = models.BigIntegerField(default=0)
    newest_task_id = models.BigIntegerField(default=0)
    """The report is fresh while these are still the project's newest."""
    seconds = models.FloatField()
    computed_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        get_latest_by = "id"
        ordering = ["-id"]
        indexes = [models.Index(fields=["project", "section", "-id"], name="project_report_newest")]

    def __str__(self) -> str:
        return f"{self.section} of {self.project_id}"
