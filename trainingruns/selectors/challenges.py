"""Challenges: sample runs of a policy whose responses people compare with those of its rivals."""

from django.db.models import BigIntegerField, Q, QuerySet
from django.db.models.fields.json import KT
from django.db.models.functions import Cast

from trainingruns.lifecycle import ACTIVE
from trainingruns.models import ModelVersion, Run
from trainingruns.wishes import SERVE_BLIND_TASKS


def challenges_by(version: ModelVersion) -> QuerySet[Run]:
    """Those by which this policy challenges others, newest first."""
    return _challenges().filter(base_version=version)


def challenges_with(version: ModelVersion) -> QuerySet[Run]:
    """Those of its project in which a policy takes part, as the challenger or as a rival, newest first.

    None for a base model: it belongs to no project, and what other projects' people said is not its readers' to see.
    """
    if version.project_id is None:
        return Run.objects.none()
    return _challenges().filter(Q(base_version=version) | _with_rival(version), project=version.project_id)


def challenge_on_the_way(*, version: ModelVersion, rival: ModelVersion) -> Run | None:
    """The newest in which one of the two challenges the other and which still waits for responses of either.

    Who of them challenged makes no difference to what people see, or to what the pages of both then tell.
    """
    return _on_the_way(version, rival).union(_on_the_way(rival, version)).order_by("-id").first()


def _on_the_way(challenger: ModelVersion, rival: ModelVersion) -> QuerySet[Run]:
    rival_runs = Run.objects.filter(
        kind=Run.Kind.SAMPLE, base_version=rival, state__in=ACTIVE, purpose__has_key="challenger_run"
    )
    # A subquery and not a query before: the challenger may end, and so start the rival's run, between the two.
    waiting = rival_runs.annotate(challenger=Cast(KT("purpose__challenger_run"), BigIntegerField()))
    is_waiting = Q(state__in=ACTIVE) | Q(pk__in=waiting.values("challenger"))
    return challenges_by(challenger).filter(_with_rival(rival), is_waiting)


def _challenges() -> QuerySet[Run]:
    served = Run.objects.filter(kind=Run.Kind.SAMPLE, purpose__then=SERVE_BLIND_TASKS).order_by("-id")
    # A rival that had not answered yet is sampled in a run of its own; the tasks belong to the challenger's.
    return served.exclude(purpose__has_key="challenger_run")


def _with_rival(version: ModelVersion) -> Q:
    """As `Run.rival_version_ids` reads them."""
    return Q(purpose__rivals__contains=[version.pk]) | Q(purpose__against=version.pk)
