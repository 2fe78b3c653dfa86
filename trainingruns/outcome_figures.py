"""PURE: a trainer's result.json as the figures and bars of a page."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from trainingruns.evidence import count_prompts, why_no_interval

Result = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Figure:
    """One number with its interval, as people read it."""

    label: str
    value: str
    range: str = ""


@dataclass(frozen=True, slots=True)
class PassRates:
    """How often at least one of k answers is right, for one check and several k."""

    part: str
    rows: tuple[tuple[str, str, str], ...]
    """k, the policy, the reference (or the champion where there is no other)."""
    gain: str


def outcome_figures(result: Result) -> list[Figure]:
    """What a run has reached, the most telling first; empty while there is no result."""
    return [*_offline_figures(result), *_online_figures(result)]


def head_figure(metrics: Result) -> str:
    """The one figure that stands for a model in a list; a dash where none was measured."""
    accuracy = metrics.get("accuracy") or {}
    if accuracy.get("value") is not None:
        return f"{accuracy['value']:.3f} accuracy"
    if _value(metrics, "reward_gain") is not None:
        return f"{metrics['reward_gain']['value']:+.2f} reward"
    if _value(metrics, "reward_policy") is not None:
        return f"{metrics['reward_policy']['value']:.2f} reward"
    if _value(metrics, "nll_after") is not None:
        return f"{metrics['nll_after']['value']:.3f} nats a token"
    return "–"


def verdict_on_gain(result: Result) -> str:
    """Whether the policy earns more than what it started from, in a sentence; empty where that was not measured."""
    gain = result.get("reward_gain") or {}
    if gain.get("value") is None:
        return ""
    if gain.get("low") is None:
        why = why_no_interval(gain)
        return f"{why[0].upper()}{why[1:]} to tell a gain from chance."
    many = count_prompts(gain)
    if gain["low"] > 0:
        return f"On {many} it earns more reward than what it started from; the interval leaves chance out."
    if gain["high"] < 0:
        return f"On {many} it earns less reward than what it started from."
    return f"The interval of the gain on {many} holds 0: this may be chance."


def accuracy_shares(result: Result, *, kind: str) -> list[tuple[str, Any]]:
    """Accuracy on held-out pairs beside what is easily reached and what people reach; a DPO policy has one as well."""
    if not isinstance(result.get("accuracy"), Mapping) or "value" not in result["accuracy"]:
        return []
    own = "This policy" if kind == "dpo" else "This reward model"
    keys = ((own, "accuracy"), ("Taking the longer response", "longer_wins"))
    return [(label, result.get(key)) for label, key in (*keys, ("One person against the others", "human_ceiling"))]


def win_shares(result: Result) -> list[tuple[str, Any]]:
    """How often the policy beats the reference and the champion, by the reward model or by the whole reward."""
    judge = "the reward model" if result.get("win_rate_by") == "model" else "reward"
    return [
        (f"Beats the reference, by {judge}", result.get("win_rate_reference")),
        (f"Beats the champion, by {judge}", result.get("win_rate_champion")),
    ]


def length_notes(result: Result) -> list[str]:
    """What the trainer says of lengths beside its win rates, as sentences."""
    notes = (result.get(f"length_note_{rival}") for rival in ("reference", "champion"))
    return [f"{note[0].upper()}{note[1:]}." for note in notes if note]


def pass_rates(result: Result) -> list[PassRates]:
    """Right answers by each part of the reward that checks them."""
    accuracy = result.get("accuracy") or {}
    return [_pass_rates(part, rates) for part, rates in accuracy.items() if "policy" in _mapping(rates)]


def _pass_rates(part: str, rates: Result) -> PassRates:
    rival = _mapping(rates.get("reference") or rates.get("champion"))
    rows = tuple((k, show_share(share), show_share(rival.get(k))) for k, share in _mapping(rates["policy"]).items())
    gain = rates.get("gain_over_reference") or rates.get("gain_over_champion")
    return PassRates(part, rows, show_interval(gain, signed=True))


def show_share(measured: Any) -> str:
    """A share with its interval in percent."""
    value = _mapping(measured).get("value")
    if value is None:
        return "–"
    low, high = measured.get("low"), measured.get("high")
    return f"{100 * value:.0f}%" + (f" ({100 * low:.0f} to {100 * high:.0f})" if None not in (low, high) else "")


def show_interval(measured: Any, *, signed: bool = False) -> str:
    """A number with its interval."""
    shown = _mapping(measured)
    if shown.get("value") is None:
        return "–"
    sign = "+" if signed else ""
    text = f"{shown['value']:{sign}.2f}"
    if None in (shown.get("low"), shown.get("high")):
        return text
    return f"{text} ({shown['low']:{sign}.2f} to {shown['high']:{sign}.2f})"


def _online_figures(result: Result) -> Iterator[Figure]:
    if (gain := _figure("Gain in reward", result, "reward_gain", signed=True)) is not None:
        yield gain
    for label, key in (("Reward of the policy", "reward_policy"), ("Reward of the reference", "reward_reference")):
        if (figure := _figure(label, result, key)) is not None:
            yield figure
    if (gain := _figure("Gain over the champion", result, "reward_gain_champion", signed=True)) is not None:
        yield gain
    if isinstance(kl := result.get("kl_sequence"), int | float):
        low, high = result.get("kl_sequence_low"), result.get("kl_sequence_high")
        # Results of before have no interval.
        sure = "" if low is None or high is None else f"{low:.2f} to {high:.2f}"
        yield Figure("KL to the reference", f"{kl:.2f} nats", sure)


def _offline_figures(result: Result) -> Iterator[Figure]:
    wanted = (
        ("Held-out loss before, nats a token", "nll_before", False),
        ("Held-out loss after", "nll_after", False),
        ("Gain, nats a token", "nll_gain", True),
        ("Pairs whose chosen one is likelier, before", "likelier_before", False),
        ("Pairs whose chosen one is likelier, after", "likelier_after", False),
        ("Lead of the chosen response", "reward_margin", True),
        ("Change in the chosen one's log-prob", "log_prob_chosen_change", True),
        ("Change in the rejected one's log-prob", "log_prob_rejected_change", True),
    )
    figures = (_figure(label, result, key, signed=signed) for label, key, signed in wanted)
    return (figure for figure in figures if figure is not None)


def _figure(label: str, result: Result, key: str, *, signed: bool = False) -> Figure | None:
    if _value(result, key) is None:
        return None
    value, _, interval = show_interval(result[key], signed=signed).partition(" ")
    return Figure(label, value, interval.strip("()"))


def _value(result: Result, key: str) -> Any:
    return _mapping(result.get(key)).get("value")


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
