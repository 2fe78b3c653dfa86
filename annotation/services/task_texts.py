"""The words of tasks, filled in behind the imports."""

from collections import defaultdict

import orjson
from django.db import connection, transaction

from annotation.models import Task, TaskResponse, TaskText
from annotation.words import index_words

TASKS_AT_ONCE = 500
STORE = """
UPDATE annotation_tasktext t SET words = array_to_tsvector(ARRAY(SELECT jsonb_array_elements_text(v.value)))
FROM jsonb_each(%s::jsonb) v WHERE t.task_id = v.key::bigint
"""


def index_task_texts(*, limit: int = 20_000) -> int:
    """Makes up to `limit` tasks findable by their text and tells how many; safe to run beside itself."""
    done = 0
    while done < limit:
        count = _index_some(min(TASKS_AT_ONCE, limit - done))
        if not count:
            break
        done += count
    return done


@transaction.atomic
def _index_some(count: int) -> int:
    waiting = TaskText.objects.select_for_update(skip_locked=True).filter(words=None).order_by("task")
    ids = list(waiting.values_list("task_id", flat=True)[:count])
    words = {task_id: index_words(texts) for task_id, texts in _texts_of(ids).items()}
    with connection.cursor() as cursor:
        cursor.execute(STORE, [orjson.dumps(words, option=orjson.OPT_NON_STR_KEYS).decode()])
    return len(ids)


def _texts_of(ids: list[int]) -> dict[int, list[str]]:
    """Prompt and responses of each task."""
    texts: dict[int, list[str]] = defaultdict(list)
    for task_id, messages in Task.objects.filter(pk__in=ids).values_list("pk", "prompt__messages"):
        texts[task_id] += [str(message.get("content", "")) for message in messages]
    rows = TaskResponse.objects.filter(task__in=ids)
    for task_id, text in rows.values_list("task_id", "response__text"):
        texts[task_id].append(text)
    return texts
