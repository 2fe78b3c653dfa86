"""PURE: a preview as a table to read."""

from collections.abc import Callable, Sequence

from rltrainer.preview.records import Preview, PreviewCompletion, PreviewToken

Column = tuple[str, Callable[[PreviewToken], str]]


def format_preview(preview: Preview) -> str:
    """The whole of it as text."""
    stops = ", ".join(f"{token} {text!r}" for token, text in preview.stop_tokens.items())
    lines = [
        f"{preview.kind}, prompt {preview.prompt_id}",
        f"stop tokens: {stops}; at most {preview.longest} tokens",
        *(f"- {note}" for note in preview.notes),
    ]
    for completion in preview.completions:
        lines += ["", *_format_completion(completion)]
    if preview.rewards_of_group:
        lines += ["", "rewards of the group: " + ", ".join(f"{reward:.4g}" for reward in preview.rewards_of_group)]
    return "\n".join(lines)


def _format_completion(completion: PreviewCompletion) -> list[str]:
    lines = [f"{completion.role} {completion.number} ({completion.finish_reason})"]
    for part in completion.parts:
        shaping = ", shaping" if part.is_shaping else ""
        lines.append(f"  {part.name}: {part.value:.4g} x {part.weight:g} = {part.value * part.weight:.4g}{shaping}")
    if completion.reward is not None:
        lines.append(f"  reward: {completion.reward:.4g}")
    return [*lines, *_format_tokens(completion.tokens)]


def _format_tokens(tokens: Sequence[PreviewToken]) -> list[str]:
    columns: list[Column] = [
        ("position", lambda token: str(token.position)),
        ("id", lambda token: str(token.token_id)),
        ("token", lambda token: repr(token.text) + (" stop" if token.is_stop else "")),
        ("part", lambda token: token.part),
        ("predicted at", lambda token: "" if token.predicted_at is None else str(token.predicted_at)),
        ("loss", lambda token: f"{token.loss:.3g}" if token.has_loss else ""),
        *(_number_column(name) for name in ("log_prob", "advantage", "reward", "value", "value_target")),
    ]
    cells = [[heading, *(cell(token) for token in tokens)] for heading, cell in columns]
    shown = [column for column in cells if any(column[1:])]
    widths = [max(map(len, column)) for column in shown]
    rows = zip(*shown, strict=True)
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _number_column(name: str) -> Column:
    def cell(token: PreviewToken) -> str:
        value = getattr(token, name)
        return "" if value is None else f"{value:.3g}"

    return name.replace("_", " "), cell
