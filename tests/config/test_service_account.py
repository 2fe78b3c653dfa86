"""Where servers run and keep their data when root starts them and their user cannot pass everywhere."""

import os
from pathlib import Path

import pytest

from config import service_account
from config.service_account import Programs, ServiceAccount, ServiceError
from tests.running_site import let_others_pass

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the servers as another user")


@pytest.fixture
def shared(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for /var/lib/concord that the servers' user can reach."""
    folder = let_others_pass(tmp_path_factory.mktemp("shared"))
    monkeypatch.setattr(service_account, "SHARED_ROOT", folder / "concord")
    return folder / "concord"


@pytest.fixture
def account() -> ServiceAccount:
    return ServiceAccount.choose()


def make_programs(root: Path) -> Programs:
    for part in ("package/server/bin", "package.libs"):
        (root / part).mkdir(parents=True)
    binary = root / "package/server/bin/serve"
    binary.write_text("#!/bin/sh\nexit 0\n")
    binary.chmod(0o755)
    (root / "package.libs" / "library").write_text("needed")
    return Programs(root, ("package/server", "package.libs"), "package/server/bin/serve")


def test_root_never_runs_a_server_as_itself(account: ServiceAccount) -> None:
    assert account.name in ("postgres", "nobody")
    assert account.uid != 0


def test_programs_in_a_closed_folder_are_copied_once_with_what_belongs_to_them(
    shared: Path, account: ServiceAccount, tmp_path: Path
) -> None:
    tmp_path.chmod(0o700)
    programs = make_programs(tmp_path / "site-packages")
    first = account.reachable_root(programs)
    assert first.is_relative_to(shared)
    assert (first / "package.libs" / "library").read_text() == "needed"
    assert account.can("-x", first / programs.binary)
    assert account.reachable_root(programs) == first
    assert tmp_path.stat().st_mode & 0o777 == 0o700


def test_programs_in_an_open_folder_stay_where_they_are(shared: Path, account: ServiceAccount) -> None:
    programs = make_programs(shared.parent / "site-packages")
    assert account.reachable_root(programs) == programs.root


def test_data_of_a_checkout_that_was_made_anew_are_dropped(
    shared: Path, account: ServiceAccount, tmp_path: Path
) -> None:
    tmp_path.chmod(0o700)
    folder = tmp_path / "services"
    folder.mkdir()
    old = account.data_folder(folder)
    assert old.is_relative_to(shared)
    assert account.data_folder(folder) == old
    (folder / "data_location").unlink()
    new = account.data_folder(folder)
    assert new != old
    assert not old.exists()


def test_data_that_are_gone_are_not_replaced_by_empty_ones(
    shared: Path, account: ServiceAccount, tmp_path: Path
) -> None:
    tmp_path.chmod(0o700)
    account.data_folder(tmp_path).rmdir()
    with pytest.raises(ServiceError, match="is gone"):
        account.data_folder(tmp_path)
