"""The tasks of a project: a table that holds a hundred thousand, and one task with all that was said about it."""
from django.http import HttpRequest, HttpResponse
from annotation.web.edge import page

@page()
def show_tasks(request: HttpRequest, slug: str) -> HttpResponse:
    raise NotImplementedError

@page()
def show_task(request: HttpRequest, slug: str, task_id: int) -> HttpResponse:
    raise NotImplementedError
