"""Tasks with known answers: their list, and the form that makes a task one of them."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from annotation.exceptions import ApplicationError, NotFound
from annotation.models import Task
from annotation.permissions import Role
from annotation.selectors.special_tasks import LISTED, PAGE_ROWS, count_special_tasks, special_tasks
from annotation.services.known_answers import set_purpose
from annotation.web.edge import address_of, open_project, page, person, project_context
from annotation.web.forms import add_faults
from annotation.web.ladders import letters_of
from annotation.web.quality_forms import PURPOSE_LABELS, PurposeForm, known_values

DIGITS = 18


@page()
def show_special_tasks(request: HttpRequest, slug: str) -> HttpResponse:
    """A page of gold, practice and test tasks."""
    project = open_project(request, slug, Role.MANAGER)
    purpose, after = request.GET.get("purpose", ""), request.GET.get("after", "")
    after_id = int(after) if after.isascii() and after.isdigit() and len(after) <= DIGITS else 0
    rows = special_tasks(project=project, purpose=purpose, after=after_id)
    context = project_context(
        request,
        project,
        "quality",
        tasks=rows[:PAGE_ROWS],
        after=rows[PAGE_ROWS - 1].pk if len(rows) > PAGE_ROWS else None,
        purpose=purpose,
        purposes=[(each.value, PURPOSE_LABELS[each]) for each in LISTED],
        counts=count_special_tasks(project=project),
    )
    return render(request, "annotation/special_tasks.html", context)


@page("GET", "POST")
def change_purpose(request: HttpRequest, slug: str, task_id: int) -> HttpResponse:
    """What a task is there for, with its known answer and explanation."""
    project = open_project(request, slug, Role.MANAGER)
    task = Task.objects.select_related("prompt", "project").filter(project=project, pk=task_id).first()
    if task is None:
        raise NotFound("There is no such task in this project.")
    responses = [row.response for row in task.task_responses.select_related("response")]
    keys = [response.key for response in responses]
    letters = letters_of(keys)
    form = PurposeForm(
        request.POST if request.method == "POST" else None,
        kind=task.kind,
        keys=keys,
        letters=letters,
        criteria=list(project.criteria.all()),
        initial=known_values(task, keys),
    )
    if request.method == "POST" and form.is_valid() and _save(request, task, form):
        return redirect("task", slug=slug, task_id=task_id)
    context = project_context(
        request, project, "quality", form=form, task=task, responses=[(letters[each.key], each) for each in responses]
    )
    return render(request, "annotation/task_purpose.html", context, status=400 if form.errors else 200)


def _save(request: HttpRequest, task: Task, form: PurposeForm) -> bool:
    purpose = form.cleaned_data["purpose"]
    is_normal = purpose == Task.Purpose.NORMAL
    try:
        set_purpose(
            task=task,
            purpose=purpose,
            actor=person(request),
            answer=None if is_normal else form.answer(),
            explanation=None if is_normal else form.cleaned_data["explanation"],
            address=address_of(request),
        )
    except ApplicationError as error:
        add_faults(form, error)
        return False
    messages.success(request, f"The task is now {PURPOSE_LABELS[Task.Purpose(purpose)].split(':')[0].lower()}.")
    return True
