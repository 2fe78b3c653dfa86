"""Who may import whom, what is pure, and what may not appear in the code at all."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parent.parent
DJANGO_SIDE = ("annotation", "trainingruns", "config")
TORCH_SIDE = ("rewardmodel", "rltrainer")
PACKAGES = DJANGO_SIDE + TORCH_SIDE
# What the site may load of the trainers; it needs no torch to do so.
SHARED_WITH_SITE = {
    "rewardmodel.config",
    "rewardmodel.config_parsing",
    "rewardmodel.records",
    "rewardmodel.strict_json",
    "rltrainer.config",
    "rltrainer.config_brakes",
    "rltrainer.config_checks",
    "rltrainer.config_learning",
    "rltrainer.config_offline",
    "rltrainer.config_reward",
    "rltrainer.config_sections",
    "rltrainer.judged_records",
}
FRAMEWORKS = {"django", "rest_framework", "celery", "psycopg", "redis", "allauth"}
ALWAYS_PURE = (
    "annotation/agreement/",
    "annotation/kinds/",
    "annotation/exports/",
    "annotation/allocation.py",
    "trainingruns/lifecycle.py",
)
VAGUE_NAMES = {"utils", "util", "helpers", "common", "misc"}
MOST_LINES = 300


def source_files(*packages: str) -> list[Path]:
    return sorted(path for name in packages for path in (ROOT / name).rglob("*.py") if "migrations" not in path.parts)


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def import_graph() -> grimp.ImportGraph:
    return grimp.build_graph(*PACKAGES, include_external_packages=True, cache_dir=None)


def reached_from(module: str) -> set[str]:
    """The module, all it imports, and the packages above each, over and over; outside packages by their first name."""
    graph, found, waiting = import_graph(), set(), [module]
    while waiting:
        name = waiting.pop()
        if name in found or name not in graph.modules:
            continue
        found.add(name)
        if name.partition(".")[0] in PACKAGES:
            waiting += graph.find_modules_directly_imported_by(name)
            waiting += [name.rpartition(".")[0]]
    return found


def outside_of(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules} - set(PACKAGES)


def pure_files() -> list[Path]:
    files = source_files(*DJANGO_SIDE)
    return [
        path
        for path in files
        if (ast.get_docstring(parse(path)) or "").startswith("PURE")
        or str(path.relative_to(ROOT)).startswith(ALWAYS_PURE)
    ]


def calls(tree: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def test_import_contracts_are_kept() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def test_the_site_loads_only_the_trainers_configuration_and_records() -> None:
    graph = import_graph()
    loaded = {
        f"{importer} -> {imported}"
        for importer in graph.modules
        if importer.partition(".")[0] in DJANGO_SIDE
        for imported in graph.find_modules_directly_imported_by(importer)
        if imported.partition(".")[0] in TORCH_SIDE and imported not in SHARED_WITH_SITE
    }
    assert not loaded


@pytest.mark.parametrize("module", sorted(SHARED_WITH_SITE))
def test_what_the_site_loads_of_the_trainers_needs_the_standard_library_only(module: str) -> None:
    assert module in import_graph().modules
    assert outside_of(reached_from(module)) <= set(sys.stdlib_module_names)


def test_pure_modules_reach_no_framework() -> None:
    files = pure_files()
    assert len(files) > 30
    impure = {str(path): found for path in files if (found := outside_of(reached_from(module_name(path))) & FRAMEWORKS)}
    assert not impure


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = import_graph()
    inside = {name for name in graph.modules if name.partition(".")[0] in PACKAGES}
    assert not circular({name: graph.find_modules_directly_imported_by(name) & inside for name in inside})


def test_the_circle_check_sees_a_circle() -> None:
    arrows = {"a": {"b"}, "b": {"c"}, "c": {"b", "leaf"}, "leaf": set()}
    assert circular(arrows) == {"b", "c"}


def circular(arrows: dict[str, set[str]]) -> set[str]:
    """The modules that are part of a circle or lie between two."""
    # What imports nobody left cannot be part of a circle, and neither can what nobody left imports.
    while ends := {name for name, targets in arrows.items() if not targets}:
        arrows = {name: targets - ends for name, targets in arrows.items() if name not in ends}
    circle = set(arrows)
    while starts := circle - {target for name in circle for target in arrows[name]}:
        circle -= starts
    return circle


def test_only_one_module_reads_the_environment() -> None:
    readers = []
    for path in [*source_files(*DJANGO_SIDE), ROOT / "manage.py"]:
        if path == ROOT / "config" / "env.py":
            continue
        for node in ast.walk(parse(path)):
            text = ast.unparse(node) if isinstance(node, ast.Call | ast.Subscript) else ""
            if re.match(r"(os\.)?(environ|getenv)\b", text) and "DJANGO_SETTINGS_MODULE" not in text:
                readers.append(f"{path.relative_to(ROOT)}:{node.lineno} {text}")
    assert not readers


def test_nothing_unpickles_runs_foreign_code_or_a_shell() -> None:
    found = []
    for path in source_files(*PACKAGES):
        found += [f"{path.relative_to(ROOT)}:{line} {what}" for line, what in dangers(path)]
    assert not found


def dangers(path: Path) -> Iterator[tuple[int, str]]:
    tree = parse(path)
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        for name in names:
            if name.partition(".")[0] in {"pickle", "cloudpickle", "dill", "marshal", "shelve", "joblib"}:
                yield node.lineno, f"import {name}"
    for name, call in calls(tree):
        if name in {"eval", "exec", "torch.load", "yaml.load", "os.system", "os.popen", "numpy.load", "np.load"}:
            yield call.lineno, name
        for keyword in call.keywords:
            if keyword.arg in {"shell", "trust_remote_code", "allow_pickle"} and not is_false(keyword.value):
                yield call.lineno, f"{keyword.arg}="


def is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


def test_html_is_declared_safe_only_with_a_reason() -> None:
    bare = []
    for path in source_files(*PACKAGES):
        lines = path.read_text(encoding="utf-8").splitlines()
        for name, call in calls(parse(path)):
            if name.rpartition(".")[2] in {"mark_safe", "SafeString"}:
                near = lines[max(0, call.lineno - 3) : call.lineno]
                if not any(re.search(r"# (safe:|noqa: S308 -) \w", line) for line in near):
                    bare.append(f"{path.relative_to(ROOT)}:{call.lineno}")
    assert not bare, "say why above or beside it: # safe: reason"


def test_templates_switch_no_escaping_off() -> None:
    pattern = re.compile(r"\|\s*safe\b|autoescape\s+off|\son\w+\s*=\s*[\"']|<script(?![^>]*\bsrc=)|\sstyle\s*=\s*[\"']")
    found = []
    for path in sorted((ROOT / "templates").rglob("*.html")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if pattern.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number} {line.strip()}")
    assert not found


def test_files_have_telling_names_and_a_readable_length() -> None:
    vague = [str(path) for path in source_files(*PACKAGES) if path.stem in VAGUE_NAMES]
    assert not vague
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in source_files(*PACKAGES)}
    assert not {name: length for name, length in lengths.items() if length > MOST_LINES}


def test_the_danger_check_sees_what_it_looks_for(tmp_path: Path) -> None:
    sample = tmp_path / "sample.py"
    sample.write_text(
        "import pickle\nload(trust_remote_code=True)\nrun('x', shell=flag)\ntorch.load(p)\nrun(shell=False)\n"
    )
    assert [what for _, what in dangers(sample)] == ["import pickle", "trust_remote_code=", "shell=", "torch.load"]
