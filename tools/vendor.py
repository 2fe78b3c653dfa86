"""Fetches the front-end files that we ship: `python tools/vendor.py` writes them, `--check` compares, `--lock` pins.

`static/vendor/vendor.json` names package, version, files and folder; `vendor.lock.json` beside it holds the sha512 of
each package. The files are committed, so nobody needs npm to run or test the product.
"""

import argparse
import base64
import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import TypedDict

ROOT = Path(__file__).resolve().parent.parent
LIST = ROOT / "static/vendor/vendor.json"
LOCK = ROOT / "static/vendor/vendor.lock.json"


class Package(TypedDict):
    """One line of vendor.json."""

    name: str
    version: str
    files: list[str]
    folder: str


def main() -> int:
    """Exit code 0 only if every file is there and is what the lock says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare the committed files, write nothing")
    parser.add_argument("--lock", action="store_true", help="write the digests of what npm gives into the lock file")
    arguments = parser.parse_args()
    packages: list[Package] = json.loads(LIST.read_text())
    locked: dict[str, str] = {} if arguments.lock or not LOCK.exists() else json.loads(LOCK.read_text())
    faults: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for package in packages:
            archive = _pack(package, Path(folder))
            label = f"{package['name']}@{package['version']}"
            digest = _sha512(archive)
            if arguments.lock:
                locked[label] = digest
            if locked.get(label) != digest:
                faults.append(f"{label}: the lock says {locked.get(label, 'nothing')}, npm gave {digest}")
                continue
            faults += _place(package, archive, check=arguments.check)
    if arguments.lock:
        LOCK.write_text(json.dumps(locked, indent=2, sort_keys=True) + "\n")
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


def _pack(package: Package, folder: Path) -> Path:
    command = ["npm", "pack", f"{package['name']}@{package['version']}", "--silent"]
    shown = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return folder / shown.stdout.strip().splitlines()[-1]


def _sha512(archive: Path) -> str:
    return "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()


def _place(package: Package, archive: Path, *, check: bool) -> list[str]:
    """Writes the wanted files, or with `check` tells which differ."""
    target = ROOT / package["folder"] / package["name"] / package["version"]
    faults = []
    with tarfile.open(archive) as tar:
        for name in package["files"]:
            member = tar.extractfile(f"package/{name}")
            if member is None:
                raise SystemExit(f"{package['name']} holds no file {name}")
            content, place = member.read(), target / name
            if not check:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(content)
            elif not place.exists() or place.read_bytes() != content:
                faults.append(f"{place.relative_to(ROOT)} differs from the package; run tools/vendor.py")
    return faults


if __name__ == "__main__":
    sys.exit(main())
