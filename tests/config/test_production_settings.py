"""What a production start insists on, in a process of its own."""

import json
import os
import re
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GOOD = {
    "CONCORD_MODE": "production",
    "SECRET_KEY": secrets.token_urlsafe(50),
    "ALLOWED_HOSTS": "concord.example",
    "DATABASE_URL": "postgresql://me:secret@host/name",
    "REDIS_URL": "redis://host",
}
SHOW = (
    "from config import settings as s; print(s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.SECURE_SSL_REDIRECT, "
    "s.SECURE_HSTS_SECONDS > 0, s.DEBUG, 'pool' in s.DATABASES['default']['OPTIONS'], s.LOGGING['formatters'] != {})"
)


def start(code: str = SHOW, **changes: str) -> subprocess.CompletedProcess[str]:
    names = {"DATABASE_URL", "REDIS_URL", "CONCORD_EMBEDDED", "CONCORD_MODE"}
    environment = {name: value for name, value in os.environ.items() if name not in names} | GOOD | changes
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def test_cookies_redirect_and_hsts_are_on_and_debugging_off() -> None:
    result = start()
    assert result.stdout.split() == ["True", "True", "True", "True", "False", "True", "True"], result.stderr


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY is not set"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY must have at least 50"),
        ({"SECRET_KEY": "a" * 60}, "SECRET_KEY must have at least 50"),
        ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS is not set"),
        ({"REDIS_URL": ""}, "REDIS_URL is not set"),
        ({"MAX_UPLOAD_BYTES": "ten"}, "MAX_UPLOAD_BYTES must be a whole number"),
        ({"CONCORD_MODE": "prod"}, "CONCORD_MODE must be one of"),
    ],
)
def test_a_start_without_what_it_needs_is_refused_by_name(changes: dict[str, str], complaint: str) -> None:
    result = start(**changes)
    assert result.returncode != 0
    assert complaint in result.stderr


def test_a_generated_key_is_kept_and_private(tmp_path: Path) -> None:
    local = {"CONCORD_MODE": "local", "SECRET_KEY": "", "CONCORD_VAR": str(tmp_path)}
    first, second = (start("from config import settings; print(settings.SECRET_KEY)", **local) for _ in range(2))
    assert len(first.stdout.strip()) >= 50, first.stderr
    assert first.stdout == second.stdout
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0


def test_static_files_get_hashed_names_and_every_reference_resolves(tmp_path: Path) -> None:
    code = (
        "import django; django.setup();"
        "from config.static_files import HashedStaticFiles as Storage;"
        "Storage.post_process_with_compression = lambda self, files: files;"  # most of a minute, and not looked at
        "from django.core.management import call_command as call;"
        "call('collectstatic', interactive=False, verbosity=0);"
        "from django.templatetags.static import static; print(static('css/app.css'))"
    )
    sheet = next((ROOT / "static" / "css").glob("*.css"))
    code = code.replace("app.css", sheet.name)
    result = start(code, DJANGO_SETTINGS_MODULE="config.settings", CONCORD_VAR=str(tmp_path))
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() != f"/static/css/{sheet.name}"
    for script in (tmp_path / "static" / "js").glob("rank.????????????.js"):
        imported = re.findall(r'from "\./([^"]+)"', script.read_text())
        assert imported
        assert all(re.fullmatch(r"\w+\.[0-9a-f]{12}\.js", name) for name in imported), imported


def test_logs_are_json_lines_with_the_reason_and_no_local_variables() -> None:
    code = (
        "import django; django.setup(); import logging, json\n"
        "def fail():\n    password = 'hunter2'\n    raise ValueError('the reason')\n"
        "try:\n    fail()\nexcept ValueError:\n    logging.getLogger('concord').exception('it failed')\n"
    )
    result = start(code, DJANGO_SETTINGS_MODULE="config.settings")
    line = json.loads(result.stderr.strip().splitlines()[-1])
    assert line["event"] == "it failed"
    assert "the reason" in line["exception"]
    assert "hunter2" not in result.stderr.replace("password = 'hunter2'", "")
