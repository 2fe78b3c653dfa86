from django.db import models
from django.db.models import Q
from django.utils import timezone

from annotation.models.project import Membership


class Invitation(models.Model):
    """A link that makes whoever opens it a member of a project. Only a SHA-256 digest of its token is stored."""

    project = models.ForeignKey("annotation.Project", models.CASCADE, related_name="invitations")
    role = models.CharField(max_length=10, choices=Membership.Role)
    label = models.CharField(max_length=100, blank=True)
    """Whom it was made for, in the manager's words."""
    prefix = models.CharField(max_length=12)
    """The beginning of the token, to know the link again."""
    digest = models.CharField(max_length=64, unique=True)
    most_uses = models.PositiveSmallIntegerField(default=1)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey("annotation.User", models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(most_uses__range=(1, 1000)), name="invitation_uses_in_range"),
        ]

    @property
    def is_expired(self) -> bool:
        return self.expires_at <= timezone.now()

    def __str__(self) -> str:
        return f"{self.prefix}… ({self.label or self.role})"


class InvitationUse(models.Model):
    """Somebody who joined by an invitation."""

    invitation = models.ForeignKey(Invitation, models.CASCADE, related_name="uses")
    user = models.ForeignKey("annotation.User", models.CASCADE, related_name="+")
    used_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["invitation", "user"], name="invitation_once_a_person")]
