from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

LOWEST_LEVEL, HIGHEST_LEVEL = 1, 5


class Skill(models.Model):
    """Something that tasks of a project may ask of a person, for instance a language or a field of knowledge."""

    project = models.ForeignKey("annotation.Project", models.CASCADE, related_name="skills")
    name = models.SlugField(max_length=60)
    label = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="skill_name_once_a_project")]

    def __str__(self) -> str:
        return self.label


class PersonSkill(models.Model):
    """How far a person has a skill: the level that a manager set, and what was measured on tasks that ask for it."""

    skill = models.ForeignKey(Skill, models.CASCADE, related_name="people")
    person = models.ForeignKey("annotation.User", models.CASCADE, related_name="skills")
    level = models.PositiveSmallIntegerField(
        default=LOWEST_LEVEL, validators=[MinValueValidator(LOWEST_LEVEL), MaxValueValidator(HIGHEST_LEVEL)]
    )
    agreed = models.PositiveIntegerField(default=0, db_default=0)
    """Pairs of responses that this person put in the order of the others who judged the same task."""
    compared = models.PositiveIntegerField(default=0, db_default=0)
    """Pairs that this person and others decided, ties left out."""
    gold_right = models.PositiveIntegerField(default=0, db_default=0)
    """Pairs of gold tasks in the known order."""
    gold_asked = models.PositiveIntegerField(default=0, db_default=0)
    standing = models.FloatField(default=0, db_default=0)
    """Share of the people with this skill who come first: 0 is offered its tasks at once, 1 after the whole wait."""
    measured_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["skill", "person"], name="skill_once_a_person"),
            models.CheckConstraint(
                condition=Q(level__range=(LOWEST_LEVEL, HIGHEST_LEVEL)), name="person_skill_level_in_range"
            ),
            models.CheckConstraint(condition=Q(standing__range=(0, 1)), name="person_skill_standing_is_a_share"),
        ]

    def __str__(self) -> str:
        return f"{self.person} has {self.skill} at level {self.level}"


class WorkCursor(models.Model):
    """Up to where a person has been through one of a project's queues of tasks.

    Everything before it the person has to do with already, so the search for work begins here and costs the same
    however much they did. It is a hint: without the row, or with a row of another epoch, the search begins in front.
    """

    project = models.ForeignKey("annotation.Project", models.CASCADE, related_name="+")
    annotator = models.ForeignKey("annotation.User", models.CASCADE, related_name="+", db_index=False)
    asks = models.BigIntegerField()
    """The queue: the id of the skill its tasks ask for, 0 for none; with the level they ask for."""
    asks_level = models.PositiveSmallIntegerField()
    rank = models.FloatField()
    """Minus the priority; with jitter and task id the place in the queue."""
    jitter = models.FloatField()
    task_id = models.BigIntegerField()
    epoch = models.BigIntegerField()
    """The queue's epoch that this was true for (WorkQueue)."""

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["annotator", "project", "asks", "asks_level"], name="work_cursor_once_a_queue"
            )
        ]


class WorkQueue(models.Model):
    """A number that grows whenever work appears at another place than the end of a project's queues.

    New tasks, reopened ones, a changed priority: the database counts them by triggers, so no caller can forget.
    """

    project = models.OneToOneField("annotation.Project", models.CASCADE, primary_key=True, related_name="+")
    epoch = models.BigIntegerField(default=0, db_default=0)
