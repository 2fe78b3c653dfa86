"""A run's configuration on its page: in the documented order, as JSON, and fit to be copied into another run."""

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from rltrainer.config import OnlineConfig
from trainingruns.config_text import config_file, config_settings
from trainingruns.configuration import build_config
from trainingruns.models import ONLINE_KINDS, POLICY_KINDS, ModelVersion, Run

KINDS = [kind.value for kind in (*POLICY_KINDS, Run.Kind.REWARD, Run.Kind.SAMPLE)]


def build(kind: str, config: Any = None, overrides: Any = ()) -> dict[str, Any]:
    some = ModelVersion(artifact="somewhere")
    reward = some if kind in ONLINE_KINDS else None
    return build_config(kind=kind, config=config, overrides=overrides, base=some, reward=reward)


def shuffled(value: Any) -> Any:
    """As the database gives it back: keys by length, then by letters."""
    if not isinstance(value, dict):
        return value
    return {key: shuffled(value[key]) for key in sorted(value, key=lambda key: (len(key), key))}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_copied_makes_the_same_configuration(kind: str) -> None:
    built = build(kind)
    stored = shuffled(built)
    assert build(kind, config=json.loads(config_file(stored))) == built
    settings = [each for _, settings in config_settings(stored) for each in settings]
    assert build(kind, overrides=settings) == built
    assert len(settings) > 8


def test_sections_and_keys_stand_as_they_are_documented() -> None:
    stored = shuffled(build("grpo", overrides=["stop.steps=7"]))
    copied = json.loads(config_file(stored))
    names = [field.name for field in dataclasses.fields(OnlineConfig)]
    assert list(json.loads(config_file(shuffled(build("reward")))))[:3] == ["schema", "kind", "seed"]
    assert list(copied) == [name for name in names if name in copied]
    assert next(iter(copied["rollout"])) == "source" and list(copied)[-1] == "stop"
    assert "path" not in copied["critic"] and "train" not in copied.get("data", {})
    later = config_file({**stored, "rollout": {"of_another_time": None, **stored["rollout"]}})
    assert list(json.loads(later)["rollout"])[-1] == "of_another_time"


def test_the_page_shows_json_and_no_python(
    make_run: Callable[..., Run], signed_in: Callable[[str | None], Client]
) -> None:
    run = make_run(kind="grpo", config=shuffled(build("grpo")))
    page = signed_in("reviewer").get(f"/runs/{run.pk}/").content.decode()
    for text in ("<code>loss.clip_dual=null</code>", "<code>rollout.group_size=8</code>", "<code>seed=0</code>",
                 "&quot;group_size&quot;: 8", "<code>kl.measure=true</code>"):  # fmt: skip
        assert text in page, text
    assert "=None" not in page and "=True" not in page
    assert (
        "As a file for"
        not in signed_in("manager").get(f"/runs/{make_run(kind='fetch', config={}).pk}/").content.decode()
    )
