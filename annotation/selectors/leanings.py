"""The consensus on a project's pairs of responses, for exports and snapshots."""

from datetime import datetime
from typing import Literal

from annotation.consensus.choices import ResponseFacts
from annotation.consensus.leanings import Leanings, find_leanings
from annotation.models import Project, Response
from annotation.selectors.choices import load_choices


def load_leanings(
    *,
    project: Project,
    prompts_by: Literal["id", "external_id"],
    since: datetime | None = None,
    exclude_simulated: bool = False,
    exclude_gold: bool = True,
) -> Leanings:
    """The consensus of the judgments that the filters leave.

    prompts_by: what names a prompt in look-ups, its row's id (as text) or the id that the importer gave.
    Memory: one entry a response of a ranking task, and one a pair; no texts.
    """
    choices = load_choices(
        project=project, since=since, exclude_simulated=exclude_simulated, exclude_gold=exclude_gold,
        with_unranked=True,
    )  # fmt: skip
    return find_leanings(choices, _name_texts(project, choices.facts, prompts_by))


def _name_texts(project: Project, facts: ResponseFacts, prompts_by: str) -> dict[tuple[str, str], int]:
    numbers = dict(zip(facts.response_id.tolist(), facts.text.tolist(), strict=True))
    rows = Response.objects.filter(prompt__project=project).values_list("id", "key", f"prompt__{prompts_by}")
    found = rows.iterator(chunk_size=5000)
    return {(str(prompt), key): numbers[pk] for pk, key, prompt in found if pk in numbers}
