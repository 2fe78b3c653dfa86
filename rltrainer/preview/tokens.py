"""Tokens as the network is given them, read back from the trainer's own layouts."""

from collections.abc import Sequence
from dataclasses import dataclass

from rewardmodel.runtime.rendering import Renderer
from rltrainer.layouts import Layout
from rltrainer.preview.records import PreviewToken


@dataclass(frozen=True, slots=True)
class Columns:
    """What is known about a completion's tokens, one number each; empty where it is not known."""

    has_loss: Sequence[bool]
    loss: Sequence[float]
    log_prob: Sequence[float] = ()
    advantage: Sequence[float] = ()
    reward: Sequence[float] = ()
    value: Sequence[float] = ()
    value_target: Sequence[float] = ()


def read_tokens(layout: Layout, row: int, columns: Columns, renderer: Renderer) -> list[PreviewToken]:
    """Prompt and completion of a row, with the ids, positions and predicting places that stand in the layout."""
    number = layout.rows.index(row)
    start = sum(layout.lengths[:number])
    own = range(start, start + layout.lengths[number])
    ids, positions = layout.input_ids.flatten().tolist(), layout.position_ids.flatten().tolist()
    sources = [int(layout.sources[place]) for place in own]
    # The first token is predicted at the end of the prompt, which stands at the beginning of its line.
    prompt_end = sources[0]
    prompt = range(prompt_end - positions[prompt_end], prompt_end + 1)
    tokens = [
        PreviewToken(positions[place], ids[place], _text(ids[place], renderer), "prompt", is_stop=False)
        for place in prompt
    ]
    for index, (place, source) in enumerate(zip(own, sources, strict=True)):
        token_id = int(layout.targets[place])
        tokens.append(
            PreviewToken(
                # A token stands where it predicts the next one; the last predicts nothing and stands behind its source.
                position=positions[sources[index + 1]] if index + 1 < len(sources) else positions[source] + 1,
                token_id=token_id,
                text=_text(token_id, renderer),
                part="completion",
                predicted_at=positions[source],
                has_loss=columns.has_loss[index],
                loss=columns.loss[index],
                log_prob=_at(columns.log_prob, index),
                advantage=_at(columns.advantage, index),
                reward=_at(columns.reward, index),
                value=_at(columns.value, index),
                value_target=_at(columns.value_target, index),
                is_stop=token_id in renderer.stop_ids,
            )
        )
    return tokens


def _at(column: Sequence[float], index: int) -> float | None:
    return column[index] if column else None


def _text(token_id: int, renderer: Renderer) -> str:
    return str(renderer.tokenizer.decode([token_id]))


def stop_tokens(renderer: Renderer) -> dict[int, str]:
    """The tokens that end a response, as text by id."""
    return {token: _text(token, renderer) for token in sorted(renderer.stop_ids)}
