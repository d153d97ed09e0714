"""
The plugin as a whole: its entry points, its rows, its settings, its dry run.
"""

from __future__ import annotations

import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import attrs
import pytest

import seedcore
from seedcore_samus.site import SmSettings

PYPROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"


def test_the_entry_points_are_providers():
    """
    What pyproject.toml names can be imported, and does the same four things.
    """
    declared = tomllib.loads(PYPROJECT.read_text())["project"]["entry-points"]
    assert ["seedcore.providers", "seedcore.contracts"] == [*declared]
    assert {*declared["seedcore.providers"]} == {*declared["seedcore.contracts"]} == {"sm", "smz3"}
    registry = seedcore.Registry(discover=False)
    for name, value in declared["seedcore.providers"].items():
        registry.add(name, EntryPoint(name, value, "seedcore.providers").load())

    for name in registry.names:
        operations = registry.load(name).operations
        assert {"generate": "repeatable", "seed": "read", "spoiler": "read", "options": "read"} == {
            name: operation.effect for name, operation in operations.items()
        }
        assert ["generate"] == [name for name, one in operations.items() if one.audited]


@pytest.mark.parametrize(
    ("provider", "asked", "expected"),
    [
        ("smz3", {"preset": "hard"}, ("smz3", "preset", "hard")),
        ("sm", {"options": {"logic": "casual"}}, ("sm", "options", None)),
        ("sm", {"options": {"names": "Red,Blue"}}, ("sm", "multiworld", None)),
        (
            "smz3",
            {"preset": "normal", "options": {"names": "Red,Blue"}},
            ("smz3", "multiworld", "normal"),
        ),
    ],
)
async def test_a_row_says_what_was_made(
    runner_for, rows_of, tmp_path, *, provider, asked, expected
):
    """
    Multiworlds have a row as well, and are told apart.
    """
    database = f"sqlite://{tmp_path / 'audit.sqlite3'}"
    async with runner_for(database) as runner:
        seed = await runner.generate(provider, race=True, surface="tests", **asked)
    (row,) = await rows_of(database)

    assert expected == (row["randomizer"], row["gentype"], row["genoption"])
    assert (seed.url, seed.id, seed.version) == (row["permalink"], row["hash_id"], row["version"])
    assert dict(seed.settings) == row["settings"]


@pytest.mark.parametrize(
    "url",
    [
        "https://samus.link",
        "ftp://{release}.samus.link",
        "{release}",
        "http://{release}{release}",
        "https://samus.link/?r={release}",
        "https://{release}.samus.link?x=1",
        "https://{release}.samus.link/#x",
        "https://{release}.samus.link:port",
        "https:///{release}",
    ],
)
def test_where_releases_are_needs_a_place_for_their_name(url):
    """
    Without one each release would be the same.
    """
    with pytest.raises(
        seedcore.SettingsError, match="release_url must (be an http:// or https:// address|have {)"
    ):
        SmSettings(release_url=url)


async def test_a_dry_run_refuses_what_the_call_would(runner, upstream):
    """
    And sends nothing.
    """
    with pytest.raises(seedcore.ProviderInvalidRequestError, match="has neither"):
        await runner.generate("sm", options={"names": "Red,?"}, surface="tests", dry_run=True)
    seed = await runner.generate("sm", options={"names": "Red,Blue"}, surface="tests", dry_run=True)

    assert attrs.has(type(seed))
    assert [] == upstream.requests
