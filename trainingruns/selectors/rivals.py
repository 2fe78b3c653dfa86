"""Whom a policy may be compared with, and what they are to it."""

from django.db.models import Case, QuerySet, Value, When

from trainingruns.models import ModelVersion
from trainingruns.selectors.registry import champion_policy, versions_of


def reference_of(version: ModelVersion) -> ModelVersion | None:
    """What the policy's training started from; None for a model from outside."""
    return version.parent


def rival_champion(version: ModelVersion) -> ModelVersion | None:
    """The champion of the policy's project, where that is another policy."""
    champion = champion_policy(project=version.project) if version.project is not None else None
    return None if champion == version else champion


def possible_rivals(*, version: ModelVersion) -> QuerySet[ModelVersion]:
    """Policies in use that a project's policy can be compared with: the champion, the reference, the others by age."""
    if version.project is None:
        return ModelVersion.objects.none()
    policies = versions_of(project=version.project).filter(kind=ModelVersion.Kind.POLICY)
    others = policies.exclude(stage=ModelVersion.Stage.ARCHIVED).exclude(pk=version.pk)
    first = [each.pk for each in (rival_champion(version), reference_of(version)) if each is not None]
    places = [When(pk=key, then=Value(place)) for place, key in enumerate(first)]
    place = Case(*places, default=Value(len(first))) if places else Value(0)
    return others.annotate(place=place).order_by("place", "-id")


def describe_rival(
    rival: ModelVersion, *, version: ModelVersion, champion: ModelVersion | None, was_champion: bool = False
) -> str:
    """What a rival is to the policy, such as "the reference"; empty where it is just another policy.

    champion: as `rival_champion` gives it. was_champion: whether the rival was that when people were asked.
    """
    words = []
    if rival.pk == version.parent_id:
        words.append("the reference")
    if rival == champion:
        words.append("the champion")
    elif was_champion:
        words.append("the champion of that time")
    return " and ".join(words)
