import secrets

from django.contrib.auth.models import AbstractUser
from django.db import models


def new_pseudonym() -> str:
    """A public name that tells nothing about the person."""
    return f"anon-{secrets.token_hex(5)}"


class User(AbstractUser):
    """Somebody who judges, manages or calls the API."""

    class Origin(models.TextChoices):
        MEMBER = "member", "signed up or invited"
        IMPORTED = "imported", "made by an import; cannot sign in"
        SIMULATED = "simulated", "a simulated annotator; cannot sign in"

    pseudonym = models.CharField(max_length=64, unique=True, default=new_pseudonym)
    """Stands for the person in exports and reports."""
    origin = models.CharField(max_length=12, choices=Origin, default=Origin.MEMBER)

    class Meta(AbstractUser.Meta):
        db_table = "annotation_user"
        # Imported and simulated people hold judgments, not accounts.
        constraints = [
            models.CheckConstraint(
                condition=models.Q(origin="member") | models.Q(is_active=False), name="user_only_members_sign_in"
            )
        ]

    @property
    def is_simulated(self) -> bool:
        return self.origin == self.Origin.SIMULATED
