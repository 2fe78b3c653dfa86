"""The record of who did what."""

from typing import Any

from django.db.models import Model

from annotation.models import AuditEvent, Project, User


def record(
    *,
    actor: User | None,
    action: str,
    obj: Model,
    project: Project | None = None,
    data: dict[str, Any] | None = None,
    address: str | None = None,
) -> AuditEvent:
    """Writes one audit event; call it inside the transaction of what it tells about.

    actor: None for the product itself. action: the verb of the service. data: small and free of personal details.
    """
    return AuditEvent.objects.create(
        actor=actor,
        action=action,
        object_type=obj._meta.model_name or "",
        object_id=str(obj.pk),
        project_id=project.pk if project is not None else None,
        data=data or {},
        address=address or None,
    )
