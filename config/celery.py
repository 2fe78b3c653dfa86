"""The Celery app: jobs are found in every app's `jobs.py`; settings come from Django under the prefix CELERY_."""

import os
import warnings

from celery import Celery
from celery.exceptions import SecurityWarning
from celery.signals import celeryd_init

from config.background import step_back
from config.parent_death import end_after_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

# It warns that root's worker could be made to run foreign code by a pickled message; ours takes JSON only.
warnings.filterwarnings("ignore", category=SecurityWarning)

app = Celery("concord")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["annotation", "trainingruns"], related_name="jobs")

# A worker that is told to stop waits for the job in hand, and that may wait for a database that has gone with the
# supervisor. Then there is nobody left to end it by force.
celeryd_init.connect(lambda **_: end_after_parent(grace_seconds=10.0), weak=False)


@celeryd_init.connect
def give_way(sender: str, **_: object) -> None:
    """The worker of short jobs steps back. That of runs only waits for trainers, which do so by themselves.

    Threads take over the niceness of the one that starts them, so it is set before there are any.
    """
    if not sender.startswith("gpu@"):
        step_back()
