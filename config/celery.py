"""The Celery app: jobs are found in every app's `jobs.py`; settings come from Django under the prefix CELERY_."""

import os
import warnings

from celery import Celery
from celery.exceptions import SecurityWarning

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

# It warns that root's worker could be made to run foreign code by a pickled message; ours takes JSON only.
warnings.filterwarnings("ignore", category=SecurityWarning)

app = Celery("concord")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["annotation", "trainingruns"], related_name="jobs")
