"""The people of a project: roles, skills, what they did lately, and the links that let more in."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Count, Max, Q, QuerySet
from django.utils import timezone

from annotation.models import Invitation, Judgment, Membership, PersonSkill, Project, Slot
from annotation.selectors.reports import latest_report

PAGE_PEOPLE = 100
DAYS = 7


@dataclass(slots=True)
class Person:
    """A member with their workload."""

    membership: Membership
    total: int | None = None
    """Judgments in all, as the latest agreement report counted them; None where it knows nothing of them."""
    lately: int = 0
    """Judgments of the last seven days, imports left out."""
    leases: int = 0
    last_seen: datetime | None = None
    """The latest of sign-in, judgment and sign of life on a lease."""
    skills: list[PersonSkill] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """Some members by user name."""

    people: list[Person]
    next: str | None
    """The name to go on after."""
    total: int


def people_page(*, project: Project, search: str = "", after: str = "") -> PeoplePage:
    """A page of members whose name, e-mail or pseudonym holds a text; six queries whatever their number."""
    members = Membership.objects.filter(project=project)
    if search:
        named = Q(user__username__icontains=search) | Q(user__email__icontains=search)
        members = members.filter(named | Q(user__pseudonym__icontains=search))
    total = members.count()
    rows = members.select_related("user").order_by("user__username")
    rows = rows.filter(user__username__gt=after) if after else rows
    found = list(rows[: PAGE_PEOPLE + 1])
    people = {each.user_id: Person(each) for each in found[:PAGE_PEOPLE]}
    _add_work(project, people)
    _add_leases(project, people)
    _add_totals(project, people)
    for skill in PersonSkill.objects.filter(skill__project=project, person__in=people).select_related("skill"):
        people[skill.person_id].skills.append(skill)
    more = len(found) > PAGE_PEOPLE
    return PeoplePage(list(people.values()), found[PAGE_PEOPLE - 1].user.username if more else None, total)


def _add_work(project: Project, people: dict[int, Person]) -> None:
    since = timezone.now() - timedelta(days=DAYS)
    lately = Judgment.objects.filter(project=project, annotator__in=people, created_at__gt=since, is_imported=False)
    counted = lately.filter(is_current=True).values("annotator").annotate(count=Count("pk"), last=Max("created_at"))
    for row in counted:
        person = people[row["annotator"]]
        person.lately = row["count"]
        _see(person, row["last"])
    for person in people.values():
        _see(person, person.membership.user.last_login)


def _add_leases(project: Project, people: dict[int, Person]) -> None:
    leased = Slot.objects.filter(project=project, annotator__in=people, state=Slot.State.LEASED)
    for row in leased.values("annotator").annotate(count=Count("pk"), last=Max("heartbeat_at")):
        person = people[row["annotator"]]
        person.leases = row["count"]
        _see(person, row["last"])


def _add_totals(project: Project, people: dict[int, Person]) -> None:
    report = latest_report(project=project)
    for row in report.people if report else []:
        if row["annotator"] in people:
            people[row["annotator"]].total = row["judgments"]


def _see(person: Person, moment: datetime | None) -> None:
    if moment is not None and (person.last_seen is None or moment > person.last_seen):
        person.last_seen = moment


def invitations_of(*, project: Project) -> QuerySet[Invitation]:
    """All invitations of a project, newest first, each with `used`: how many joined by it."""
    return (
        Invitation.objects.filter(project=project)
        .select_related("created_by")
        .annotate(used=Count("uses"))
        .order_by("-id")
    )
