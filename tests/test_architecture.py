"""
The shape of the core: imports point down, and one module per outside library.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import seedcore

ROOT = Path(seedcore.__file__).parent

LEVELS: dict[str, int] = {
    "errors": 0,
    "model": 0,
    "policy": 0,
    "redact": 0,
    "hookspecs": 1,
    "settings": 1,
    "contract": 2,
    "store": 2,
    "events": 2,
    "adapt": 3,
    "plugins": 3,
    "dry": 3,
    "options": 1,
    "polling": 3,
    "presets": 3,
    "call": 3,
    "context": 3,
    "http": 3,
    "lane": 3,
    "lanes": 3,
    "validate": 3,
    "admission": 3,
    "attempt": 3,
    "audit": 3,
    "once": 3,
    "fairness": 3,
    "storage": 3,
    "spoilers": 3,
    "outcome": 3,
    "sharing": 3,
    "routes": 3,
    "surface": 4,
    "lifetime": 4,
    "runner": 4,
    "testing": 5,
    "demo": 5,
    "__init__": 5,
    "__main__": 5,
    "cli": 5,
}
"""The floor of each module and folder: it may import those on its own floor and below."""

ONLY_IN: dict[str, tuple[str, ...]] = {
    "tortoise": ("store/",),
    "asyncpg": ("store/postgres.py",),
    "backoff": ("contract/retry.py",),
    "aiohttp": ("http.py", "testing/"),
    "typed_settings": ("settings/",),
    "pluggy": ("hookspecs.py", "adapt.py"),
    "loguru": ("events.py", "cli/", "testing/"),
    "click": ("cli/", "testing/"),
    "yaml": ("presets/",),
    "rich": ("demo/live.py",),
    "pytest": ("testing/",),
}
"""Where an outside library may be imported at run time."""


def modules() -> list[Path]:
    """
    Return all source files of the core.
    """
    return sorted(ROOT.rglob("*.py"))


def imports(path: Path, *, at_run_time: bool = False) -> Iterator[str]:
    """
    Yield the names a file imports, without those for type checkers if *at_run_time*.
    """
    tree = ast.parse(path.read_text("utf-8"))
    typing_only: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            typing_only.update(inner for statement in node.body for inner in ast.walk(statement))
    for node in ast.walk(tree):
        if at_run_time and node in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def place(path: Path) -> str:
    """
    Return the module or folder of the core that *path* belongs to.
    """
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def test_every_module_has_a_floor() -> None:
    """
    A new room is put into the picture on purpose.
    """
    assert {place(path) for path in modules()} == set(LEVELS)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path: Path) -> None:
    """
    No module imports one from a floor above its own, not even for its types.

    The hook specifications may name the context in their annotations: it is what plugins see.
    """
    floor = LEVELS[place(path)]
    for name in imports(path, at_run_time=place(path) == "hookspecs"):
        parts = name.split(".")
        if parts[0] == "seedcore" and len(parts) > 1 and parts[1] in LEVELS:
            assert LEVELS[parts[1]] <= floor, f"{path} imports {name}"


@pytest.mark.parametrize(("library", "places"), ONLY_IN.items())
def test_each_library_has_one_home(library: str, places: tuple[str, ...]) -> None:
    """
    What another library would replace is in one place.
    """
    users = {
        path.relative_to(ROOT).as_posix()
        for path in modules()
        if any(name.split(".")[0] == library for name in imports(path, at_run_time=True))
    }
    assert users
    assert [] == [user for user in sorted(users) if not user.startswith(places)]


def test_the_contract_knows_neither_plugins_nor_database_nor_http() -> None:
    """
    Its rules hold for whatever is called.
    """
    for path in (ROOT / "contract").glob("*.py"):
        for name in imports(path):
            assert not name.startswith(
                ("pluggy", "tortoise", "aiohttp", "seedcore.plugins", "seedcore.store")
            ), f"{path} imports {name}"


def test_nobody_waits_with_wait_for() -> None:
    """
    asyncio.wait_for loses cancellations on Python 3.11; time.sleep would block the loop.
    """
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Attribute):
                assert ast.unparse(node) not in ("asyncio.wait_for", "time.sleep"), path


def test_importing_seedcore_imports_nothing_else() -> None:
    """
    It prints nothing, adds no sink, and loads none of the heavy libraries.
    """
    code = (
        "import sys, seedcore; "
        "print([n for n in ('aiohttp','tortoise','loguru','pluggy','attrs','click',"
        "'typed_settings','asyncio','backoff') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ("[]\n", "") == (done.stdout, done.stderr)


def test_the_public_names_are_sorted_and_exist() -> None:
    """
    Everything in __all__ can be imported, and dir() shows the same.
    """
    assert sorted(seedcore.__all__) == seedcore.__all__
    assert len(set(seedcore.__all__)) == len(seedcore.__all__)
    for name in seedcore.__all__:
        assert getattr(seedcore, name) is not None
    assert seedcore.__all__ == dir(seedcore)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        seedcore.nothing  # noqa: B018


def test_type_checkers_see_the_names_that_run() -> None:
    """
    The imports for type checkers and the table of homes name the same things.
    """
    tree = ast.parse(Path(seedcore.__file__).read_text("utf-8"))
    seen = {
        (node.module, alias.asname)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("seedcore.")
        for alias in node.names
    }
    homes = {(f"seedcore.{home}", name) for name, home in seedcore._HOME_OF.items()}
    assert homes == seen
