"""What data health reads: texts as a stream, and counts by name."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connection
from django.db.models import Count

from annotation.data_health.check import Row
from annotation.data_health.diversity import MOST_PROMPTS
from annotation.data_health.texts import ResponseText
from annotation.models import Flag, Project, Prompt, Response, Task, TaskResponse

CHUNK = 1000


def stream_prompts(*, project: Project) -> Iterator[tuple[int, str]]:
    """(id, text of all messages) of each prompt, in the order of ids."""
    rows = Prompt.objects.filter(project=project).order_by("id").values_list("id", "messages")
    for pk, messages in rows.iterator(chunk_size=CHUNK):
        yield pk, "\n".join(str(message.get("content", "")) for message in messages)


def sample_prompts(*, project: Project) -> list[str]:
    """Up to MOST_PROMPTS texts, evenly over the ids: the same project gives the same sample."""
    total = Prompt.objects.filter(project=project).count()
    step = max(1, -(-total // MOST_PROMPTS))
    return [text for number, (_, text) in enumerate(stream_prompts(project=project)) if number % step == 0]


def stream_responses(*, project: Project) -> Iterator[ResponseText]:
    """Each response with the last message of its prompt, prompt by prompt."""
    rows = (
        Response.objects.filter(prompt__project=project)
        .order_by("prompt_id", "id")
        .values_list("id", "prompt_id", "text", "sampling__finish_reason", "prompt__messages")
    )
    for pk, prompt, text, reason, messages in rows.iterator(chunk_size=CHUNK):
        asked = str(messages[-1].get("content", "")) if messages else ""
        yield ResponseText(pk, prompt, text, reason if isinstance(reason, str) else None, asked)


def count_tags(*, project: Project) -> tuple[dict[str, int], int]:
    """Prompts by tag, and how many have none."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tag, count(*) FROM annotation_prompt p, jsonb_array_elements_text(p.tags) AS t(tag) "
            "WHERE p.project_id = %s GROUP BY tag",
            [project.pk],
        )
        counts = dict(cursor.fetchall())
    return counts, Prompt.objects.filter(project=project, tags=[]).count()


def count_sources(*, project: Project) -> tuple[dict[str, int], int]:
    """Responses by source, and how many have none."""
    rows = Response.objects.filter(prompt__project=project).values_list("source").annotate(count=Count("id"))
    counts = dict(rows)
    return {name: count for name, count in counts.items() if name}, counts.get("", 0)


def flagged_tasks(*, project: Project) -> list[int]:
    """Tasks with a flag that nobody has settled."""
    rows = Flag.objects.filter(task__project=project, resolved_at__isnull=True).values_list("task_id", flat=True)
    return sorted(set(rows))


# At least half of those who ranked a task placed all that they ranked below the line.
ALL_BAD = """
SELECT j.task_id FROM annotation_judgment j JOIN annotation_task t ON t.id = j.task_id AND t.purpose = 'normal'
WHERE j.project_id = %s AND j.is_current AND j.kind = 'ranking'
GROUP BY j.task_id
HAVING 2 * count(*) FILTER (
    WHERE jsonb_array_length(j.bad) > 0
      AND jsonb_array_length(j.bad) = (SELECT sum(jsonb_array_length(tier)) FROM jsonb_array_elements(j.tiers) x(tier))
) >= count(*)
ORDER BY j.task_id
"""


def all_bad_tasks(*, project: Project) -> list[int]:
    """Tasks none of whose responses is of use, by at least half of those who ranked them."""
    with connection.cursor() as cursor:
        cursor.execute(ALL_BAD, [project.pk])
        return [row[0] for row in cursor.fetchall()]


def count_tasks(*, project: Project) -> int:
    """Tasks that people judge for their own sake."""
    return Task.objects.filter(project=project, purpose=Task.Purpose.NORMAL).count()


def locate_rows(*, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The rows with the id of a task that shows each, None where no task does, and a name that people know."""
    by_kind: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        by_kind[row["kind"]].append(row["id"])
    tasks: dict[tuple[str, int], int] = {("task", pk): pk for pk in by_kind["task"]}
    for prompt, task in Task.objects.filter(prompt__in=by_kind["prompt"]).order_by("-id").values_list("prompt", "id"):
        tasks["prompt", prompt] = task
    places = TaskResponse.objects.filter(response__in=by_kind["response"]).order_by("-task_id")
    for response, task in places.values_list("response", "task"):
        tasks["response", response] = task
    names = _name_rows(by_kind)
    return [
        {**row, "task": tasks.get((row["kind"], row["id"])), "name": names.get((row["kind"], row["id"]), "")}
        for row in rows
    ]


def _name_rows(by_kind: dict[str, list[int]]) -> dict[tuple[str, int], str]:
    names: dict[tuple[str, int], str] = {}
    for pk, name in Task.objects.filter(pk__in=by_kind["task"]).values_list("id", "external_id"):
        names["task", pk] = name
    for pk, name in Prompt.objects.filter(pk__in=by_kind["prompt"]).values_list("id", "external_id"):
        names["prompt", pk] = name
    found = Response.objects.filter(pk__in=by_kind["response"]).values_list("id", "prompt__external_id", "key")
    for pk, prompt, key in found:
        names["response", pk] = f"{prompt} / {key}"
    return names
