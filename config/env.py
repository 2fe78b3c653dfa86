"""The only reader of the environment: typed values by name, and one table of every name there is.

`VARIABLES` is the whole list; `.env.example` and `docker-compose.yml` are tested against it. Every reader raises
`ImproperlyConfigured` naming the variable. A secret may also come from a file: `SECRET_KEY_FILE=/run/secrets/key`.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Variable:
    """One name the product reads, what it means, and whether it may come from a file named in `<NAME>_FILE`."""

    meaning: str
    secret: bool = False


VARIABLES: dict[str, Variable] = {
    "CONCORD_MODE": Variable("local, test or production; local unless DATABASE_URL is given from outside"),
    "CONCORD_VAR": Variable("folder of everything the embedded site keeps; default var/ in the checkout"),
    "CONCORD_EMBEDDED": Variable("names of the embedded services in use; set by config.services, not by hand"),
    "CONCORD_FSYNC": Variable("no: the embedded Postgres skips fsync and autovacuum; only for tests"),
    "DATABASE_URL": Variable("postgresql://user:password@host:5432/name; empty: embedded Postgres", secret=True),
    "REDIS_URL": Variable("redis://:password@host:6379/0; empty: embedded Valkey", secret=True),
    "DATABASE_POOL_SIZE": Variable("most database connections one process keeps; default 8"),
    "SECRET_KEY": Variable(
        "at least 50 random characters; required in production (CONCORD_MODE=local for a trial makes one)", secret=True
    ),
    "ALLOWED_HOSTS": Variable("host names the site answers to, by comma; required in production"),
    "CSRF_TRUSTED_ORIGINS": Variable("https origins that may post, by comma"),
    "SITE_URL": Variable("address that links in e-mails and commands begin with; default http://127.0.0.1:PORT"),
    "TRUSTED_PROXY_COUNT": Variable("reverse proxies in front that set X-Forwarded-For and -Proto; default 0"),
    "PORT": Variable("port of the web server; default 8000"),
    "WEB_THREADS": Variable("threads of each web process; default 4"),
    "WEB_PROCESSES": Variable("web processes; default 2"),
    "WORKER_NICENESS": Variable("how far the worker of short jobs steps back on a busy machine, 0 to 19; default 10"),
    "ARTIFACTS_ROOT": Variable("folder of snapshots, run directories and models; default CONCORD_VAR/artifacts"),
    "MAX_UPLOAD_BYTES": Variable("largest request body; default 10 MiB"),
    "MAX_IMPORT_BYTES": Variable("largest file that can be uploaded to be imported; default 1 GiB"),
    "MAX_UNPACKED_BYTES": Variable("most that a gzip file to be imported may unpack to; default 4 GiB"),
    "REWARD_FUNCTIONS": Variable("package.module:name of Python functions that runs may reward with, by comma"),
    "VLLM_URL": Variable("address of the vLLM server that samples for policy runs which ask for it"),
    "VLLM_FOLDER": Variable("folder from which that server reads new weights"),
    "LOG_LEVEL": Variable("DEBUG, INFO, WARNING or ERROR; default INFO, WARNING for commands"),
    "LOG_FORMAT": Variable("console or json; default json in production"),
    "EMAIL_HOST": Variable("SMTP server; empty: e-mails are printed to the log"),
    "EMAIL_PORT": Variable("SMTP port; default 587"),
    "EMAIL_USER": Variable("SMTP user"),
    "EMAIL_PASSWORD": Variable("SMTP password", secret=True),
    "EMAIL_FROM": Variable("sender of e-mails; default concord@localhost"),
}


def read_text(name: str, default: str | None = None) -> str:
    """The value of a variable or of the file its `_FILE` twin names; without a default an empty one is an error."""
    value = _raw(name)
    if value:
        return value
    if default is None:
        raise ImproperlyConfigured(f"{name} is not set. It is: {VARIABLES[name].meaning}.")
    return default


def read_int(name: str, default: int, *, minimum: int = 0) -> int:
    """A whole number not below `minimum`."""
    text = read_text(name, str(default))
    try:
        value = int(text)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {text!r}.") from error
    if value < minimum:
        raise ImproperlyConfigured(f"{name} must be at least {minimum}, not {value}.")
    return value


def read_bool(name: str, default: bool) -> bool:
    """yes/no, true/false, on/off or 1/0."""
    text = read_text(name, "yes" if default else "no").lower()
    if text in ("yes", "true", "on", "1"):
        return True
    if text in ("no", "false", "off", "0"):
        return False
    raise ImproperlyConfigured(f"{name} must be yes or no, not {text!r}.")


def read_choice(name: str, choices: tuple[str, ...], default: str) -> str:
    """One of a few words."""
    text = read_text(name, default)
    if text not in choices:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(choices)}, not {text!r}.")
    return text


def read_list(name: str, *, required: bool = False) -> list[str]:
    """The parts between commas, without blanks; empty when the variable is, unless it is required."""
    return [part.strip() for part in read_text(name, None if required else "").split(",") if part.strip()]


def read_path(name: str, default: Path) -> Path:
    """An absolute folder or file; a relative one is taken from the checkout."""
    return (BASE_DIR / read_text(name, str(default))).resolve()


def read_mode() -> str:
    """`local`, `test` or `production`; a database given from outside means production unless said otherwise."""
    outside = bool(_raw("DATABASE_URL")) and "postgres" not in read_text("CONCORD_EMBEDDED", "").split(",")
    return read_choice("CONCORD_MODE", ("local", "test", "production"), "production" if outside else "local")


def read_site_url() -> str:
    """Where the site answers: SITE_URL; else what the running site of this checkout says; else the usual port."""
    return read_text("SITE_URL", _running_site() or f"http://127.0.0.1:{read_int('PORT', 8000)}").rstrip("/")


def is_site_url_guessed() -> bool:
    """Whether `read_site_url` has nothing to go by but the usual port."""
    return not (is_given("SITE_URL") or is_given("PORT") or _running_site())


def _running_site() -> str:
    """What the running site of this checkout says of its address; a PORT that is given counts for more."""
    lock = read_var_dir() / "site.lock"
    return "" if is_given("PORT") or not lock.is_file() else lock.read_text(encoding="utf-8").strip()


def read_var_dir() -> Path:
    """The folder in which an embedded site keeps its services, artifacts and generated secret."""
    return read_path("CONCORD_VAR", BASE_DIR / "var")


def read_database() -> dict[str, Any]:
    """DATABASE_URL as an entry of Django's DATABASES; Postgres is the only engine."""
    return parse_database_url(read_text("DATABASE_URL"))


def parse_database_url(url: str) -> dict[str, Any]:
    """A postgresql:// URL as Django wants it; a percent-coded folder as host means a socket there."""
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql"):
        raise ImproperlyConfigured("DATABASE_URL must begin with postgresql://; no other database is supported.")
    name = unquote(parts.path.lstrip("/"))
    if not name:
        raise ImproperlyConfigured("DATABASE_URL names no database; it ends in /name.")
    try:
        port = parts.port
    except ValueError as error:
        raise ImproperlyConfigured("DATABASE_URL has a port that is no number.") from error
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(_host_with_case(parts.netloc)),
        "PORT": str(port or ""),
        "OPTIONS": dict(parse_qsl(parts.query)),
    }


def is_given(name: str) -> bool:
    """Whether a variable or its file twin is set to something."""
    return bool(_raw(name))


def export(values: Mapping[str, str]) -> None:
    """Sets variables for this process and the ones it starts."""
    unknown = set(values) - set(VARIABLES)
    if unknown:
        raise KeyError(f"not a variable of this product: {sorted(unknown)}")
    os.environ.update(values)


def child_environment(**extra: str) -> dict[str, str]:
    """This process's environment with some variables changed, for a child process."""
    return {**os.environ, **extra}


def _raw(name: str) -> str:
    variable = VARIABLES[name]
    file_name = os.environ.get(f"{name}_FILE", "") if variable.secret else ""
    value = os.environ.get(name, "").strip()
    if not file_name:
        return value
    if value:
        raise ImproperlyConfigured(f"{name} and {name}_FILE are both set; keep one.")
    try:
        return Path(file_name).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{name}_FILE cannot be read: {error}.") from error


def _host_with_case(netloc: str) -> str:
    # urlsplit().hostname lower-cases, which breaks the path of a socket folder.
    address = netloc.rpartition("@")[2]
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0]
