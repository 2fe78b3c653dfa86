from django.db import models


class Shortcut(models.Model):
    """A key that a person chose in place of the default. Both are codes from annotation.shortcuts, never free text."""

    user = models.ForeignKey("annotation.User", models.CASCADE, related_name="shortcuts")
    action = models.CharField(max_length=20)
    key = models.CharField(max_length=20)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "action"], name="shortcut_once_an_action"),
            models.UniqueConstraint(fields=["user", "key"], name="shortcut_once_a_key"),
        ]

    def __str__(self) -> str:
        return f"{self.key}: {self.action}"
