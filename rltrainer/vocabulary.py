"""Whether two models mean the same by a token id."""

from pathlib import Path

from transformers import PreTrainedTokenizerBase

from rewardmodel.config_parsing import ConfigError
from rewardmodel.runtime.backbones import load_tokenizer


def require_same_tokens(
    folder: Path, tokenizer: PreTrainedTokenizerBase, *, key: str, reader: str, way_out: str
) -> None:
    """Raises: ConfigError, beginning with `key`, where the folder's tokenizer gives any token another id than the
    policy's `tokenizer` does, or where there is none.

    How many rows the tables of embeddings have is not looked at: those past the last token are padding. reader: who
    reads the policy's tokens with that folder. way_out: what to do.
    """
    own, policy = load_tokenizer(folder, key=key).get_vocab(), tokenizer.get_vocab()
    differing = len({token for token, _ in own.items() ^ policy.items()})
    if differing:
        fault = (
            f"{key}: the {reader} reads the policy's tokens, but {folder} has {differing} that are missing "
            f"or have another number there; {way_out}"
        )
        raise ConfigError([fault])
