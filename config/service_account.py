"""Under which user the embedded servers run, and where that user can reach their binaries and data.

Postgres refuses to run as root, so root starts it as `postgres` or `nobody`. Where that user cannot reach the
checkout, binaries and data are kept under /var/lib/concord instead; permissions of parent folders stay as they are.
"""

import hashlib
import os
import pwd
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SHARED_ROOT = Path("/var/lib/concord")


class ServiceError(RuntimeError):
    """An embedded service cannot run; the message says what to do."""


@dataclass(frozen=True)
class Programs:
    """Programs on disk: the folders `parts` under `root` belong together, `binary` is the server among them."""

    root: Path
    parts: tuple[str, ...]
    binary: str


@dataclass(frozen=True)
class ServiceAccount:
    """The user that owns a server process; `uid` is None when it is simply ours."""

    name: str
    uid: int | None = None
    gid: int | None = None

    @classmethod
    def choose(cls) -> "ServiceAccount":
        """Ourselves as an ordinary user; `postgres` or else `nobody` as root."""
        if os.geteuid() != 0:
            return cls(name=str(os.geteuid()))
        for name in ("postgres", "nobody"):
            try:
                entry = pwd.getpwnam(name)
            except KeyError:
                continue
            return cls(name=name, uid=entry.pw_uid, gid=entry.pw_gid)
        raise ServiceError(
            "Postgres does not run as root and this machine has neither a user 'postgres' nor 'nobody'. "
            "Start the site as an ordinary user, or set DATABASE_URL to a Postgres of your own."
        )

    def process_options(self) -> dict[str, Any]:
        """Arguments for subprocess that start a child as this user, outside of any folder it may not enter."""
        if self.uid is None:
            return {"cwd": "/"}
        return {"cwd": "/", "user": self.uid, "group": self.gid, "extra_groups": []}

    def give(self, path: Path) -> None:
        """Makes this user the owner of a file or folder (not of what is in it)."""
        if self.uid is not None:
            os.chown(path, self.uid, self.gid or -1)

    def can(self, test: str, path: Path) -> bool:
        """Whether this user passes `test -r|-w|-x` on a path, tried for real as that user."""
        return subprocess.run(["test", test, str(path)], check=False, **self.process_options()).returncode == 0

    def reachable_root(self, programs: Programs) -> Path:
        """The root of `programs` where this user can run them, else that of a copy under /var/lib/concord."""
        if self.uid is None or self.can("-x", programs.root / programs.binary):
            return programs.root
        stamp = (programs.root / programs.binary).stat()
        digest = hashlib.sha256(f"{programs}:{stamp.st_size}:{stamp.st_mtime_ns}".encode()).hexdigest()[:16]
        copy = _shared_folder() / f"binaries-{digest}"
        if not copy.exists():
            _drop_orphans()
            _copy_whole(programs, copy)
        if not self.can("-x", copy / programs.binary):
            raise ServiceError(
                f"User {self.name} cannot run {copy / programs.binary}; is {SHARED_ROOT} mounted noexec?"
            )
        return copy

    def data_folder(self, folder: Path) -> Path:
        """Where the server's data lie: `folder/data`, or a folder of its own under /var/lib/concord.

        The choice is written down in `folder/data_location`, so that data never seem to vanish.
        Raises: ServiceError when the place written down cannot be reached any more.
        """
        note = folder / "data_location"
        if note.exists():
            return self._known_data(Path(note.read_text(encoding="utf-8").strip()))
        place = folder / "data"
        place.mkdir(mode=0o700, exist_ok=True)
        self.give(place)
        if self.uid is not None and not self.can("-w", place):
            place.rmdir()
            place = self._shared_data(folder)
        note.write_text(f"{place}\n", encoding="utf-8")
        return place

    def _known_data(self, place: Path) -> Path:
        if not place.is_dir():
            raise ServiceError(f"The data folder {place} is gone. To start afresh, remove {_service_files_hint()}.")
        if not self.can("-w", place):
            raise ServiceError(
                f"User {self.name} cannot write to the data folder {place}. Start the site as the user who started it "
                "first, or make the folders above it accessible (chmod o+x)."
            )
        return place

    def _shared_data(self, folder: Path) -> Path:
        _drop_orphans()
        home = _shared_folder() / f"data-{secrets.token_hex(8)}"
        home.mkdir(mode=0o755)
        (home / "origin").write_text(f"{folder}\n", encoding="utf-8")
        place = home / "data"
        place.mkdir(mode=0o700)
        self.give(place)
        return place


def _service_files_hint() -> str:
    return "the service's folder under var/services"


def _shared_folder() -> Path:
    SHARED_ROOT.mkdir(mode=0o755, parents=True, exist_ok=True)
    return SHARED_ROOT


def _copy_whole(programs: Programs, copy: Path) -> None:
    # Renamed when complete: a copy that was cut short is never taken for a whole one.
    fresh = copy.with_name(f".{copy.name}-{os.getpid()}")
    fresh.mkdir(mode=0o755)
    for part in programs.parts:
        shutil.copytree(programs.root / part, fresh / part, symlinks=True)
    # The umask may have closed the folders that the copy made above the parts.
    for folder, _, _ in os.walk(fresh):
        Path(folder).chmod(0o755)
    (fresh / "origin").write_text(f"{programs.root}\n", encoding="utf-8")
    try:
        fresh.rename(copy)
    except OSError:
        # Another start was first; its copy is the same.
        shutil.rmtree(fresh)


def _drop_orphans() -> None:
    """Removes copies and data whose checkout is gone or was made anew."""
    for home in _shared_folder().iterdir():
        try:
            origin = Path((home / "origin").read_text(encoding="utf-8").strip())
        except OSError:
            continue
        note = origin / "data_location"
        if home.name.startswith("binaries-") and not origin.exists():
            shutil.rmtree(home, ignore_errors=True)
        if home.name.startswith("data-") and (not note.exists() or note.read_text().strip() != str(home / "data")):
            shutil.rmtree(home, ignore_errors=True)
