"""Whether priority decides the order in which tasks are given out while many people work at once.

    python benchmarks/priority.py [--annotators 20] [--tasks 600]

On a database of its own: tasks with priorities of their own, annotators as threads who judge as fast as they can.
Prints Spearman's correlation of priority with the order of being given out, over all leases (wanted: above 0.95).
"""

import argparse
import json
import sys
import threading
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).resolve().parent))

from acquire import join
from own_database import fill_project, own_database

WANTED = 3


def work(project: Any, person: Any, served: list[tuple[int, float]], numbers: "count[int]") -> None:
    """Judges until nothing is left and notes when which priority came."""
    from django.db import connection

    from annotation.services.judgments import submit_judgment
    from annotation.services.slots import Lease, acquire_task

    while isinstance(lease := acquire_task(project=project, annotator=person), Lease):
        served.append((next(numbers), lease.task.priority))
        submit_judgment(
            annotator=person,
            task_id=lease.task.pk,
            lease_token=lease.token,
            answer={"tiers": [[key] for key in lease.shown_order]},
            idempotency_key=uuid4().hex,
        )
    connection.close()


def rank_correlation(served: list[tuple[int, float]]) -> float:
    """Spearman's coefficient of descending priority with the order of service; ties get mean ranks."""
    import numpy as np

    order = np.array([number for number, _ in served], dtype=float)
    priority = -np.array([value for _, value in served])
    _, inverse, counts = np.unique(priority, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return float(np.corrcoef(ranks, order.argsort().argsort())[0, 1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--annotators", type=int, default=20)
    parser.add_argument("--tasks", type=int, default=600)
    given = parser.parse_args()
    with own_database():
        from annotation.models import Project, Task

        project = Project.objects.get(pk=fill_project("priority", tasks=given.tasks, wanted=WANTED))
        for task in Task.objects.filter(project=project):
            Task.objects.filter(pk=task.pk).update(priority=task.pk * 7919 % 100_003)
        served: list[tuple[int, float]] = []
        numbers = count()
        threads = [
            threading.Thread(target=work, args=(project, join(project, f"p{number}"), served, numbers))
            for number in range(given.annotators)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        line = {"annotators": given.annotators, "leases": len(served), "spearman": round(rank_correlation(served), 4)}
        print(json.dumps(line))


if __name__ == "__main__":
    main()
