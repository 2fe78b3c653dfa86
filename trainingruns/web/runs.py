"""One run: its page, the part of it that moves, and the orders to it."""

import hashlib
from contextlib import suppress

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from annotation.exceptions import ApplicationError, Conflict
from annotation.permissions import Role
from annotation.web.edge import page, person, project_context
from trainingruns.config_text import config_file, config_settings
from trainingruns.models import Run
from trainingruns.selectors import runs as selectors
from trainingruns.services.previews import start_preview, start_previewed
from trainingruns.services.resuming import resume_run
from trainingruns.services.runs import cancel_run
from trainingruns.web.forms import PreviewForm
from trainingruns.web.run_view import live_context


@page()
def show_run(request: HttpRequest, run_id: int) -> HttpResponse:
    """The run's page."""
    run = selectors.get_run(user=person(request), run_id=run_id)
    context = project_context(
        request,
        run.project,
        "models",
        seen=fingerprint(run),
        config_settings=config_settings(run.config),
        config_file=config_file(run.config),
        **live_context(run),
    )
    return render(request, "trainingruns/run.html", context)


@page()
def show_live(request: HttpRequest, run_id: int) -> HttpResponse:
    """The part that moves. A page that has seen this very state gets 204, which leaves it as it is."""
    run = selectors.get_run(user=person(request), run_id=run_id)
    seen = fingerprint(run)
    if request.GET.get("seen") == seen:
        return HttpResponse(status=204)
    context = project_context(request, run.project, "models", seen=seen, **live_context(run))
    return render(request, "trainingruns/_run_live.html", context)


@page("POST")
def stop_run(request: HttpRequest, run_id: int) -> HttpResponse:
    """Stop and keep the checkpoint, or cancel and throw it away."""
    run = selectors.get_run(user=person(request), run_id=run_id, role=Role.MANAGER)
    # A run that ended in the meantime needs no order: its page shows how it ended.
    with suppress(Conflict):
        cancel_run(run=run, actor=person(request), keep_checkpoint=request.POST.get("keep") == "yes")
    return redirect("run", run_id=run.pk)


@page("POST")
def go_on(request: HttpRequest, run_id: int) -> HttpResponse:
    """Take a run up again at its checkpoint."""
    run = selectors.get_run(user=person(request), run_id=run_id, role=Role.MANAGER)
    try:
        resume_run(run=run, actor=person(request))
    except ApplicationError as error:
        messages.error(request, error.message)
    return redirect("run", run_id=run.pk)


@page("POST")
def preview(request: HttpRequest, run_id: int) -> HttpResponse:
    """Look at what a run makes of one sample."""
    run = selectors.get_run(user=person(request), run_id=run_id, role=Role.MANAGER)
    form = PreviewForm(request.POST)
    if not form.is_valid():
        messages.error(request, "The number of a sample is a whole number from 1.")
        return redirect("run", run_id=run.pk)
    try:
        run = start_preview(run=run, created_by=person(request), prompt=form.place())
    except ApplicationError as error:
        messages.error(request, error.message)
    return redirect("run", run_id=run.pk)


@page("POST")
def start_what_was_previewed(request: HttpRequest, run_id: int) -> HttpResponse:
    """Start the run that a preview was of."""
    run = selectors.get_run(user=person(request), run_id=run_id, role=Role.MANAGER)
    return redirect("run", run_id=start_previewed(run=run, created_by=person(request)).pk)


def fingerprint(run: Run) -> str:
    """Changes when there is something new to show; a mere sign of life of the trainer is not."""
    newest = run.metrics.order_by("-step").values_list("step", "at").first()
    facts = (
        run.state,
        run.reason,
        run.step,
        run.total_steps,
        run.checkpoint_step,
        run.cancel_requested_at,
        newest,
        run.samples.count(),
        run.status.get("phase"),
        run.status.get("message"),
        len(run.status.get("warnings") or ()),
        len(run.log_tail),
    )
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]
