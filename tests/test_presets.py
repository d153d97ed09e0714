"""
Where presets in files are found, and what they say.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from seedcore.errors import (
    DatabaseError,
)
from seedcore.presets import Preset
from seedcore.presets.sources import drafts_in
from support.preset_world import ME, YOU, World, ship


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """
    The folder of the plugin that the providers are said to be from.
    """
    return ship(tmp_path, monkeypatch)


@pytest.fixture
def files(tmp_path: Path, shipped: Path) -> World:
    """
    Without one.
    """
    return World(tmp_path / "own", None)


async def test_a_preset_in_a_folder(files: World) -> None:
    """
    It is what the file says, in the provider's folder.
    """
    text = "goal_name: Open\ndescription: Just that.\nbranch: live\nsettings: {mode: open}\n"
    files.write("demo/open.yaml", text)
    expected = Preset(
        provider="demo",
        name="open",
        options={"mode": "open"},
        branch="live",
        title="Open",
        description="Just that.",
        source="directory",
        text=text,
    )

    assert expected == await files.presets.find("demo", "open")


async def test_every_call_has_its_own_options(files: World) -> None:
    """
    A plugin that changes what it got changes nobody else's.
    """
    files.write("demo/open.yaml", "settings: {crystals: {ganon: '5'}}")
    first = await files.presets.find("demo", "open")
    first.options["crystals"]["ganon"] = "0"

    assert {"crystals": {"ganon": "5"}} == (await files.presets.find("demo", "open")).options


async def test_a_changed_file_is_seen_at_once(files: World) -> None:
    """
    Also within one tick of the file system's clock, with the same size.
    """
    for value in "123456789":
        files.write("demo/open.yaml", f"settings: {{a: {value}}}")
        assert {"a": int(value)} == (await files.presets.find("demo", "open")).options


@pytest.mark.parametrize(
    "shape", ["class", "instance", "function", "module", "operation", "wrapped"]
)
async def test_a_plugin_ships_presets_beside_its_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shape: str
) -> None:
    """
    Whatever shape the provider has, added in code or installed.
    """
    code = (
        "import functools\n"
        "import attrs\n"
        "from seedcore import hookimpl, operation, provider\n"
        "@attrs.frozen\nclass Options: ...\n"
        "declared = provider(presets='mine', options=Options)\n"
        "@declared\nclass Provider:\n"
        "    @hookimpl\n    async def generate(self, request): ...\n"
        "@declared\nclass Asked:\n"
        "    @operation(effect='read')\n    async def look(self, context, what): ...\n"
        "@declared\ndef function(): ...\n"
        "def partly(what, request): ...\n"
        "wrapped = declared(functools.partial(partly, 1))\n"
        "@operation(effect='read')\ndef ask(context): ...\n"
    )
    (tmp_path / "shaped_plugin").mkdir()
    (tmp_path / "shaped_plugin" / "__init__.py").write_text(code)
    (tmp_path / "shaped_plugin" / "mine").mkdir()
    (tmp_path / "shaped_plugin" / "mine" / "open.yaml").write_text("settings: {}")
    monkeypatch.syspath_prepend(str(tmp_path))
    import shaped_plugin as module  # type: ignore[import-not-found]

    targets = {"class": module.Provider, "instance": module.Provider(), "module": module}
    targets |= {"function": module.function, "wrapped": module.wrapped, "operation": module.Asked}
    world = World(tmp_path / "own", None)
    world.registry.add("shaped", targets[shape])

    assert "plugin" == (await world.presets.find("shaped", "open")).source
    assert ["open"] == await world.presets.names("shaped")


async def test_a_provider_typed_at_a_prompt_ships_none(
    files: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Its module has no file.
    """
    monkeypatch.delattr(sys.modules["shipping_plugin"], "__file__")

    assert [] == await files.presets.names("demo")


async def test_a_file_name_keeps_its_case(files: World) -> None:
    """
    A name with spaces and other letters is one as well.
    """
    for name in ("Open", "open", "with space", "Ünïcode", "v3.1"):
        files.write(f"demo/{name}.yaml", f"goal_name: {name}\nsettings: {{}}")
    for name in ("Open", "open", "with space", "Ünïcode", "v3.1"):
        assert name == (await files.presets.find("demo", name)).title
    assert "there is no preset 'OPEN'" in await files.refusal("OPEN")


async def test_what_is_no_plain_file_is_no_preset(files: World) -> None:
    """
    A pipe would never end; a folder and a dead link are nothing.
    """
    files.write("demo/other.txt", "settings: {}")
    for name in ("folder.yaml", "nested"):
        (files.directory / "demo" / name).mkdir()
    os.mkfifo(files.directory / "demo" / "pipe.yaml")
    (files.directory / "demo" / "dead.yaml").symlink_to("nowhere")
    (files.directory / "demo" / "loop.yaml").symlink_to("loop.yaml")
    for name in ("folder", "pipe", "dead", "loop", "other", "other.txt"):
        assert "there is no preset" in await files.refusal(name)
    assert [] == await files.presets.names("demo")


async def test_a_file_that_can_not_be_read(files: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Says why.
    """
    files.write("demo/open.yaml", "settings: {}")

    def refuse(*_: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)

    expected = "the preset 'open': its file can't be read: Permission denied"
    assert expected == await files.refusal("open")


async def test_a_huge_file_is_not_read(files: World) -> None:
    """
    Not more of it than is allowed.
    """
    with files.write("demo/huge.yaml", "settings: {}").open("r+b") as file:
        file.truncate(2**40)

    assert "the preset 'huge': it is longer than 64 KiB" in await files.refusal("huge")


@pytest.mark.parametrize(
    ("text", "target", "options"),
    [
        ("settings: {mode: open}", "demo", {"mode": "open"}),
        ("randomizer: demo\nsettings: {}", "demo", {}),
        ("randomizer: alttprdoor\nsettings: {}", "alttprdoor", {}),
        ("doors: true\nsettings: {}", "alttprdoor", {}),
        ("doors: true\navianart: true\nrandomizer: demo\nsettings: {}", "alttprdoor", {}),
        ("doors: false\navianart: false\nrandomizer: plain\nsettings: {a: 1}", "plain", {"a": 1}),
        ("settings: {race: true, tournament: x, mode: open}", "demo", {"mode": "open"}),
        ("settings: {hints: on}", "demo", {"hints": True}),
        (
            "settings: {crystals: {ganon: '5'}}\ncrystals: {tower: '6'}\ncustomizer: true",
            "demo",
            {"crystals": {"ganon": "5", "tower": "6"}, "customizer": True},
        ),
        ("settings: {studytime: 1}\nstudytime: 900", "demo", {"studytime": 900}),
        (
            "studytime: 900\nplayers: 2\nother: 7\nrandomizer: alttprdoor\nsettings: {}",
            "alttprdoor",
            {"players": 2},
        ),
        ("settings: {race: true}\ndoors: true", "alttprdoor", {"race": True}),
        ("settings: {}\nbranch: null\ngoal_name: [odd]\nunknown: 1", "demo", {}),
    ],
)
async def test_who_is_called_with_what(
    files: World, text: str, target: str, options: dict[str, Any]
) -> None:
    """
    doors, then avianart, then randomizer, else the one that was asked; top-level keys that are
    options of that one come over the settings.
    """
    files.write("demo/a.yaml", text)
    found = await files.presets.find("demo", "a")

    assert (target, options, None) == (found.provider, found.options, found.branch)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("goal_name: x", "'settings' is missing"),
        ("settigns: {}", "'settings' is missing; write it for 'settigns'"),
        ("settings: [1]", "'settings' must be a mapping"),
        ("settings:", "'settings' must be a mapping"),
        ("settings: {}\ndoors: 'yes'", "doors must be true or false"),
        ("settings: {}\navianart: 1", "avianart must be true or false"),
        ("settings: {}\nrandomizer: [a]", "randomizer must be the name of a provider"),
        ("settings: {}\nrandomizer: ../demo", "randomizer must be the name of a provider"),
        ("settings: {}\nbranch: 7", "branch must be a text of 1 to 200 characters"),
        ("settings: {}\nbranch: ''", "branch must be a text of 1 to 200 characters"),
        (
            "settings: {}\nrandomizer: other",
            "it is for the provider 'other', which is not installed: pip install seedcore-other",
        ),
        (
            "settings: {}\nrandomizer: z1r",
            "it is for the provider 'z1r', which is not installed: pip install seedcore-local",
        ),
        ("settings: {mode: [}", "line 1, column 19: expected the node content, but found '}'"),
    ],
)
async def test_documents_that_can_not_be_used(files: World, text: str, sentence: str) -> None:
    """
    Say what is missing, and where.
    """
    files.write("demo/a.yaml", text)

    assert f"the preset 'a': {sentence}" == await files.refusal("a")


async def test_a_switch_names_a_provider_that_is_not_installed(files: World) -> None:
    """
    Over whatever 'randomizer' says.
    """
    files.write("demo/a.yaml", "avianart: true\nrandomizer: demo\nsettings: {}")

    assert (await files.refusal("a")).endswith("pip install seedcore-avianart")


async def test_a_target_that_is_switched_off(files: World) -> None:
    """
    Is named with what switched it off.
    """
    files.write("demo/a.yaml", "doors: true\nsettings: {}")
    files.registry.restrict(disable=["alttprdoor"])

    assert "it is for the provider 'alttprdoor', which can't be used: " in await files.refusal("a")


async def test_without_a_database(files: World) -> None:
    """
    Files are found; saving says what is missing.
    """
    files.write("demo/open.yaml", "settings: {}")

    assert ["open"] == await files.presets.names("demo") == await files.presets.search("demo", "O")
    assert [] == await files.presets.search("demo", "me/")
    assert [] == await files.presets.history("demo", "me/a")
    assert "this program uses none" in await files.refusal("me/a")
    for act in (
        files.presets.save("demo", "me/a", "settings: {}", by=ME),
        files.presets.delete("demo", "me/a", by=ME),
        files.presets.share("me", YOU, by=ME),
        files.presets.namespace("me"),
        files.presets.load([], by=ME),
    ):
        with pytest.raises(DatabaseError, match="this program uses none. Give it one"):
            await act


async def test_a_link_that_leads_in_a_circle_hides_no_other(files: World) -> None:
    """
    It is no preset, and the rest of the folder is read.
    """
    files.write("demo/a.yaml", "settings: {}")
    loop = files.directory / "demo" / "b.yaml"
    loop.symlink_to(loop)

    assert ["a"] == [name for name in await files.presets.names("demo") if name in {"a", "b"}]
    drafts = [*drafts_in(files.directory, provider=None, namespace="")]
    assert ["a", "b"] == [each.name for each in drafts]


@pytest.mark.parametrize("name", ["con", "NUL", "aux.yaml", "com1", "lpt9.x"])
async def test_names_of_devices_are_none(files: World, name: str) -> None:
    """
    On another system they would be no files.
    """
    assert "is no name" in await files.refusal(name)
