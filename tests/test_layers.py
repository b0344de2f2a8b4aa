"""The architecture, as a test: who may import whom, and that no imports go round in a circle."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import opinionscope

PACKAGE = Path(opinionscope.__file__).parent
BASE = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__", "__main__"}
ALLOWED = {
    "api": set[str](),
    "store": set[str](),
    "notify": set[str](),
    "simulator": set[str](),
    "track_record": set(),
    "polling": set(),
    "alerts": {"notify", "api", "store"},
    "health": {"track_record", "polling", "api", "store"},
    "discovery": {"api", "store"},
    "schedule": {"store"},
    "signals": {"track_record", "notify", "store"},
    "merging": {"health", "signals", "store"},
    "check": {"alerts", "notify", "api", "store", "schedule"},
    "dashboard": {"signals", "track_record", "store"},
    "jobs": {"signals", "alerts", "track_record", "polling", "api", "store"},
    "cli": {
        "jobs",
        "signals",
        "health",
        "merging",
        "discovery",
        "check",
        "schedule",
        "dashboard",
        "alerts",
        "track_record",
        "polling",
        "notify",
        "store",
        "simulator",
    },
}
"""Which layers each one may import, besides the modules at the top, on which all of them stand."""
FOREIGN = {
    "api": {"sqlite3", "sqlite_utils", "typer", "rich"},
    "store": {"requests", "urllib3", "typer", "rich", "pydantic"},
    "jobs": {"typer", "rich", "sqlite3", "requests", "urllib3"},
    "health": {"typer", "rich", "requests", "urllib3"},
    "discovery": {"typer", "rich", "sqlite3", "requests", "urllib3"},
    "signals": {"typer", "rich", "sqlite3", "requests", "urllib3"},
    "merging": {"typer", "rich", "sqlite3", "requests", "urllib3"},
    "alerts": {"typer", "rich", "sqlite3"},
    "cli": {"sqlite3", "sqlite_utils", "requests", "urllib3"},
}
"""Packages that are another layer's business."""


def name_of(path: Path) -> str:
    parts = ("opinionscope", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts).removesuffix(".__init__")


MODULES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imports_of(path: Path) -> Iterator[str]:
    """Dotted names of all modules, and names in them, that the file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own_modules(path: Path) -> set[str]:
    """The modules of the package that the file imports, or names in a string, as for a process of its own."""
    named = [name if name in MODULES else name.rpartition(".")[0] for name in imports_of(path)]
    strings = [node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)]
    return {name for name in [*named, *strings] if name in MODULES} - {name_of(path), "opinionscope"}


def layer_of(module: str) -> str:
    return module.split(".")[1]


@pytest.mark.parametrize("layer", sorted(ALLOWED))
def test_a_layer_imports_only_layers_below_it(layer: str) -> None:
    for path in sorted((PACKAGE / layer).rglob("*.py")):
        above = {layer_of(module) for module in own_modules(path)} - ALLOWED[layer] - {layer} - BASE
        assert not above, f"{path.relative_to(PACKAGE)} imports {above}"


def test_every_folder_is_a_layer_with_its_rules() -> None:
    assert {path.parent.name for path in PACKAGE.glob("*/__init__.py")} == set(ALLOWED)


def test_what_all_layers_stand_on_imports_none_of_them() -> None:
    for module in sorted(BASE):
        assert {layer_of(name) for name in own_modules(PACKAGE / f"{module}.py")} <= BASE, module


@pytest.mark.parametrize("layer", sorted(FOREIGN))
def test_a_layer_keeps_to_its_own_business(layer: str) -> None:
    for path in sorted((PACKAGE / layer).rglob("*.py")):
        foreign = {name.split(".")[0] for name in imports_of(path)} & FOREIGN[layer]
        assert not foreign, f"{path.relative_to(PACKAGE)} imports {foreign}"


def test_no_modules_import_each_other_in_a_circle() -> None:
    below = {module: own_modules(path) for module, path in MODULES.items()}
    while leaves := [module for module, imported in below.items() if not imported & below.keys()]:
        for module in leaves:
            del below[module]
    assert not below, f"a circle: {sorted(below)}"
