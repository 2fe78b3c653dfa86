"""Random answers and prompts for property tests."""

from datetime import UTC, datetime

from hypothesis import strategies as st

from annotation.importers.records import ImportedJudgment, ImportedMessage, ImportedPrompt, ImportedResponse
from annotation.kinds.ranking import RankingAnswer
from annotation.kinds.scalar import ScalarAnswer

numbers = st.integers(-100, 100) | st.floats(-1e6, 1e6, allow_nan=False)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
names = texts.filter(str.strip)
remarks: dict[str, st.SearchStrategy] = {
    "rationale": texts,
    "rationales": st.dictionaries(st.sampled_from(["helpful", "safe-1"]), names, max_size=2),
    "confidence": st.none() | st.integers(1, 5),
    "active_ms": st.none() | st.integers(0, 10**9),
}


def score_tables(keys: list[str], *, fewest: int = 0) -> st.SearchStrategy[dict]:
    by_response = st.dictionaries(st.sampled_from(keys), st.none() | numbers, min_size=1)
    return st.dictionaries(st.sampled_from(["helpful", "safe-1"]), by_response, min_size=fewest)


@st.composite
def ranking_answers(draw: st.DrawFn, keys: list[str], free_scores: bool = False) -> RankingAnswer:
    """As the product reads them: within a tier in the task's own order."""
    places = draw(st.lists(st.integers(0, len(keys)), min_size=len(keys), max_size=len(keys)))
    ranked = [(place, key) for place, key in zip(places, keys, strict=True) if place > 0] or [
        (1, draw(st.sampled_from(keys)))
    ]
    tiers = tuple(tuple(key for at, key in ranked if at == place) for place in sorted({at for at, _ in ranked}))
    line = draw(st.integers(0, len(tiers)))
    steps = st.tuples(*[st.none() | st.integers(1, 3) for _ in tiers[1:]])
    inside = {key for tier in tiers for key in tier}
    return RankingAnswer(
        tiers=tiers,
        bad=tuple(key for tier in tiers[line:] for key in tier),
        unranked=tuple(key for key in keys if key not in inside),
        strength=draw(st.none() | steps),
        scores=draw(score_tables(keys)) if free_scores else {},
        **{name: draw(values) for name, values in remarks.items()},
    )


def scalar_answers(keys: list[str]) -> st.SearchStrategy[ScalarAnswer]:
    return st.builds(ScalarAnswer, scores=score_tables(keys, fewest=1), **remarks)


@st.composite
def imported_prompts(draw: st.DrawFn) -> ImportedPrompt:
    kind = draw(st.sampled_from(["ranking", "scalar"]))
    keys = draw(st.lists(names, unique=True, min_size=2 if kind == "ranking" else 1, max_size=9))
    answers = ranking_answers(keys, free_scores=True) if kind == "ranking" else scalar_answers(keys)
    people = draw(st.lists(names, unique=True, max_size=3))
    moments = st.datetimes(datetime(1971, 1, 2), datetime(2198, 1, 1), timezones=st.just(UTC))
    turns = draw(
        st.lists(st.builds(ImportedMessage, st.sampled_from(["system", "user", "assistant"]), names), max_size=3)
    )
    return ImportedPrompt(
        external_id=draw(names),
        kind=kind,
        prompt=(*turns, ImportedMessage("user", draw(names))),
        responses=tuple(ImportedResponse(key, draw(texts), draw(st.none() | names)) for key in keys),
        judgments=tuple(ImportedJudgment(name, draw(answers), draw(st.none() | moments)) for name in people),
        gold=draw(st.none() | answers),
        tags=tuple(draw(st.lists(names, unique=True, max_size=3))),
        metadata=draw(
            st.dictionaries(texts, st.none() | st.booleans() | numbers | texts | st.lists(numbers), max_size=3)
        ),
    )
