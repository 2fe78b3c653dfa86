"""`manage.py export SLUG --format F --out FILE`."""

import json
import os
import sys
import tempfile
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotation.exceptions import ApplicationError
from annotation.exports.formats import FORMATS
from annotation.exports.pair_formats import dataset_info
from annotation.exports.trl import DROPPED
from annotation.models import Project
from annotation.services.exporting import export_project


class Command(BaseCommand):
    help = "Exports a project's judgments as JSON Lines, streamed in constant memory."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", metavar="SLUG")
        formats = "; ".join(f"{each.name}: {each.description}" for each in FORMATS.values())
        parser.add_argument("--format", required=True, choices=sorted(FORMATS), help=formats)
        parser.add_argument(
            "--view",
            default="judgments",
            help="judgments (default); majority: more than half of those who compared, where a snapshot's majority is "
            "more votes for one side than for the other; consensus; verdicts",
        )
        parser.add_argument("--out", required=True, metavar="FILE", help="- writes to standard output")
        parser.add_argument("--exclude-simulated", action="store_true", help="leave out simulated annotators")
        parser.add_argument(
            "--exclude-gold",
            action="store_true",
            default=None,
            help="leave out gold tasks: all but concord do",
        )
        parser.add_argument(
            "--with-gold", action="store_false", dest="exclude_gold", help="take gold tasks, which test people, as well"
        )
        parser.add_argument("--since", metavar="TIME", help="judgments from this time on (ISO 8601 with zone)")
        parser.add_argument("--json", action="store_true", help="tell what was written as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise CommandError(f"There is no project {options['project']!r}.")
        dropped = Counter[str]()
        filters = {name: options[name] for name in ("exclude_simulated", "exclude_gold", "since")}
        try:
            lines = export_project(
                project=project,
                actor=None,
                format_name=options["format"],
                view=options["view"],
                filters=filters,
                dropped=dropped,
            )
        except ApplicationError as error:
            raise CommandError(error.message) from None
        rows = self._write(lines, options["out"])
        if options["format"] == "llama-factory" and options["out"] != "-":
            self._write_dataset_info(options["project"], Path(options["out"]))
        if options["out"] != "-":
            facts = {"rows": rows, "out": options["out"]}
            if FORMATS[options["format"]].makes_pairs:
                facts["dropped"] = dict(+dropped)
            self.stdout.write(json.dumps(facts) if options["json"] else f"{rows:,} rows")
        if left_out := "; ".join(f"{count:,} {DROPPED[reason]}" for reason, count in (+dropped).items()):
            many = "1 pair is" if dropped.total() == 1 else f"{dropped.total():,} pairs are"
            self.stderr.write(f"{many} left out: {left_out}.")

    def _write_dataset_info(self, name: str, out: Path) -> None:
        """LLaMA-Factory finds a dataset by its entry there; entries of other datasets stay."""
        path = out.with_name("dataset_info.json")
        try:
            known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
            entries = {**known, **dataset_info(name, out.name)}
            write_atomically(iter([json.dumps(entries, indent=2).encode()]), path)
        except (OSError, ValueError, TypeError) as error:
            raise CommandError(f"{out} is written, {path} could not be: {error}.") from None

    def _write(self, lines: Iterator[bytes], out: str) -> int:
        if out == "-":
            return write_to_stdout(lines)
        try:
            return write_atomically(lines, Path(out))
        except OSError as error:
            raise CommandError(f"{out} cannot be written: {error.strerror}. Nothing was left behind.") from None


def write_to_stdout(lines: Iterator[bytes]) -> int:
    """Writes all lines and tells how many. Raises: CommandError when the reader stops reading."""
    rows = 0
    try:
        for line in lines:
            sys.stdout.buffer.write(line)
            rows += 1
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # Python would complain once more while it flushes the closed pipe at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise CommandError(f"The reader closed the pipe after {rows:,} rows.") from None
    return rows


def write_atomically(lines: Iterator[bytes], target: Path) -> int:
    """Writes all lines or leaves the target as it was; tells how many."""
    rows = 0
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            for line in lines:
                stream.write(line)
                rows += 1
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(0o644)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return rows
