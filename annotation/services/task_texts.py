"""The words of tasks, filled in behind the imports."""

from collections.abc import Iterator

import orjson
from django.db import connection, transaction

from annotation.models import TaskText
from annotation.words import index_words

TASKS_AT_ONCE = 500
TASKS_A_RUN = 2500
"""Beat calls every 5 s, so a large import becomes findable by half a second of work in five, and people judge
meanwhile."""
# Looked up one by one. Right after an import nobody has counted the rows, and the planner would join whole tables.
READ = """
SELECT t.id,
    (SELECT p.messages FROM annotation_task k JOIN annotation_prompt p ON p.id = k.prompt_id WHERE k.id = t.id),
    ARRAY(SELECT (SELECT e.text FROM annotation_response e WHERE e.id = r.response_id)
          FROM annotation_taskresponse r WHERE r.task_id = t.id)
FROM unnest(%s::bigint[]) t(id)
"""
STORE = """
UPDATE annotation_tasktext t SET words = array_to_tsvector(ARRAY(SELECT jsonb_array_elements_text(v.value)))
FROM jsonb_each(%s::jsonb) v WHERE t.task_id = v.key::bigint
"""


def index_task_texts(*, limit: int = TASKS_A_RUN) -> int:
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
    words = {task_id: index_words(texts) for task_id, texts in _texts_of(ids)}
    with connection.cursor() as cursor:
        cursor.execute(STORE, [orjson.dumps(words, option=orjson.OPT_NON_STR_KEYS).decode()])
    return len(ids)


def _texts_of(ids: list[int]) -> Iterator[tuple[int, list[str]]]:
    """Prompt and responses of each task."""
    with connection.cursor() as cursor:
        cursor.execute(READ, [ids])
        for task_id, messages, responses in cursor.fetchall():
            yield task_id, [str(message.get("content", "")) for message in orjson.loads(messages)] + responses
