"""
What a seed is made of, and what comes back.
"""

from __future__ import annotations

import io
import os
import stat
import tracemalloc
from pathlib import Path

import pytest
from bps.apply import apply_to_bytearrays
from bps.io import read_bps

from seedcore import ProviderCapabilityError, ProviderInvalidRequestError
from seedcore_alttprdoor.folder import Base, Folder, remove
from seedcore_alttprdoor.options import ITEMS


def patched(patch: bytes, rom: bytes) -> bytes:
    """
    Return the game that a patch makes of a ROM.
    """
    game = bytearray(0x20000)
    apply_to_bytearrays(read_bps(io.BytesIO(patch)), rom, game)
    return bytes(game)


async def test_a_seed_is_the_page_that_applies_its_patch(runner, storage):
    """
    The address is the patcher's with the patch's in it; code, version and id are the log's.
    """
    seed = await runner.generate("alttprdoor", preset="crossed", surface="test")

    address = f"https://files.example/patch/DR_{seed.id}.bps"
    assert f"https://alttprpatch.synack.live/patcher.html?patch={address}" == seed.url
    assert 12 == len(seed.id)
    assert "Big Key/Quake/Bow/Flute/Shovel" == seed.code
    assert "1.1.8-dev" == seed.version
    assert {"branch": "stable", "patch_url": address} == dict(seed.extra)
    assert [f"DR_{seed.id}.bps"] == [path.name for path in (storage / "patch").iterdir()]


async def test_the_patch_makes_the_game_of_the_rom(runner, storage, rom):
    """
    Whoever has the ROM gets the game that the randomizer made.
    """
    seed = await runner.generate("alttprdoor", surface="test")

    patch = (storage / "patch" / f"DR_{seed.id}.bps").read_bytes()
    game = patched(patch, rom.read_bytes())
    assert game[0x7FC0:].startswith(b"ER118_1_1_")
    assert len(patch) < 1024


async def test_a_rom_with_a_header_is_as_good(runner_for, storage, rom, tmp_path):
    """
    The header of a copier is left out, as patchers leave it out.
    """
    headered = tmp_path / "headered.smc"
    headered.write_bytes(b"\0" * 512 + rom.read_bytes())
    async with runner_for(rom=str(headered)) as runner:
        seed = await runner.generate("alttprdoor", surface="test")

    patch = (storage / "patch" / f"DR_{seed.id}.bps").read_bytes()
    assert patched(patch, rom.read_bytes())[0x7FC0:].startswith(b"ER118_1_1_")


async def test_flips_makes_the_patch_where_it_is_set(runner_for, tmp_path, storage):
    """
    It is called as its manual says, and its patch is what people get.
    """
    flips = tmp_path / "flips"
    linear = Path(__file__).parents[1] / "seedcore_alttprdoor" / "linear.py"
    flips.write_text(
        f'#!/bin/sh\n[ "$1 $2" = "--create --bps-delta" ] || exit 1\nshift 2\n'
        f'echo called > "{tmp_path}/called"\nexec python3 "{linear}" "$@"\n'
    )
    flips.chmod(0o755)
    path = f"{Path(os.sys.executable).parent}:{os.environ['PATH']}"
    with pytest.MonkeyPatch.context() as patching:
        patching.setenv("PATH", path)
        async with runner_for(flips=str(flips)) as runner:
            seed = await runner.generate("alttprdoor", surface="test")

    assert (tmp_path / "called").exists()
    assert (storage / "patch" / f"DR_{seed.id}.bps").exists()


async def test_a_run_is_given_what_it_needs_and_nothing_else(runner, checkout, monkeypatch):
    """
    No input, its own folders, no variable of ours, a copy of the ROM.
    """
    monkeypatch.setenv("SEEDCORE_S3_SECRET", "hidden")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    await runner.generate("alttprdoor", surface="test")

    (run,) = checkout.runs
    root = Path(run["cwd"]).parent
    expected = {"PATH", "LANG", "HOME", "TMPDIR", "PYTHONNOUSERSITE"}
    assert expected == set(run["environment"]) - {"LC_CTYPE"}
    assert "1" == run["environment"]["PYTHONNOUSERSITE"]
    assert str(root / "home") == run["environment"]["HOME"]
    assert str(root / "out") == run["settings"]["outputpath"]
    assert str(root / "base.sfc") == run["settings"]["rom"]
    assert "" == run["stdin"]
    assert 0x10000 == run["rom"]


async def test_the_desk_has_what_the_checkout_has(runner, checkout):
    """
    What every run rewrites is not the checkout's, and settings that somebody saved don't count.
    """
    saved = checkout.folder / "resources" / "user"
    saved.mkdir()
    (saved / "settings.json").write_text("{}")
    (checkout.folder / "data" / "base2current.json").write_text("the checkout's own")
    await runner.generate("alttprdoor", surface="test")

    (run,) = checkout.runs
    assert {"DungeonRandomizer.py", "data", "resources"} <= set(run["names"])
    assert ["sheet.txt"] == run["data"]
    assert "the checkout's own" == (checkout.folder / "data" / "base2current.json").read_text()


@pytest.mark.parametrize("course", ["locked", "vanished", "deep", "planted"])
async def test_nothing_is_left_of_a_run(runner, checkout, temporary, course):
    """
    Its folder is for nobody else, and is removed, even what the run has locked, taken away already
    or laid deeper than paths go.
    """
    modes = []
    make = os.mkdir

    def noted(path, mode=0o777, **rest):
        make(path, mode, **rest)
        modes.append(stat.S_IMODE(Path(path).stat().st_mode))

    checkout.course(course)
    with pytest.MonkeyPatch.context() as patching:
        patching.setattr(os, "mkdir", noted)
        await runner.generate("alttprdoor", surface="test")

    assert 0o700 == modes[0]
    assert [] == [*temporary.iterdir()]


def test_the_rom_is_removed_first(tmp_path, monkeypatch):
    """
    Whatever else can't be, and nothing is raised for it.
    """
    folder = Folder(tmp_path)
    folder.rom.write_bytes(b"")
    held = os.open(tmp_path, os.O_RDONLY)
    monkeypatch.setattr(Path, "iterdir", lambda _: (tmp_path / "nowhere").stat())
    remove(tmp_path, held)

    assert not folder.rom.exists()


async def test_options_reach_the_settings_file(runner, checkout):
    """
    Options, and any other setting of the randomizer, over those of the preset.
    """
    await runner.generate(
        "alttprdoor",
        preset="basic",
        options={"crystals_gt": 3, "beemizer": "2", "keyshuffle": True},
        surface="test",
    )

    (run,) = checkout.runs
    sent = run["settings"]
    chosen = {
        name: sent[name] for name in ("crystals_gt", "beemizer", "keyshuffle", "door_shuffle")
    }
    expected = {"crystals_gt": "3", "beemizer": "2", "keyshuffle": True, "door_shuffle": "basic"}
    assert expected == chosen
    assert (1, 1, "") == (sent["count"], sent["multi"], sent["names"])
    assert "logic" not in sent


@pytest.mark.parametrize("said", ["on", "off", True, False])
async def test_hints_may_be_on_or_off(runner, checkout, said):
    """
    Older documents have the texts that alttpr.com takes.
    """
    await runner.generate("alttprdoor", settings={"hints": said}, surface="test")

    assert (said in ("on", True)) == checkout.runs[0]["settings"]["hints"]


async def test_what_the_call_decides_is_dropped_from_documents(runner, checkout):
    """
    Presets of old say where files are and whether it is a race; nobody listens.
    """
    document = {"race": False, "outputpath": "/etc", "enemizercli": "/bin/sh", "spoilers": True}
    await runner.generate("alttprdoor", settings=document, surface="test")

    sent = checkout.runs[0]["settings"]
    assert sent["race"] is True
    assert "enemizercli" not in sent
    assert "/etc" != sent["outputpath"]


@pytest.mark.parametrize("branch", ["volatile", "unstable"])
async def test_other_branches_have_a_folder_of_their_own(runner_for, checkout_at, tmp_path, branch):
    """
    The branch of the call or preset says which randomizer runs.
    """
    other = checkout_at(tmp_path / "other")
    async with runner_for(unstable_checkout=str(other.folder)) as runner:
        seed = await runner.generate("alttprdoor", branch=branch, surface="test")

    assert 1 == len(other.runs)
    assert branch == seed.extra["branch"]


@pytest.mark.parametrize(
    ("branch", "sent"), [(None, True), ("volatile", False), ("unstable", True)]
)
async def test_the_enemizer_is_told_to_those_who_have_none(
    runner_for, checkout, tmp_path, branch, sent
):
    """
    Volatile versions have one of their own.
    """
    tool = tmp_path / "EnemizerCLI.Core"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    other = {"unstable_checkout": str(checkout.folder), "enemizer": str(tool)}
    async with runner_for(**other) as runner:
        options = {"shufflebosses": "full"}
        await runner.generate("alttprdoor", branch=branch, options=options, surface="test")

    assert (str(tool) if sent else None) == checkout.runs[0]["settings"].get("enemizercli")


async def test_a_spoiler_alone_needs_no_rom(runner_for, checkout, tmp_path, storage):
    """
    No game is made, and the ROM isn't read; what is in it doesn't matter.
    """
    wrong = tmp_path / "wrong.sfc"
    wrong.write_bytes(b"anything")
    async with runner_for(rom=str(wrong)) as runner:
        seed = await runner.generate(
            "alttprdoor", spoilers="on", options={"spoiler_only": True}, surface="test"
        )

    (run,) = checkout.runs
    wanted = ("suppress_rom", "skip_playthrough", "create_rom")
    assert [True, True, False] == [run["settings"][name] for name in wanted]
    assert 0 == run["rom"]
    assert f"https://files.example/spoiler/DR_{seed.id}_Spoiler.txt" == seed.spoiler_url
    assert (None, None, "1.1.8-dev") == (seed.url, seed.code, seed.version)
    assert ["spoiler"] == [path.name for path in storage.iterdir()]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ({"branch": "live"}, "branch is one of stable, volatile, unstable"),
        ({"options": {"spoiler_only": True}}, "it needs spoilers on, and no race"),
        ({"options": {"door_shufle": "basic"}}, "Did you mean 'door_shuffle'?"),
        ({"spoilers": "on", "options": {"spoiler_onyl": True}}, "Did you mean 'spoiler_only'?"),
        ({"options": {"enemizercli": "/bin/sh"}}, "isn't for callers to choose"),
        ({"options": {"p1": "--gui"}}, "isn't for callers to choose"),
        ({"options": {"Mode": "open"}}, "are of a-z, 0-9 and _"),
        ({"options": {"seed": 5}}, "who knows the seed can make the spoiler"),
        ({"options": {"sprite": "/etc/passwd"}}, "sprite must be the name"),
        ({"options": {"startinventory": "x" * 70_000}}, "64 are allowed"),
        ({"options": {"beemizer": float("nan")}}, "JSON doesn't know"),
        ({"options": {"mask_settings": True}, "spoilers": "on"}, "mask_settings hides"),
        ({"options": {"customitemarray": {"bowl": 1}}}, "no item 'bowl'. Did you mean 'bow'?"),
        ({"options": {"customitemarray": {"bow": "1"}}}, "a whole number of bow, 0 or more"),
        ({"options": {"customitemarray": {"bow": 1}, "custom": True}}, "it lacks progressivebow, "),
        ({"options": {"nonsense": 1}}, "has no setting 'nonsense'"),
        ({"options": {"door_shuffle": "partitioned"}}, "one of basic, crossed, vanilla on this"),
        ({"options": {"quickswap": "maybe"}}, "quickswap must be true or false"),
        ({"options": {"door_shuffle": "sideways"}}, "door_shuffle must be one of"),
    ],
)
async def test_what_is_wrong_is_refused_before_a_run(runner, checkout, call, words):
    """
    The sentence says what is allowed, and nothing was run.
    """
    with pytest.raises(ProviderInvalidRequestError, match=words):
        await runner.generate("alttprdoor", surface="test", **call)

    assert [] == checkout.runs


async def test_all_items_may_be_counted(runner, checkout):
    """
    As the randomizer's own window writes them.
    """
    items = dict.fromkeys(ITEMS, 0)
    options = {"custom": True, "customitemarray": items}
    await runner.generate("alttprdoor", options=options, surface="test")

    assert items == checkout.runs[0]["settings"]["customitemarray"]


async def test_a_version_is_no_markup(runner, checkout):
    """
    What else may stand there is shown to nobody.
    """
    checkout.course("markup")
    seed = await runner.generate("alttprdoor", surface="test")

    assert seed.version is None


def test_no_more_than_a_rom_is_read_of_a_file(tmp_path):
    """
    It may be as large as a disk.
    """
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(64 * 1024 * 1024)
    tracemalloc.start()
    try:
        with pytest.raises(ProviderCapabilityError, match="isn't the Japanese 1.0 ROM"):
            Base().read(path)
        assert tracemalloc.get_traced_memory()[1] < 8 * 1024 * 1024
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("preset", ["basic", "crossed", "keydrops", "pots_and_shops"])
async def test_every_preset_can_be_played(runner, checkout, preset):
    """
    What we ship is known to the randomizer.
    """
    await runner.generate("alttprdoor", preset=preset, surface="test")

    assert 1 == len(checkout.runs)


async def test_names_are_of_nobodys_guess(runner):
    """
    Two seeds have different names.
    """
    seeds = [await runner.generate("alttprdoor", surface="test") for _ in range(2)]

    assert seeds[0].id != seeds[1].id
