"""The compose file and the example of the environment, checked against the schema and against what the code reads."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.env import VARIABLES

ROOT = Path(__file__).resolve().parent.parent
COMPOSE = ROOT / "docker-compose.yml"
# Read by the programs in the images and not by our code.
FOREIGN = {"POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD", "VALKEY_PASSWORD", "REMAP_SIGTERM"}
# Set by the site for itself, or of use in tests only.
INTERNAL = {"CONCORD_EMBEDDED", "CONCORD_FSYNC"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load(COMPOSE.read_text())


def check_schema(path: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_compose_file_follows_the_specification() -> None:
    result = check_schema(COMPOSE)
    assert result.returncode == 0, result.stdout


def test_the_schema_check_can_fail(tmp_path: Path) -> None:
    broken = tmp_path / "compose.yml"
    broken.write_text(COMPOSE.read_text().replace("    healthcheck:\n", "    healthchek:\n", 1))
    assert check_schema(broken).returncode != 0


def test_every_dependency_is_a_service(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert set(services) == {"migrate", "web", "worker", "gpu-worker", "beat", "postgres", "valkey"}
    for name, service in services.items():
        missing = set(service.get("depends_on", {})) - set(services)
        assert not missing, f"{name} depends on {missing}"


def test_every_lasting_service_has_a_health_check_and_restarts(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        if name != "migrate":
            assert service.get("healthcheck", {}).get("test"), name
            assert service["restart"] == "unless-stopped", name
            assert "stop_grace_period" in service, name


def test_images_are_pinned_to_a_release(compose: dict[str, Any]) -> None:
    images = [service["image"] for service in compose["services"].values()]
    images += re.findall(r"^FROM (\S+:\S+)", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    assert len(images) > 7
    for image in images:
        assert re.search(r":\d+\.\d+", image), f"{image} names no release"


def test_ports_are_bound_to_this_machine_only(compose: dict[str, Any]) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_secrets_have_no_defaults() -> None:
    text = COMPOSE.read_text()
    for secret in ("SECRET_KEY", "POSTGRES_PASSWORD", "VALKEY_PASSWORD"):
        uses = re.findall(r"\$\{" + secret + r"([^}]*)\}", text)
        assert uses, secret
        assert all(use.startswith(":?") for use in uses), secret


def test_the_broker_never_forgets(compose: dict[str, Any]) -> None:
    command = " ".join(compose["services"]["valkey"]["command"])
    assert "--appendonly yes" in command
    assert "noeviction" in command


def test_postgres_18_is_mounted_above_its_data_folder(compose: dict[str, Any]) -> None:
    assert compose["services"]["postgres"]["volumes"] == ["postgres:/var/lib/postgresql"]


def test_every_variable_in_the_compose_file_is_one_the_code_reads(compose: dict[str, Any]) -> None:
    given = {name for service in compose["services"].values() for name in service.get("environment", {})}
    assert "SECRET_KEY" in given
    assert given - FOREIGN <= set(VARIABLES)


def test_the_example_environment_names_every_variable_and_no_other() -> None:
    named = set(re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), flags=re.MULTILINE))
    assert named - FOREIGN == set(VARIABLES) - INTERNAL


def test_the_web_image_has_no_torch() -> None:
    before_gpu = (ROOT / "Dockerfile").read_text().partition("FROM web AS gpu")[0]
    assert "torch" not in before_gpu.replace("has no torch", "")
    commands = json.dumps(yaml.safe_load(COMPOSE.read_text())["services"]["web"])
    assert '"target": "web"' in commands
