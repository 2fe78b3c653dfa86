"""Leases that a manager ends for somebody else."""

from django.db import transaction

from annotation.exceptions import Conflict, NotFound
from annotation.models import Project, Slot, User
from annotation.permissions import Role, require_role
from annotation.services import audit


@transaction.atomic
def end_lease(*, project: Project, slot_id: int, actor: User, address: str | None = None) -> Slot:
    """Frees a leased slot as if its time had run out: its last holder may still submit while nobody else took it.

    Raises: NotFound; NotPermitted; Conflict(code="not_leased") when nobody holds it any more.
    """
    require_role(user=actor, project=project, role=Role.MANAGER)
    slot = Slot.objects.select_for_update().filter(project=project, pk=slot_id).first()
    if slot is None:
        raise NotFound("There is no such lease in this project.")
    if slot.state != Slot.State.LEASED:
        raise Conflict("Nobody holds this task any more.", code="not_leased", extra={"state": slot.state})
    holder = slot.annotator_id
    slot.state, slot.last_annotator_id, slot.annotator_id = Slot.State.FREE, holder, None
    slot.lease_expires_at = slot.heartbeat_at = None
    slot.save(update_fields=["state", "last_annotator", "annotator", "lease_expires_at", "heartbeat_at"])
    audit.record(
        actor=actor,
        action="end_lease",
        obj=slot,
        project=project,
        data={"task": slot.task_id, "holder": holder},
        address=address,
    )
    return slot
