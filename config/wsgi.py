"""The site for a WSGI server."""

import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()
# Loads all views. Left to the first request of each process, it would keep that one and those beside it waiting for a
# second and more, on a busy machine.
get_resolver().url_patterns  # noqa: B018
