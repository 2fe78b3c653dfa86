"""Pauses: the product proposes, a manager decides, and the person is told kindly."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from annotation.exceptions import ApplicationError, Conflict, NotFound
from annotation.models import Judgment, Pause, Project, User
from annotation.permissions import Role, require_role
from annotation.quality.card import QualityCard
from annotation.quality.pausing import MORE_WORK, reasons_to_pause
from annotation.selectors.quality import quality_cards
from annotation.services import audit
from annotation.services.own_slots import lock_person

State = Pause.State
NOTE_CHARACTERS = 500
MOST_REVIEWS = 1000


@transaction.atomic
def review_person(*, project: Project, person: User) -> Pause | None:
    """Proposes a pause where the figures of this person give a reason; the proposal, None where there is none.

    Called whenever something was measured. What waits for a manager is brought up to date; what they dismissed is not
    proposed again until there is MORE_WORK to go by.
    """
    lock_person(project=project, person=person)
    last = Pause.objects.filter(project=project, person=person).order_by("-id").first()
    if last is not None and last.state == State.ACCEPTED:
        return None
    card = quality_cards(project=project, people=[person.pk])[person.pk]
    reasons = reasons_to_pause(card, wanted=project.pass_mark)
    if last is not None and last.state == State.PROPOSED:
        return _renew(last, card, reasons)
    if not reasons or (last is not None and not _has_more_work(last, card)):
        return None
    pause = Pause.objects.create(project=project, person=person, sentences=reasons, figures=card.as_mapping())
    audit.record(actor=None, action="propose_pause", obj=pause, project=project, data={"user": person.pk})
    return pause


def review_signalled(*, minutes: int = 10) -> int:
    """Reviews whoever gave a judgment with a signal in the last minutes; tells how many people."""
    since = timezone.now() - timedelta(minutes=minutes)
    recent = Judgment.objects.filter(recorded_at__gt=since, is_current=True, is_imported=False).exclude(warnings=[])
    found = list(recent.values_list("project_id", "annotator_id").distinct()[:MOST_REVIEWS])
    projects = Project.objects.in_bulk({project for project, _ in found})
    people = User.objects.in_bulk({person for _, person in found})
    for project, person in found:
        review_person(project=projects[project], person=people[person])
    return len(found)


def _renew(pause: Pause, card: QualityCard, reasons: list[str]) -> Pause:
    """The latest figures; a proposal stays even if its reason went, for a manager to see that."""
    if reasons:
        pause.sentences = reasons
    pause.figures = card.as_mapping()
    pause.save(update_fields=["sentences", "figures"])
    return pause


def _has_more_work(last: Pause, card: QualityCard) -> bool:
    before = sum(last.figures[name]["count"] for name in ("gold", "consistency"))
    return card.gold.count + card.consistency.count >= before + MORE_WORK


@transaction.atomic
def decide_pause(
    *, pause: Pause, actor: User, accept: bool, note: str = "", address: str | None = None
) -> Pause:  # fmt: skip
    """Accepts or dismisses a proposal. Whoever is paused gets no work in the project; a task they hold they may end.

    note: shown to the person. The decision that stands, given again, changes nothing.
    Raises: NotPermitted, Conflict(code="already_decided"), ApplicationError.
    """
    pause = _lock(pause, actor)
    wanted = State.ACCEPTED if accept else State.DISMISSED
    if pause.state == wanted:
        return pause
    if pause.state != State.PROPOSED:
        raise Conflict(f"This proposal is already {pause.state}.", code="already_decided", extra={"state": pause.state})
    return _decide(pause, actor, wanted, note, address)


@transaction.atomic
def lift_pause(*, pause: Pause, actor: User, note: str = "", address: str | None = None) -> Pause:
    """Ends a pause; one that has ended stays so. Raises: NotPermitted, Conflict(code="not_paused")."""
    pause = _lock(pause, actor)
    if pause.state == State.LIFTED:
        return pause
    if pause.state != State.ACCEPTED:
        raise Conflict("This pause is not in force.", code="not_paused", extra={"state": pause.state})
    return _decide(pause, actor, State.LIFTED, note, address)


@transaction.atomic
def pause_person(
    *, project: Project, person: User, actor: User, note: str = "", address: str | None = None
) -> Pause:  # fmt: skip
    """A manager's own pause, without a proposal. Raises: Conflict(code="already_paused") where one stands."""
    require_role(user=actor, project=project, role=Role.MANAGER)
    lock_person(project=project, person=person)
    if Pause.objects.filter(project=project, person=person, state__in=[State.PROPOSED, State.ACCEPTED]).exists():
        raise Conflict("There is a pause or a proposal for this person already.", code="already_paused")
    card = quality_cards(project=project, people=[person.pk])[person.pk]
    pause = Pause(project=project, person=person, figures=card.as_mapping())
    return _decide(pause, actor, State.ACCEPTED, note, address)


def _lock(pause: Pause, actor: User) -> Pause:
    require_role(user=actor, project=pause.project, role=Role.MANAGER)
    found = Pause.objects.select_for_update(of=("self",)).select_related("project").filter(pk=pause.pk).first()
    if found is None:
        raise NotFound("There is no such proposal.")
    return found


def _decide(pause: Pause, actor: User, state: str, note: str, address: str | None) -> Pause:
    if len(note) > NOTE_CHARACTERS:
        raise ApplicationError(
            f"The note has {len(note)} characters, at most {NOTE_CHARACTERS} fit.", extra={"field": "note"}
        )
    pause.state, pause.note = state, note.strip()
    pause.decided_by, pause.decided_at = actor, timezone.now()
    pause.save()
    audit.record(
        actor=actor,
        action={State.ACCEPTED: "accept_pause", State.DISMISSED: "dismiss_pause", State.LIFTED: "lift_pause"}[
            State(state)
        ],
        obj=pause,
        project=pause.project,
        data={"user": pause.person_id},
        address=address,
    )
    return pause
