"""`manage.py quality SLUG`."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotation.models import Judgment, Project, User
from annotation.quality.card import QualityCard
from annotation.quality.pausing import reasons_to_pause
from annotation.quality.wilson import Share
from annotation.selectors.quality import quality_cards


class Command(BaseCommand):
    help = "How far each person's judgments can be trusted: gold, repeats, habits, pace, and reasons to pause."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", metavar="SLUG")
        parser.add_argument("--json", action="store_true", help="write a list of people as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise CommandError(f"There is no project {options['project']!r}.")
        judged = Judgment.objects.filter(project=project, is_imported=False).values("annotator")
        people = list(User.objects.filter(pk__in=judged).order_by("pk"))
        cards = quality_cards(project=project, people=[person.pk for person in people])
        told = [_tell(person, cards[person.pk], project) for person in people]
        if options["json"]:
            self.stdout.write(json.dumps(told))
            return
        for row in told:
            self.stdout.write(_line(row, cards))


def _tell(person: User, card: QualityCard, project: Project) -> dict[str, Any]:
    return {
        "annotator": person.pseudonym,
        "simulated": person.is_simulated,
        **card.as_mapping(),
        "reasons_to_pause": reasons_to_pause(card, wanted=project.pass_mark),
        "id": person.pk,
    }


def _line(row: dict[str, Any], cards: dict[int, QualityCard]) -> str:
    card = cards[row["id"]]
    parts = [f"{row['annotator']}: {card.judgments:,} judgments"]
    parts += [f"gold {_share(card.gold)}", f"repeats {_share(card.consistency)}"]
    return ", ".join(parts) + "".join(f"\n  {reason}" for reason in row["reasons_to_pause"])


def _share(share: Share) -> str:
    if share.value is None or share.low is None or share.high is None:
        return "none"
    return f"{share.value:.0%} ({share.low:.0%} to {share.high:.0%}, of {share.count})"
