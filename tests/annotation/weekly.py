"""A project that was judged over several weeks, for tests of trends, pairs and people."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from annotation.kinds.registry import parse_answer
from annotation.models import Judgment, Project, Task, User
from annotation.services.judgment_rows import build_judgment, load_sheet, save_judgment
from tests.factories import make_task, make_user, ranking

MONDAY = datetime(2026, 2, 2, 9, tzinfo=UTC)


def judge_at(task: Task, user: User, answer: dict[str, Any], moment: datetime) -> Judgment:
    """A judgment of some time ago."""
    sheet = load_sheet(task)
    checked = parse_answer(task.kind, answer, response_keys=list(sheet.response_ids), criteria=None)
    judgment = build_judgment(checked, project=task.project, task=task, annotator=user)
    judgment.created_at = moment
    return save_judgment(judgment, checked, sheet)


def judge_weeks(project: Project, *, people: int = 4, weeks: int = 3, tasks: int = 12) -> list[User]:
    """So many tasks a week, the last week only three; everybody judges all, some more like the truth than others."""
    random, crowd = Random(5), [make_user() for _ in range(people)]
    for week in range(weeks):
        for number in range(3 if week == weeks - 1 else tasks):
            task = make_task(project)
            truth = random.random() < 0.5
            for place, user in enumerate(crowd):
                right = random.random() < 0.95 - 0.1 * place
                moment = MONDAY + timedelta(days=7 * week, hours=number)
                judge_at(task, user, ranking(*("ab" if truth == right else "ba"), active_ms=9_000), moment)
    return crowd
