"""
What a caller learns when the randomizer fails.
"""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest

from seedcore import (
    ProviderCapabilityError,
    ProviderInvalidRequestError,
    ProviderResponseFormatError,
    ProviderUnavailableError,
)
from seedcore_alttprdoor import folder


@pytest.mark.parametrize("luck", ["unwinnable", "fill"])
async def test_a_failed_layout_is_tried_again_with_other_dice(runner, checkout, luck):
    """
    Each attempt has a name of its own, and no seed number.
    """
    checkout.course(luck, luck, "ok")
    seed = await runner.generate("alttprdoor", surface="test")

    assert 3 == seed.meta.attempts
    assert 3 == len({run["settings"]["outputname"] for run in checkout.runs})


async def test_after_four_layouts_it_gives_up(runner, checkout):
    """
    With the randomizer's last line, and no outage.
    """
    checkout.course("fill")
    with pytest.raises(ProviderInvalidRequestError) as raised:
        await runner.generate("alttprdoor", surface="test")

    assert 4 == raised.value.attempts
    line = "Fill.FillError: No more spots to place Small Key (Ice Palace)"
    assert f"the randomizer gave up on this seed: {line}. That can be bad luck; ask again" == (
        raised.value.provider_message
    )


async def test_a_seed_that_fails_once_fails_again(runner, checkout):
    """
    With a seed number the dice always fall the same.
    """
    checkout.course("fill")
    with pytest.raises(ProviderInvalidRequestError) as raised:
        await runner.generate("alttprdoor", spoilers="on", options={"seed": 5}, surface="test")

    assert 1 == raised.value.attempts


@pytest.mark.parametrize(
    ("course", "line"),
    [
        ("number", "ValueError: invalid literal for int() with base 10: 'eleven'"),
        ("key", "KeyError: 'sideways'"),
        ("silent", "it ended with status 3, without a word"),
    ],
)
async def test_settings_that_it_cannot_use_stay_wrong(runner, checkout, course, line):
    """
    It failed before it began to roll dice, so that no other dice help.
    """
    checkout.course(course)
    with pytest.raises(ProviderInvalidRequestError) as raised:
        await runner.generate("alttprdoor", surface="test")

    assert 1 == raised.value.attempts
    assert f"the randomizer can't use these settings: {line}" == raised.value.provider_message


@pytest.mark.parametrize(
    ("course", "words"),
    [
        ("corrupt", "Source file should have CRC32 3322EFFC, got A738EA1C; check the setting rom"),
        (
            "enemizer",
            (
                "Main.EnemizerError: Enemizer not found: tools/EnemizerCLI.Core No Enemizer "
                "options will be applied; check the setting enemizer"
            ),
        ),
        ("module", "No module named 'aenum'; install what it needs, and set python"),
        ("missing", "No such file or directory: 'data/sheet.gfx'; check checkout"),
        ("asks", "misses something: Could not find a thing at thing; check checkout"),
        ("too_large", "fails on this machine: OSError: [Errno 27] File too large; check checkout"),
    ],
)
async def test_what_the_machine_lacks_is_named_with_the_setting(
    runner, checkout, tmp_path, course, words
):
    """
    Without a folder of this machine in the sentence; asking again changes nothing.
    """
    checkout.course(course)
    with pytest.raises(ProviderCapabilityError) as raised:
        await runner.generate("alttprdoor", surface="test")

    assert words in raised.value.provider_message
    assert str(tmp_path) not in str(raised.value)
    assert 1 == raised.value.attempts


@pytest.mark.parametrize(
    ("course", "words"),
    [
        ("killed", "ended by the signal SIGKILL, which is often for lack of memory"),
        ("memory", "ran out of memory"),
    ],
)
async def test_a_run_that_the_system_ends_is_an_outage(runner, checkout, course, words):
    """
    A negative exit status is noticed, and the run made again.
    """
    checkout.course(course)
    with pytest.raises(ProviderUnavailableError, match=words) as raised:
        await runner.generate("alttprdoor", surface="test")

    assert 4 == raised.value.attempts


@pytest.mark.parametrize(
    ("course", "words"),
    [
        ("nothing", r"leave the file DR_\w+_Spoiler.txt in its folder, and left none"),
        ("empty", "left an empty one"),
        ("no_code", "no line with the file-select code"),
        ("small", "smaller than the ROM"),
        ("linked", "left a link or something else in its place"),
        ("hard_linked", "left a link or something else in its place"),
        ("pipe", "left a link or something else in its place"),
        ("moved", "left none"),
        ("renamed", "left none"),
        ("huge", "left one of more than 4096 KiB"),
        ("flood", "said more than 16 MiB, and was ended"),
    ],
)
async def test_what_it_leaves_is_looked_at(runner, checkout, tmp_path, course, words):
    """
    Nothing is taken from outside its folder, nothing without an end, and nothing is put up.
    """
    checkout.course(course)
    with pytest.raises(ProviderResponseFormatError, match=words):
        await runner.generate("alttprdoor", surface="test")

    assert not (tmp_path / "storage").exists()
    assert [] == [*(tmp_path / "temporary").iterdir()]


async def test_a_file_may_have_64_mib(runner, checkout):
    """
    With one byte more, as above, the system lets nobody write it.
    """
    checkout.course("large")
    seed = await runner.generate("alttprdoor", surface="test")

    assert 1 == seed.meta.attempts


@pytest.mark.parametrize(
    ("course", "words"),
    [
        ("unknown_item", "the randomizer has no item 'Hookshoot'; check startinventory"),
        (
            "no_sprite",
            "the randomizer has no such sprite: Could not find link sprite sheet at given location",
        ),
    ],
)
async def test_what_it_does_not_have_is_the_callers_to_change(
    runner, checkout, storage, course, words
):
    """
    Whether it only mentions that and leaves it out, or stops to ask.
    """
    checkout.course(course)
    with pytest.raises(ProviderInvalidRequestError) as raised:
        await runner.generate("alttprdoor", options={"sprite": "Nobody"}, surface="test")

    assert (1, words) == (raised.value.attempts, raised.value.provider_message)
    assert not storage.exists()


@pytest.mark.parametrize("name", ["base.sfc", "game.sfc"])
async def test_a_full_disk_is_no_outage(runner, monkeypatch, name):
    """
    Whether it is full before the run or after it, nothing is tried again, and no path is told.
    """

    def write(path, content):
        if path.name == name:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        with path.open("wb") as file:
            return file.write(content)

    monkeypatch.setattr(Path, "write_bytes", write)
    with pytest.raises(ProviderCapabilityError) as raised:
        await runner.generate("alttprdoor", surface="test")

    words = "the folder for temporary files can't be used: No space left on device"
    assert (1, words) == (raised.value.attempts, raised.value.provider_message)


async def test_no_folder_for_temporary_files(runner, checkout, temporary):
    """
    It may be gone since the start.
    """
    temporary.rmdir()
    with pytest.raises(ProviderCapabilityError, match="can't be used: No such file") as raised:
        await runner.generate("alttprdoor", surface="test")

    assert 1 == raised.value.attempts
    assert [] == checkout.runs


async def test_a_checkout_that_is_gone_since_the_list_was_read(tmp_path):
    """
    It isn't the folder for temporary files that is at fault.
    """
    with pytest.raises(ProviderCapabilityError, match="the checkout can't be read"):
        folder.Folder(tmp_path).lay(tmp_path / "gone", b"", {})


async def test_a_patch_that_nobody_can_fetch(runner_for, checkout, tmp_path):
    """
    A file of this machine is something for who sits at it, and its path for nobody else.
    """
    async with runner_for(core={"storage_url": None}) as runner:
        seed = await runner.generate("alttprdoor", surface="cli")
        with pytest.raises(ProviderCapabilityError, match="set storage_url, or stor") as raised:
            await runner.generate("alttprdoor", surface="racetime")

    assert seed.url.startswith("file://")
    assert str(tmp_path) not in str(raised.value)
    assert 1 == raised.value.attempts


async def test_a_wrong_rom_is_known_before_a_run(runner_for, checkout, tmp_path):
    """
    By its checksum, which takes no world to be made; the sentence has the right one.
    """
    wrong = tmp_path / "wrong.sfc"
    wrong.write_bytes(b"\0" * 0x10000)
    async with runner_for(rom=str(wrong)) as runner:
        with pytest.raises(ProviderCapabilityError, match="MD5 without header is") as raised:
            await runner.generate("alttprdoor", surface="test")

    assert [] == checkout.runs
    assert 1 == raised.value.attempts


async def test_a_rom_that_is_gone_since_the_start(runner_for, rom):
    """
    It is looked at for each run.
    """
    async with runner_for() as runner:
        await runner.generate("alttprdoor", surface="test")
        rom.unlink()
        with pytest.raises(ProviderCapabilityError, match="the ROM can't be read"):
            await runner.generate("alttprdoor", surface="test")


async def test_a_rom_that_became_a_pipe_is_not_waited_for(runner_for, rom):
    """
    Nobody will ever write into it.
    """
    async with runner_for() as runner:
        await runner.generate("alttprdoor", surface="test")
        rom.unlink()
        os.mkfifo(rom)
        with pytest.raises(ProviderCapabilityError, match="it is no regular file"):
            await runner.generate("alttprdoor", surface="test")


async def test_a_branch_without_a_folder(runner, checkout):
    """
    The setting to fill is named.
    """
    with pytest.raises(ProviderCapabilityError, match="unstable_checkout"):
        await runner.generate("alttprdoor", branch="unstable", surface="test")


async def test_enemies_without_an_enemizer(runner, checkout):
    """
    Told before the world is made.
    """
    options = {"shuffleenemies": "shuffled"}
    with pytest.raises(ProviderCapabilityError, match="set enemizer to its EnemizerCLI.Core"):
        await runner.generate("alttprdoor", options=options, surface="test")

    assert [] == checkout.runs


async def test_a_list_of_settings_that_is_none(runner, checkout):
    """
    A checkout that is broken since the start is told of.
    """
    (checkout.folder / "resources" / "app" / "cli" / "args.json").write_text("{")
    with pytest.raises(ProviderCapabilityError, match="args.json"):
        await runner.generate("alttprdoor", surface="test")


@pytest.mark.parametrize(
    ("script", "error", "words"),
    [
        ("echo no space left >&2; exit 1", ProviderCapabilityError, "no space left; check the"),
        ("exit 0", ProviderResponseFormatError, "game.bps in its folder, and left none"),
        ("echo BPS1 > $5", ProviderResponseFormatError, "isn't one from the ROM to the game"),
        ("kill -9 $$", ProviderCapabilityError, "status -9, without a word"),
    ],
)
async def test_a_tool_that_makes_no_patch(runner_for, tmp_path, script, error, words):
    """
    What it makes is looked at before it is put up.
    """
    flips = tmp_path / "flips"
    flips.write_text(f"#!/bin/sh\n{script}\n")
    flips.chmod(0o755)
    async with runner_for(flips=str(flips)) as runner:
        with pytest.raises(error, match=words):
            await runner.generate("alttprdoor", surface="test")

    assert not (tmp_path / "storage").exists()


async def test_programs_that_cannot_be_started(runner_for, tmp_path):
    """
    What is no program is told with its setting.
    """
    broken = tmp_path / "python"
    broken.write_bytes(b"\x7fELF\0")
    broken.chmod(0o755)
    async with runner_for(python=str(broken)) as runner:
        with pytest.raises(ProviderCapabilityError, match="check the setting python"):
            await runner.generate("alttprdoor", surface="test")
    async with runner_for(python=sys.executable, flips=str(broken)) as runner:
        with pytest.raises(ProviderCapabilityError, match="check the setting flips"):
            await runner.generate("alttprdoor", surface="test")
