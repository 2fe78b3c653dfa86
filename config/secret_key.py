"""The key that signs sessions and links: given in production, made once and kept for a local site."""

import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from config import env

MINIMUM_CHARACTERS = 50


def load_secret_key(*, mode: str, var_dir: Path) -> str:
    """SECRET_KEY from the environment; outside production a generated one kept in `var_dir`.

    Raises: ImproperlyConfigured in production when the key is missing, short or made of few distinct characters.
    """
    if mode != "production":
        return env.read_text("SECRET_KEY", "") or _keep_generated_key(var_dir / "secret_key")
    key = env.read_text("SECRET_KEY")
    if len(key) < MINIMUM_CHARACTERS or len(set(key)) < 8:
        raise ImproperlyConfigured(
            f"SECRET_KEY must have at least {MINIMUM_CHARACTERS} random characters. "
            'Make one: python -c "import secrets; print(secrets.token_urlsafe(50))"'
        )
    return key


def _keep_generated_key(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".secret_key-{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(secrets.token_urlsafe(50))
    try:
        # A link fails if another process was first, and readers never see a half-written key.
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    return path.read_text(encoding="utf-8").strip()
