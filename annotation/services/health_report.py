"""The section `data_health`: is the data clean, consistent, relevant, diverse and balanced?"""

from typing import Any

from annotation.data_health.balance import check_names, check_outcomes, check_positions
from annotation.data_health.check import Check, make_check, make_rows
from annotation.data_health.contradictions import check_contradictions
from annotation.data_health.diversity import check_diversity
from annotation.data_health.texts import check_prompts, check_responses
from annotation.models import FeedbackKind, Project
from annotation.selectors.choices import load_choices
from annotation.selectors.data_health import (
    all_bad_tasks,
    count_sources,
    count_tags,
    count_tasks,
    flagged_tasks,
    locate_rows,
    sample_prompts,
    stream_prompts,
    stream_responses,
)
from annotation.services.prompt_embeddings import find_embeddings

DIMENSIONS = ("clean", "consistent", "relevant", "diverse", "balanced")


def compute_data_health(*, project: Project) -> dict[str, Any]:
    """The report as it would be now: {"checks": [...]} by dimension. Asks for embeddings where there are none."""
    prompts, ledger = check_prompts(stream_prompts(project=project))
    total = len(ledger.pk) + len(ledger.empty)
    tags, untagged = count_tags(project=project)
    sources, unnamed = count_sources(project=project)
    checks = [
        *prompts,
        *check_responses(stream_responses(project=project)),
        *_relevance(project),
        *_diversity(project, total),
        check_names("domains", tags, missing=untagged, what="prompt"),
        check_names("sources", sources, missing=unnamed, what="response"),
    ]
    if project.kind == FeedbackKind.RANKING:
        choices = load_choices(project=project)
        checks += [*check_contradictions(choices), check_outcomes(choices), check_positions(choices)]
    checks.sort(key=lambda check: DIMENSIONS.index(check["dimension"]))
    return {"checks": [_locate(check) for check in checks]}


def _diversity(project: Project, total: int) -> list[Check]:
    texts = sample_prompts(project=project)
    if len(texts) < 2:
        return check_diversity(texts, total=total)
    known = find_embeddings(project=project, texts=texts)
    vectors = known.vectors
    embed = None if vectors is None else (lambda _: vectors)
    return check_diversity(texts, total=total, embed=embed, model=known.model, reason=known.reason)


def _relevance(project: Project) -> list[Check]:
    tasks = count_tasks(project=project)
    flagged, bad = flagged_tasks(project=project), all_bad_tasks(project=project)
    return [
        make_check("relevant", "flagged_tasks", len(flagged), of=tasks, rows=make_rows("task", flagged)),
        make_check("relevant", "tasks_without_a_good_response", len(bad), of=tasks, rows=make_rows("task", bad)),
    ]


def _locate(check: Check) -> dict[str, Any]:
    return {**check, "rows": locate_rows(rows=check["rows"])}
