"""Tasks that come before the queue: the one place where practice, gold or repeated tasks step in."""

from annotation.models import Project, Slot, User


def lease_special_slot(*, project: Project, annotator: User) -> Slot | None:
    """A slot of a special task, leased to this person now; None where the queue decides.

    Called for every acquire, before the queue and before the lease that the person may hold: it has to leave those
    alone (give None to whoever holds a live lease), and must cost nothing where the project has no special tasks.
    """
    return None
