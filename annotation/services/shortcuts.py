"""A person's keys."""

from collections.abc import Mapping

from django.db import transaction

from annotation import shortcuts
from annotation.exceptions import ApplicationError
from annotation.kinds.faults import AnswerError
from annotation.models import Shortcut, User
from annotation.services import audit


@transaction.atomic
def set_shortcuts(*, user: User, wanted: Mapping[str, object], address: str | None = None) -> dict[str, str]:
    """Puts these keys in place of the person's earlier ones, and gives the whole {action: key}.

    wanted: {action: key}; what is left out gets its default again.
    Raises: ApplicationError naming each fault.
    """
    try:
        overrides = shortcuts.check(wanted)
    except AnswerError as error:
        raise ApplicationError(str(error), code="invalid_shortcut", extra={"faults": error.faults}) from None
    User.objects.select_for_update().get(pk=user.pk)  # two tabs change them one after the other
    Shortcut.objects.filter(user=user).delete()
    Shortcut.objects.bulk_create(Shortcut(user=user, action=action, key=key) for action, key in overrides.items())
    audit.record(actor=user, action="set_shortcuts", obj=user, data=overrides, address=address)
    return shortcuts.resolve(overrides)
