"""Quality control for managers: people's cards, proposals to pause, the settings."""

from django.contrib import messages
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from annotation.exceptions import ApplicationError
from annotation.models import Judgment, Membership, Pause, Project, QualificationAttempt, User
from annotation.permissions import Role
from annotation.quality.card import QualityCard
from annotation.selectors.agreement_details import load_pairs_of_people
from annotation.selectors.pauses import open_pauses, pauses_of
from annotation.selectors.person_figures import figures_of
from annotation.selectors.quality import quality_cards
from annotation.selectors.special_tasks import count_special_tasks
from annotation.services.pauses import decide_pause, lift_pause, pause_person
from annotation.web.agreement_view import name_criterion
from annotation.web.edge import address_of, open_project, page, person, project_context
from annotation.web.pair_matrix import Partner, rank_partners
from annotation.web.person_figures import COLUMNS, show_share_of
from annotation.web.quality_forms import QualityForm
from annotation.web.settings_form import save_settings

PAGE_ROWS = 25
SHOWN_PARTNERS = 5
SHOWN_SHARES = ("agreement", "accuracy", "position", "length")
"""Of a person's figures; gold and repeats are on the card already."""
MOST_PROPOSALS = 50


@page()
def show_quality(request: HttpRequest, slug: str) -> HttpResponse:
    """What waits for a decision, and a page of people with their figures."""
    project = open_project(request, slug, Role.REVIEWER)
    members = Membership.objects.filter(project=project).select_related("user").order_by("user__username")
    members = members.filter(user__username__gt=request.GET.get("after", "").replace("\0", ""))
    rows = list(members[: PAGE_ROWS + 1])
    context = project_context(
        request,
        project,
        "quality",
        rows=_with_cards(project, [member.user for member in rows[:PAGE_ROWS]]),
        after=rows[PAGE_ROWS - 1].user.username if len(rows) > PAGE_ROWS else "",
        pauses=list(open_pauses(project=project)[:MOST_PROPOSALS]),
        counts=count_special_tasks(project=project),
    )
    return render(request, "annotation/quality.html", context)


def _with_cards(project: Project, people: list[User]) -> list[tuple[User, QualityCard]]:
    cards = quality_cards(project=project, people=[user.pk for user in people])
    return [(user, cards[user.pk]) for user in people]


@page()
def show_person(request: HttpRequest, slug: str, user_id: int) -> HttpResponse:
    """One person's card with all that was proposed and decided."""
    project = open_project(request, slug, Role.REVIEWER)
    user = _person(project, user_id)
    card = quality_cards(project=project, people=[user.pk])[user.pk]
    figures = figures_of(project=project, person=user.pk)
    attempts = QualificationAttempt.objects.filter(project=project, person=user).order_by("number")
    pauses = list(pauses_of(project=project, person=user))
    context = project_context(
        request,
        project,
        "quality",
        who=user,
        is_member=Membership.objects.filter(project=project, user=user).exists(),
        figures=figures,
        shares=[(COLUMNS[name], *show_share_of(figures, name)) for name in SHOWN_SHARES] if figures else [],
        partners=_partners(project, user),
        card=card,
        # A card leaves out imported judgments; of who has no others the report knows the times that came with them.
        median_active_ms=card.median_active_ms if card.judgments or not figures else figures["median_active_ms"],
        attempts=attempts,
        pauses=pauses,
        standing=next((pause for pause in pauses if pause.state in ("proposed", "accepted")), None),
    )
    return render(request, "annotation/quality_person.html", context)


@page("POST")
def decide(request: HttpRequest, slug: str, user_id: int) -> HttpResponse:
    """Accepts or dismisses what was proposed, ends a pause, or begins one."""
    project = open_project(request, slug, Role.MANAGER)
    user = _member(project, user_id)
    decision, note = request.POST.get("decision", ""), request.POST.get("note", "")
    try:
        messages.success(request, _carry_out(request, project, user, decision, note))
    except ApplicationError as error:
        messages.error(request, error.message)
    return redirect("quality_person", slug=slug, user_id=user_id)


def _carry_out(request: HttpRequest, project: Project, user: User, decision: str, note: str) -> str:
    actor, address = person(request), address_of(request)
    if decision == "pause":
        pause_person(project=project, person=user, actor=actor, note=note, address=address)
        return f"{user.username} is paused and gets no work in this project."
    state = Pause.State.ACCEPTED if decision == "lift" else Pause.State.PROPOSED
    pause = Pause.objects.filter(project=project, person=user, state=state).first()
    if pause is None or decision not in ("accept", "dismiss", "lift"):
        raise ApplicationError("There is nothing to decide here any more; this is how it stands now.")
    if decision == "lift":
        lift_pause(pause=pause, actor=actor, note=note, address=address)
        return f"{user.username} gets work again."
    decide_pause(pause=pause, actor=actor, accept=decision == "accept", note=note, address=address)
    if decision == "accept":
        return f"{user.username} is paused."
    return "Dismissed; it is proposed again only with more work to go by."


def _person(project: Project, user_id: int) -> User:
    """A member, or somebody whose judgments were imported or simulated."""
    judged = Exists(Judgment.objects.filter(project=project, annotator=OuterRef("pk")))
    member = Exists(Membership.objects.filter(project=project, user=OuterRef("pk")))
    return get_object_or_404(User.objects.filter(judged | member), pk=user_id)


def _partners(project: Project, user: User) -> list[tuple[str, list[Partner], list[Partner]]]:
    """(criterion, furthest, nearest) of the people who share tasks with this one, as far as pairs are kept."""
    found = []
    for table in load_pairs_of_people(project=project):
        ranked = rank_partners(table, user.pk)
        if ranked:
            nearest = ranked[SHOWN_PARTNERS:][::-1][:SHOWN_PARTNERS]
            found.append((name_criterion(table.criterion), ranked[:SHOWN_PARTNERS], nearest))
    return found


def _member(project: Project, user_id: int) -> User:
    return get_object_or_404(User, pk=user_id, memberships__project=project)


@page("GET", "POST")
def change_quality(request: HttpRequest, slug: str) -> HttpResponse:
    """How much practice, test, gold and repeats the project wants."""
    project = open_project(request, slug, Role.MANAGER)
    form = QualityForm(request.POST if request.method == "POST" else None, instance=Project.objects.get(pk=project.pk))
    if save_settings(request, project, form):
        return redirect("quality", slug=slug)
    counts = count_special_tasks(project=project)
    context = project_context(request, project, "quality", form=form, counts=counts)
    return render(request, "annotation/quality_settings.html", context, status=400 if form.errors else 200)
