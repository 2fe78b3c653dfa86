"""`manage.py lineage MODEL_VERSION`."""

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotation.exceptions import NotFound
from trainingruns.selectors.lineage import LineageNode, lineage
from trainingruns.selectors.registry import find_version

SHOWN_IDS = 12


class Command(BaseCommand):
    help = "Walks back from a model to the judgments, people and guidelines that it was made from."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("version", metavar="MODEL_VERSION", help="NAME/NUMBER, NAME (its champion) or an id")
        parser.add_argument("--json", action="store_true", help="print the whole tree for machines")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            root = lineage(version=find_version(reference=options["version"]))
        except NotFound as error:
            raise CommandError(error.message) from error
        self.stdout.write(json.dumps(root.as_dict()) if options["json"] else "\n".join(_lines(root, 0)))


def _lines(node: LineageNode, depth: int) -> Iterator[str]:
    yield f"{'  ' * depth}{node.role}: {node.title}{_details(node.facts)}"
    for each in node.made_from:
        yield from _lines(each, depth + 1)


def _details(facts: dict[str, Any]) -> str:
    parts = []
    if facts.get("stage"):
        parts.append(facts["stage"])
    if facts.get("sha256"):
        parts.append(f"sha256 {facts['sha256']}")
    if "annotators" in facts:
        parts += _people_and_ids(facts)
    return f" ({'; '.join(parts)})" if parts else ""


def _people_and_ids(facts: dict[str, Any]) -> Iterator[str]:
    people, ids = facts["annotators"], facts["judgment_ids"]
    versions = ", ".join(map(str, facts["guideline_versions"]))
    yield f"{len(ids)} judgments: {', '.join(map(str, ids[:SHOWN_IDS]))}{' …' if len(ids) > SHOWN_IDS else ''}"
    yield f"{len(people)} annotators: {', '.join(people[:SHOWN_IDS])}{' …' if len(people) > SHOWN_IDS else ''}"
    yield f"guideline version {versions}"
    if facts["simulated_annotators"]:
        yield f"{facts['simulated_annotators']} of the annotators are SIMULATED"
