"""A person's keys."""

from annotation import shortcuts
from annotation.models import Shortcut, User


def my_shortcuts(*, user: User) -> dict[str, str]:
    """{action: key}, the defaults included."""
    return shortcuts.resolve(dict(Shortcut.objects.filter(user=user).values_list("action", "key")))
