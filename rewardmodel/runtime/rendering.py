"""Messages into token ids: the one way, for training, scoring, sampling and reinforcement learning."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jinja2 import TemplateError
from transformers import GenerationConfig, PreTrainedTokenizerBase

from rewardmodel.config_parsing import ConfigError
from rewardmodel.records import DataError

Messages = Sequence[Mapping[str, str]]

PLAIN_TEMPLATE = (
    "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)
"""For tokenizers without a chat template of their own; the models saved with them carry it from then on."""
TEMPLATE_FAULTS = (TemplateError, TypeError, ValueError)
"""What a chat template ends with: Jinja's errors, `raise_exception` among them, and those of Python inside of it."""

_PROBE = "concordprobe"
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rendering:
    """Token ids of a prompt and perhaps its response."""

    token_ids: tuple[int, ...]
    """The prompt, then the response with its end-of-turn token."""
    response_start: int
    """Index of the first token of the response; the length where there is none."""
    truncated: bool
    """True if tokens were cut from the front."""


class Renderer:
    """Renders with the model's chat template; a tokenizer without one is given `PLAIN_TEMPLATE`, told in the log.

    A response is tokenised by itself and followed by the end-of-turn token, so that a sampled response and the same
    text typed by a person give the same ids in the same place. Special tokens that people write into messages or
    responses are encoded as the text they are and never as control tokens.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        generation_config: GenerationConfig | None = None,
        *,
        key: str = "model",
    ) -> None:
        """`key` names the model in the config, for messages. Raises: ConfigError where its chat template fails."""
        self.tokenizer = tokenizer
        self.key = key
        self.chat_template = self._find_template()
        self.end_of_turn_id = self._find_end_of_turn()
        self.stop_ids = frozenset({self.end_of_turn_id, tokenizer.eos_token_id, *_configured_stops(generation_config)})
        self.pad_id: int = tokenizer.eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id

    def render(
        self,
        messages: Messages,
        response: str | None = None,
        *,
        max_tokens: int | None = None,
        prompt_id: str | None = None,
    ) -> Rendering:
        """Token ids of a prompt that awaits its answer or, with `response`, of prompt, response and end of turn.

        Longer than `max_tokens`: tokens are cut from the front, so that the response keeps its end. prompt_id: for
        messages. Raises: DataError where the chat template refuses the messages.
        """
        prompt_ids = self._prompt_ids(messages, prompt_id)
        response_ids = [] if response is None else [*self._text_ids(response), self.end_of_turn_id]
        return join_tokens(prompt_ids, response_ids, max_tokens=max_tokens)

    def render_sampled(
        self, prompt_ids: Sequence[int], response_ids: Sequence[int], *, max_tokens: int | None = None
    ) -> Rendering:
        """The same for sampled tokens; whichever stop token ended them becomes the end-of-turn token of `render`."""
        body = self.without_stop(response_ids)
        return join_tokens(prompt_ids, [*body, self.end_of_turn_id], max_tokens=max_tokens)

    def without_stop(self, response_ids: Sequence[int]) -> list[int]:
        """Sampled tokens up to, and without, the first stop token."""
        ends = (index for index, token in enumerate(response_ids) if token in self.stop_ids)
        return list(response_ids[: next(ends, len(response_ids))])

    def decode(self, response_ids: Sequence[int]) -> str:
        """The text of sampled tokens, up to the first stop token."""
        return str(self.tokenizer.decode(self.without_stop(response_ids), skip_special_tokens=True))

    def _prompt_ids(self, messages: Messages, prompt_id: str | None) -> list[int]:
        try:
            ids = self.tokenizer.apply_chat_template(
                [dict(message) for message in messages],
                chat_template=self.chat_template,
                add_generation_prompt=True,
                return_dict=False,
                sanitize_control_tokens=True,
            )
        except TEMPLATE_FAULTS as error:
            name = "a prompt" if prompt_id is None else f"prompt {prompt_id!r}"
            roles = ", ".join(message["role"] for message in messages)
            why = f"the chat template of {self.tokenizer.name_or_path} refuses its messages ({roles}): {error}"
            raise DataError(f"{name}: {why}; change the prompt or leave it out, or mend the template") from error
        return list(ids)

    def _find_template(self) -> str:
        """The tokenizer's template; it is given the plain one where it has none."""
        if not self.tokenizer.chat_template:
            self.tokenizer.chat_template = PLAIN_TEMPLATE
            plain = "the tokenizer of %s has no chat template: messages are written as 'user: …', 'assistant: …', and a"
            log.warning(f"{plain} model that is saved carries this template", self.tokenizer.name_or_path)
        try:
            # One of several templates is the default.
            return str(self.tokenizer.get_chat_template())
        except ValueError as error:
            raise self._template_fault(error) from error

    def _template_fault(self, error: Exception) -> ConfigError:
        folder = self.tokenizer.name_or_path
        way_out = "mend its chat_template.jinja, or take the model's own"
        return ConfigError([f"{self.key}: the chat template of {folder} fails: {error}; {way_out}"])

    def _text_ids(self, text: str) -> list[int]:
        return list(self.tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"])

    def _find_end_of_turn(self) -> int:
        """The special token that the template puts after an answer, or end-of-sequence where it puts none."""
        messages = [{"role": "user", "content": "x"}, {"role": "assistant", "content": _PROBE}]
        try:
            text = self.tokenizer.apply_chat_template(messages, chat_template=self.chat_template, tokenize=False)
        except TEMPLATE_FAULTS as error:
            raise self._template_fault(error) from error
        tail = str(text).rpartition(_PROBE)[2]
        special = set(self.tokenizer.all_special_ids)
        ids = self.tokenizer(tail, add_special_tokens=False)["input_ids"]
        return next((token for token in ids if token in special), int(self.tokenizer.eos_token_id))


def join_tokens(prompt_ids: Sequence[int], response_ids: Sequence[int], *, max_tokens: int | None = None) -> Rendering:
    """Prompt and response in one sequence of at most `max_tokens`, cut from the front."""
    whole = (*prompt_ids, *response_ids)
    surplus = max(0, len(whole) - max_tokens) if max_tokens is not None else 0
    return Rendering(whole[surplus:], max(0, len(prompt_ids) - surplus), surplus > 0)


def _configured_stops(generation_config: GenerationConfig | None) -> list[int]:
    stops = generation_config.eos_token_id if generation_config is not None else None
    if stops is None:
        return []
    return [int(stops)] if isinstance(stops, int) else [int(stop) for stop in stops]
