from django.db import models


class AuditEvent(models.Model):
    """Who did what to which row, when, from where. Append-only; the database refuses UPDATE and DELETE."""

    at = models.DateTimeField(auto_now_add=True)
    actor = models.ForeignKey("annotation.User", models.PROTECT, null=True, related_name="+")
    """Null: the product itself."""
    action = models.CharField(max_length=60)
    """verb of the service, for instance `submit_judgment`."""
    object_type = models.CharField(max_length=40)
    object_id = models.CharField(max_length=64)
    project_id = models.BigIntegerField(null=True, db_index=True)
    """No foreign key: the record outlives the project."""
    data = models.JSONField(default=dict)
    address = models.GenericIPAddressField(null=True)

    class Meta:
        ordering = ["-id"]
