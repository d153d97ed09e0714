"""
What is in the wheels and source distributions of ``nox -s build``.
"""

from __future__ import annotations

import configparser
import email
import re
import tarfile
import tomllib
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = [ROOT, *(path.parent for path in sorted(ROOT.glob("plugins/*/pyproject.toml")))]
RUBBISH = re.compile(r"(^|/)(tests?|__pycache__|\.[^/]*)(/|$)|\.py[co]$|\.sqlite3|\.toml\.swp$")

pytestmark = pytest.mark.built


class Built:
    """
    One distribution as it was built.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
        self.module = self.project["name"].replace("-", "_")
        stem = f"{self.module}-{self.project['version']}"
        self.info = f"{stem}.dist-info"
        with zipfile.ZipFile(ROOT / "dist" / f"{stem}-py3-none-any.whl") as wheel:
            names = [name for name in wheel.namelist() if not name.endswith("/")]
            self.wheel = {name: wheel.read(name) for name in names}
        with tarfile.open(ROOT / "dist" / f"{stem}.tar.gz") as sdist:
            names = [member.name for member in sdist.getmembers() if member.isfile()]
            self.sdist = {name.removeprefix(f"{stem}/") for name in names}
        self.metadata = email.message_from_string(self.read("METADATA"))

    def read(self, name: str) -> str:
        """
        Return the text of a metadata file of the wheel.
        """
        return self.wheel[f"{self.info}/{name}"].decode()

    def sources(self) -> set[str]:
        """
        Return the files of the package in the checkout that belong into the distribution.
        """
        files = (path for path in (self.folder / self.module).rglob("*") if path.is_file())
        names = {path.relative_to(self.folder).as_posix() for path in files}
        return {name for name in names if not RUBBISH.search(name)}


def requirements(lines: Iterable[str]) -> set[Requirement]:
    """
    Read requirements, however they are spaced.
    """
    return {Requirement(line) for line in lines}


@pytest.fixture(params=FOLDERS, ids=lambda folder: folder.name if folder != ROOT else "core")
def built(request: pytest.FixtureRequest) -> Built:
    """
    Each distribution in turn.
    """
    return Built(request.param)


def test_the_wheel_holds_the_package_and_nothing_else(built: Built) -> None:
    """
    Every file of the package is in the wheel, and beside it only its metadata.
    """
    packaged = {name for name in built.wheel if not name.startswith(f"{built.info}/")}

    assert built.sources() == packaged
    assert f"{built.module}/py.typed" in packaged


def test_the_source_distribution_builds_the_same_package(built: Built) -> None:
    """
    The source distribution has the package, its README and its license, and no leftovers.
    """
    expected = built.sources() | {"pyproject.toml", "README.md", "LICENSE"}

    assert set() == expected - built.sdist
    assert [] == [name for name in built.sdist if RUBBISH.search(name)]


def test_the_license_is_in_every_wheel(built: Built) -> None:
    """
    Each wheel carries the text of the one license.
    """
    assert (ROOT / "LICENSE").read_text() == built.read("licenses/LICENSE")


def test_the_metadata_says_what_an_installer_needs(built: Built) -> None:
    """
    Name, version, Python, license, requirements and readme are those of pyproject.toml.
    """
    metadata = built.metadata

    assert built.project["name"] == metadata["Name"]
    assert built.project["version"] == metadata["Version"]
    assert ">=3.11" == metadata["Requires-Python"]
    assert "MIT" == metadata["License-Expression"]
    extras = built.project.get("optional-dependencies", {})
    optional = [f'{each}; extra == "{extra}"' for extra, all_ in extras.items() for each in all_]
    assert requirements([*built.project["dependencies"], *optional]) == requirements(
        metadata.get_all("Requires-Dist")
    )
    assert sorted(extras) == sorted(metadata.get_all("Provides-Extra") or [])
    assert str(metadata.get_payload()).strip() == (built.folder / "README.md").read_text().strip()


def test_the_entry_points_are_declared(built: Built) -> None:
    """
    The command and the providers are found once the wheel is installed.
    """
    declared = dict(built.project.get("entry-points", {}))
    if "scripts" in built.project:
        declared["console_scripts"] = built.project["scripts"]
    found = configparser.ConfigParser()
    found.read_string(built.read("entry_points.txt"))

    assert declared == {group: dict(found[group]) for group in found.sections()}


def test_the_core_brings_its_migrations() -> None:
    """
    The wheel can set up a database.
    """
    migrations = [name for name in Built(ROOT).wheel if "/migrations/" in name]

    assert "seedcore/store/migrations/__init__.py" in migrations
    assert any(re.search(r"/0001_\w+\.py$", name) for name in migrations)


def test_the_core_brings_the_templates_of_new_plugins() -> None:
    """
    The wheel can write plugins: each template of the checkout is in it, those of both forms too.
    """
    wheel = Built(ROOT).wheel
    templates = [*(ROOT / "seedcore" / "cli" / "templates").rglob("*.template")]
    names = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in templates}

    assert {"class", "helper", "templates"} == {path.parent.name for path in templates}
    assert names == {name: text for name, text in wheel.items() if name in names}


def test_a_plugin_asks_for_a_core_it_works_with() -> None:
    """
    Each plugin requires the version series of the core that it was tested with.
    """
    core, *plugins = (Built(folder) for folder in FOLDERS)
    major, minor, *_ = map(int, core.project["version"].split("."))

    assert plugins
    for plugin in plugins:
        assert f"seedcore>={major}.{minor},<{major}.{minor + 1}" in plugin.project["dependencies"]


def test_no_distribution_is_left_over() -> None:
    """
    dist/ holds one wheel and one source distribution of each project.
    """
    kinds = ("*.whl", "*.tar.gz")

    assert 2 * len(FOLDERS) == sum(len([*(ROOT / "dist").glob(kind)]) for kind in kinds)


def test_every_dependency_is_pinned_within_its_bounds() -> None:
    """
    constraints.txt names one version and no host for each requirement of the project.
    """
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = dict(line.partition(" ;")[0].split("==") for line in lines)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = project["dependency-groups"].values()
    wanted = [line for group in groups for line in group if isinstance(line, str)]

    assert wanted
    for requirement in requirements(wanted + project["project"]["dependencies"]):
        assert requirement.specifier.contains(pins[requirement.name])
    assert [] == [line for line in lines if "/" in line]
