"""The architecture, as a test: who may import whom."""

import ast
from pathlib import Path

import pytest

import opinionscope

PACKAGE = Path(opinionscope.__file__).parent
BASE = {"errors", "times", "locks", "locations", "addresses", "settings", "text"}
ALLOWED = {
    "api": BASE,
    "store": BASE,
    "exchange": set[str](),
    "jobs": BASE | {"api", "store", "monitor"},
    "monitor": BASE | {"api", "store"},
    "cli": BASE | {"jobs", "store", "monitor", "exchange", "demo", "wallet_list"},
}
FOREIGN = {
    "api": {"sqlite3", "sqlite_utils", "typer", "rich"},
    "store": {"requests", "urllib3", "typer", "rich", "pydantic"},
    "jobs": {"typer", "rich", "sqlite3", "requests", "urllib3"},
    "cli": {"sqlite3", "sqlite_utils", "requests", "urllib3"},
}


def imports_of(path: Path) -> set[str]:
    """Dotted names of all modules that the file imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def own_layers(names: set[str]) -> set[str]:
    return {name.split(".")[1] for name in names if name.startswith("opinionscope.")} - {"__version__"}


@pytest.mark.parametrize("layer", sorted(ALLOWED))
def test_a_layer_imports_only_layers_below_it(layer: str) -> None:
    for path in sorted((PACKAGE / layer).rglob("*.py")):
        above = own_layers(imports_of(path)) - ALLOWED[layer] - {layer}
        assert not above, f"{path.relative_to(PACKAGE)} imports {above}"


@pytest.mark.parametrize("module", sorted(BASE))
def test_what_all_layers_stand_on_imports_none_of_them(module: str) -> None:
    assert own_layers(imports_of(PACKAGE / f"{module}.py")) <= BASE


@pytest.mark.parametrize("layer", sorted(FOREIGN))
def test_a_layer_keeps_to_its_own_business(layer: str) -> None:
    for path in sorted((PACKAGE / layer).rglob("*.py")):
        foreign = {name.split(".")[0] for name in imports_of(path)} & FOREIGN[layer]
        assert not foreign, f"{path.relative_to(PACKAGE)} imports {foreign}"
