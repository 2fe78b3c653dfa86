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


class AgreementDetail(models.Model):
    """What the latest report says of one criterion besides its statistics: week by week, and every two people."""

    project = models.ForeignKey("annotation.Project", models.CASCADE, related_name="agreement_details")
    part = models.CharField(max_length=40)
    """As in `AgreementTotals`."""
    position = models.PositiveSmallIntegerField()
    """Place of the criterion in the report."""
    criterion = models.CharField(max_length=100)
    trend = models.JSONField()
    """Records of `agreement.trend`."""
    people = models.JSONField()
    """[[annotator, comparisons, tasks]] of the people whose pairs are kept, who shares most first."""
    pairs = models.JSONField()
    """[[i, j, value, low, high, units, tasks]]: i < j are places among the people; who shares nothing has no row."""
    people_left_out = models.PositiveIntegerField()
    """People who share something with somebody and whose pairs are not kept."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "part"], name="agreement_detail_once")]
        ordering = ["position"]


class PersonFigures(models.Model):
    """One person's figures in one project, as the reports last measured them. Null is undefined or not measured."""

    project = models.ForeignKey("annotation.Project", models.CASCADE, related_name="person_figures")
    person = models.ForeignKey("annotation.User", models.CASCADE, related_name="figures")
    judgments = models.PositiveIntegerField(default=0)
    """Current ones of normal tasks."""
    median_active_ms = models.FloatField(null=True)
    agreement = models.FloatField(null=True)
    """How near they are to everybody else on what they share."""
    agreement_low = models.FloatField(null=True)
    agreement_high = models.FloatField(null=True)
    agreement_count = models.PositiveIntegerField(default=0)
    """Tasks that they share with somebody (of scores: prompts, once for each criterion)."""
    accuracy = models.FloatField(null=True)
    """How often their strict choice is that of the majority of the others."""
    accuracy_low = models.FloatField(null=True)
    accuracy_high = models.FloatField(null=True)
    accuracy_count = models.PositiveIntegerField(default=0)
    """Choices."""
    gold = models.FloatField(null=True)
    """Mean share of the known answers that was right."""
    gold_low = models.FloatField(null=True)
    gold_high = models.FloatField(null=True)
    gold_count = models.PositiveIntegerField(default=0)
    """Gold tasks."""
    consistency = models.FloatField(null=True)
    """How far they said the same when a task was repeated."""
    consistency_low = models.FloatField(null=True)
    consistency_high = models.FloatField(null=True)
    consistency_count = models.PositiveIntegerField(default=0)
    """Repeats."""
    position = models.FloatField(null=True)
    """Share of strict choices for the response shown earlier; this and the next as the bias report measured it."""
    position_low = models.FloatField(null=True)
    position_high = models.FloatField(null=True)
    position_count = models.PositiveIntegerField(default=0)
    length = models.FloatField(null=True)
    """Share of strict choices for the longer response."""
    length_low = models.FloatField(null=True)
    length_high = models.FloatField(null=True)
    length_count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "person"], name="person_figures_once")]
