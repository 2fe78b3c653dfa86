"""The annotators that a file names -> people."""

from collections.abc import Iterable
from hashlib import sha256

from django.contrib.auth.hashers import make_password

from annotation.models import Project, User
from annotation.services.unchecked_keys import hold_parents

USERNAME_CHARACTERS = 150


class ImportedPeople:
    """Finds or makes the person behind each annotator name of a file.

    A name means a member of the project with that user name or pseudonym, else a person that an import into this
    project made under this name, else a new one who cannot sign in. It never means a stranger's account: otherwise a
    file could put words into anybody's mouth. The same name in two projects is two people.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._by_name: dict[str, User] = {}
        self._new = 0

    @property
    def count(self) -> int:
        """How many people the file named so far."""
        return len({user.pk for user in self._by_name.values()})

    @property
    def created(self) -> int:
        """How many of them were new."""
        return self._new

    def find(self, names: Iterable[str]) -> dict[str, User]:
        """The person of each name, who can't be deleted before the transaction ends; unknown ones are made."""
        missing = [name for name in dict.fromkeys(names) if name not in self._by_name]
        if missing:
            self._load(missing)
            self._create([name for name in missing if name not in self._by_name])
        return self._by_name

    def _load(self, names: list[str]) -> None:
        imported = {imported_username(self._project, name): name for name in names}
        for user in User.objects.filter(username__in=list(imported), origin=User.Origin.IMPORTED):
            self._by_name[imported[user.username]] = user
        members = User.objects.filter(memberships__project=self._project)
        for user in members.filter(pseudonym__in=names):
            self._by_name[user.pseudonym] = user
        for user in members.filter(username__in=names):
            self._by_name[user.username] = user
        hold_parents(User, [self._by_name[name].pk for name in names if name in self._by_name])

    def _create(self, names: list[str]) -> None:
        users = [
            User(
                username=imported_username(self._project, name),
                origin=User.Origin.IMPORTED,
                is_active=False,
                password=make_password(None),
            )
            for name in names
        ]
        User.objects.bulk_create(users, batch_size=5000)
        self._by_name |= dict(zip(names, users, strict=True))
        self._new += len(users)


def imported_username(project: Project, name: str) -> str:
    """The user name of a person whom an import made; the slash keeps it apart from every name one can sign up with."""
    username = f"imported/{project.pk}/{name}"
    if len(username) <= USERNAME_CHARACTERS:
        return username
    return f"imported/{project.pk}/{sha256(name.encode()).hexdigest()}"
