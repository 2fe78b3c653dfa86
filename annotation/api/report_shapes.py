"""What the sections of a project's reports hold, for the OpenAPI document."""

from typing import Any

from rest_framework import serializers


class IntervalShape(serializers.Serializer[Any]):
    value = serializers.FloatField()
    low = serializers.FloatField()
    high = serializers.FloatField()


class CrowdShape(serializers.Serializer[Any]):
    choices = serializers.IntegerField()
    pairs = serializers.IntegerField()
    texts = serializers.IntegerField()
    annotators = serializers.IntegerField()
    position_bias = IntervalShape(allow_null=True, help_text="Log-odds for what is shown first.")
    position_note = serializers.CharField(allow_blank=True)
    spread_of_reliability = serializers.FloatField()
    spread_of_position = serializers.FloatField(allow_null=True)
    rounds = serializers.IntegerField()
    has_converged = serializers.BooleanField()
    method = serializers.CharField()


class PersonShape(serializers.Serializer[Any]):
    annotator = serializers.IntegerField()
    pseudonym = serializers.CharField()
    simulated = serializers.BooleanField()


class ReliablePersonShape(PersonShape):
    choices = serializers.IntegerField()
    reliability = IntervalShape(help_text="1 typical, 0 a coin, below 0 turned around.")
    position_bias = IntervalShape(allow_null=True)
    tie_tendency = IntervalShape(allow_null=True)


class PairsShape(serializers.Serializer[Any]):
    decided = serializers.IntegerField()
    open = serializers.IntegerField()
    mostly_ties = serializers.IntegerField()
    against_majority = serializers.IntegerField()


class SourceShape(serializers.Serializer[Any]):
    source = serializers.CharField()  # type: ignore[assignment]
    worth = serializers.FloatField(help_text="Log-odds against the mean of all sources.")
    low = serializers.FloatField()
    high = serializers.FloatField()
    win_share = serializers.FloatField(help_text="Against a response of the average source, ties half.")
    win_low = serializers.FloatField()
    win_high = serializers.FloatField()
    best_rank = serializers.IntegerField()
    worst_rank = serializers.IntegerField()
    wins = serializers.FloatField()
    losses = serializers.FloatField()
    ties = serializers.FloatField()


class LeaderboardShape(serializers.Serializer[Any]):
    sources = SourceShape(many=True)
    method = serializers.CharField()
    pairs = serializers.IntegerField()
    choices = serializers.IntegerField()


class ConsensusContent(serializers.Serializer[Any]):
    crowd = CrowdShape(allow_null=True)
    people = ReliablePersonShape(many=True, allow_null=True)
    people_left_out = serializers.IntegerField()
    pairs = PairsShape(allow_null=True)
    leaderboard = LeaderboardShape(allow_null=True)
    dropped = serializers.DictField(child=serializers.IntegerField())
    notes = serializers.DictField(child=serializers.CharField(), help_text="Why a part is null.")


class EffectShape(serializers.Serializer[Any]):
    annotator = serializers.IntegerField(allow_null=True)
    effect = serializers.ChoiceField(["position", "first_seen", "length", "format", "ties", "speed"])
    value = serializers.FloatField(allow_null=True, help_text="Null where it is undefined; `note` says why.")
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    baseline = serializers.FloatField(allow_null=True)
    choices = serializers.IntegerField()
    method = serializers.CharField()
    note = serializers.CharField(allow_blank=True)


class BiasedPersonShape(PersonShape):
    rankings = serializers.IntegerField()
    effects = EffectShape(many=True)


class SeverePersonShape(PersonShape):
    scores = serializers.IntegerField()
    severity = IntervalShape()
    spread = IntervalShape()
    noise = serializers.FloatField()


class CriterionShape(serializers.Serializer[Any]):
    criterion = serializers.CharField()
    people = SeverePersonShape(many=True, allow_null=True)
    people_left_out = serializers.IntegerField()
    note = serializers.CharField(allow_blank=True)


class BiasContent(serializers.Serializer[Any]):
    project = EffectShape(many=True)
    people = BiasedPersonShape(many=True)
    people_left_out = serializers.IntegerField()
    scores = CriterionShape(many=True)
    notes = serializers.DictField(child=serializers.CharField())


class RowShape(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(["prompt", "response", "task"])
    id = serializers.IntegerField()
    name = serializers.CharField(allow_blank=True)
    task = serializers.IntegerField(allow_null=True, help_text="A task that shows it.")
    note = serializers.CharField(allow_blank=True)


class CheckShape(serializers.Serializer[Any]):
    dimension = serializers.ChoiceField(["clean", "consistent", "relevant", "diverse", "balanced"])
    check = serializers.CharField()
    count = serializers.IntegerField(allow_null=True, help_text="Null where it is undefined; `note` says why.")
    of = serializers.IntegerField(allow_null=True)
    value = serializers.FloatField(allow_null=True)
    rows = RowShape(many=True, help_text="The first 50.")
    table = serializers.ListField(child=serializers.ListField(), help_text="[name, count], largest first.")
    note = serializers.CharField(allow_blank=True)


class DataHealthContent(serializers.Serializer[Any]):
    checks = CheckShape(many=True)
