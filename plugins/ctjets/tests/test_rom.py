"""
The ROM: which versions get it, that it is the right one, and how it is sent.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import io
import os
import sys
import threading
import tracemalloc
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

import seedcore_ctjets
from seedcore import ProviderCapabilityError, ProviderInvalidRequestError
from seedcore.testing import replies
from seedcore_ctjets import rom

OLDER = {
    "version": "3.1.0",
    "difficulty": "hard",
    "shop_prices": "normal",
    "tech_rando": "normal",
    "duplicate_char_assignments": "7f7f7f7f7f7f7f",
}


async def roll(runner, **options):
    """
    Roll a race seed of an older version.
    """
    asked = {**OLDER, **options}
    return await runner.generate("ctjets", surface="tests", options=asked, race=True)


@pytest.fixture
def open_runner(site, runner_for, rom_file):
    """
    A runner, still to be entered, that has the ROM.
    """
    return functools.partial(runner_for, site.url, rom=str(rom_file))


def rom_in(site, say):
    """
    Return the ROM in the last form, as it came; ``None`` for none.
    """
    posted = [received for received in site.upstream.requests if received.method == "POST"]
    return say.parts_of(posted[-1]).get("rom_file")


@pytest.mark.parametrize("header", [b"", bytes(rom.HEADER)])
async def test_the_game_is_sent_as_a_file(site, runner_for, say, rom_file, header):
    """
    Without the header that some copies have in front of it, and with its size in the head.
    """
    game = rom_file.read_bytes()
    rom_file.write_bytes(header + game)
    async with runner_for(site.url, rom=str(rom_file)) as runner:
        await roll(runner)

    part = rom_in(site, say)
    post = site.upstream.requests[1]
    assert "chronotrigger.sfc" == part.get_filename()
    assert "application/octet-stream" == part.get_content_type()
    assert b"\r\n\r\n" + game + b"\r\n--" in post.body
    assert len(post.body) == int(post.headers["content-length"])


@pytest.mark.parametrize(
    "case",
    [
        ({}, OLDER, True),
        ({}, {}, False),
        ({"upload": "always"}, OLDER, True),
        ({"upload": "always"}, {}, True),
        ({"upload": "never"}, {}, False),
    ],
)
async def test_versions_before_3_2_get_it(open_runner, site, say, case):
    """
    Whoever runs the program may say otherwise.
    """
    settings, options, sent = case
    async with open_runner(**settings) as runner:
        await runner.generate("ctjets", surface="tests", options=options, race=True)

    assert sent == (rom_in(site, say) is not None)


async def test_it_is_never_sent_where_that_is_set(open_runner, site, say):
    """
    What an older version makes of that is its own answer.
    """
    async with open_runner(upload="never", retry_enabled=False) as runner:
        with pytest.raises(Exception, match="it failed to make a seed"):
            await roll(runner)

    assert rom_in(site, say) is None


@pytest.mark.parametrize("attempts", [1, 3])
async def test_a_repetition_sends_all_of_it(site, runner_for, say, rom_file, attempts):
    """
    From the beginning again.
    """
    site.made += [replies.status(502)] * (attempts - 1)
    async with runner_for(site.url, rom=str(rom_file)) as runner:
        await roll(runner)

    post = [received for received in site.upstream.requests if received.method == "POST"][-1]
    assert rom_file.read_bytes() in post.body


# ----------------------------------------------------------------- the right one


async def fault(runner, site, **options):
    """
    Return why nothing is sent.
    """
    with pytest.raises(ProviderCapabilityError) as caught:
        await roll(runner, **options)
    assert [] == site.asked
    assert 1 == caught.value.attempts
    return caught.value.provider_message


async def test_a_rom_that_is_needed_is_asked_for(runner, site):
    """
    With the setting to fill in, and the way without it.
    """
    text = await fault(runner, site)

    assert (
        "version 3.1.0 of the site reads the ROM: set rom (SEEDCORE_CTJETS_ROM) to the path of the "
        "vanilla Chrono Trigger ROM, or ask for version 3.2.0"
    ) == text


async def test_a_rom_that_is_to_be_sent_always_must_be_there(site, runner_for):
    """
    Even where the version could do without it.
    """
    async with runner_for(site.url, upload="always") as runner:
        text = await fault(runner, site, version="3.3.0")

    assert text.startswith("upload sends the ROM to all versions, and there is none: set rom (")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "it has 0 bytes in place of 4,194,304, or 4,194,816 with a header"),
        (bytes(1024), "it has 1,024 bytes in place of 4,194,304"),
        (bytes(rom.SIZE + 1), "it has 4,194,305 bytes"),
        (bytes(rom.SIZE), "its MD5 isn't"),
        (bytes(rom.SIZE + rom.HEADER), "its MD5 isn't"),
    ],
    ids=["empty", "short", "long", "other", "other_with_header"],
)
async def test_another_file_is_known_by_its_size_or_checksum(
    site, runner_for, tmp_path, content, words
):
    """
    Before a byte is sent; its path stays out of the sentence.
    """
    path = tmp_path / "private-name.sfc"
    path.write_bytes(content)
    async with runner_for(site.url, rom=str(path)) as runner:
        text = await fault(runner, site)

    assert text.startswith(f"the file that rom names is no vanilla ROM: {words}")
    assert "set rom (SEEDCORE_CTJETS_ROM)" in text
    assert "private-name" not in text


def test_the_checksum_is_that_of_the_game():
    """
    The known one of the vanilla ROM.
    """
    assert ("a2bc447961e52fd2227baed164f729dc", 4_194_304, 512) == (rom.MD5, rom.SIZE, rom.HEADER)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing.sfc", "can't be read (No such file or directory)"),
        ("folder", "can't be read (Is a directory)"),
        ("pipe", "it is no file"),
        ("link", "can't be read (Too many levels of symbolic links)"),
        ("game.sfc/inside", "can't be read (Not a directory)"),
        ("x" * 300, "can't be read (File name too long)"),
        ("nul\0", "can't be read (no such path)"),
    ],
)
async def test_what_can_not_be_read_is_told(site, runner_for, tmp_path, name, words):
    """
    A pipe isn't waited for.
    """
    tmp_path.joinpath("game.sfc").write_bytes(b"")
    tmp_path.joinpath("folder").mkdir()
    tmp_path.joinpath("link").symlink_to(tmp_path / "link")
    os.mkfifo(tmp_path / "pipe")
    async with runner_for(site.url, rom=str(tmp_path / name)) as runner:
        text = await fault(runner, site)

    assert words in text
    assert str(tmp_path) not in text


async def test_the_home_directory_may_be_left_to_the_shell(
    site, runner_for, say, rom_file, monkeypatch
):
    """
    As paths are written in settings.
    """
    monkeypatch.setenv("HOME", str(rom_file.parent))
    async with runner_for(site.url, rom="~/game.sfc") as runner:
        await roll(runner)
    async with runner_for(site.url, rom="~nobody-of-that-name/game.sfc") as runner:
        with pytest.raises(ProviderCapabilityError, match="can't be read .no such path."):
            await roll(runner)

    assert rom_in(site, say) is not None


async def test_a_file_is_looked_at_once_until_it_changes(site, runner_for, rom_file, monkeypatch):
    """
    Be it right or wrong.
    """
    looks = []
    look = rom.fault_of
    monkeypatch.setattr(rom, "fault_of", lambda *args: looks.append(args[1]) or look(*args))
    async with runner_for(site.url, rom=str(rom_file)) as runner:
        await roll(runner)
        await roll(runner)
        assert [rom.SIZE] == looks
        game = rom_file.read_bytes()
        rom_file.write_bytes(game[:-1])
        for _ in range(2):
            with pytest.raises(ProviderCapabilityError, match="it has 4,194,303 bytes"):
                await roll(runner)
        assert [rom.SIZE, rom.SIZE - 1] == looks
        rom_file.write_bytes(game)
        await roll(runner)

    assert [rom.SIZE, rom.SIZE - 1, rom.SIZE] == looks


async def test_a_change_of_content_alone_is_seen(site, runner_for, rom_file):
    """
    Also where the time of writing was set back: nothing but the game is ever sent.
    """
    before = rom_file.stat()
    async with runner_for(site.url, rom=str(rom_file)) as runner:
        await roll(runner)
        with rom_file.open("r+b") as file:
            file.write(b"another game")
        os.utime(rom_file, ns=(before.st_atime_ns, before.st_mtime_ns))
        with pytest.raises(ProviderCapabilityError, match="its MD5 isn't"):
            await roll(runner)

    assert (before.st_size, before.st_mtime_ns) == (rom.SIZE, rom_file.stat().st_mtime_ns)


async def test_a_wrong_option_is_told_before_the_rom(runner, site):
    """
    What can be known without it is known without it.
    """
    with pytest.raises(ProviderInvalidRequestError, match="duplicate_char_assignments"):
        await roll(runner, duplicate_char_assignments="7f")


# ----------------------------------------------------------------- how it is read


class Watched(io.FileIO):
    """
    A file that notes in which threads it is read, and how much at once.
    """

    reads: list[tuple[int, int]]
    opened: list[io.FileIO]

    def readinto(self, buffer, /):
        self.reads.append((threading.get_ident(), len(memoryview(buffer))))
        return super().readinto(buffer)


@pytest.fixture
def watched(monkeypatch):
    """
    All files that are opened meanwhile.
    """
    Watched.reads, Watched.opened = [], []

    def opened(path, *, opener):
        Watched.reads.append((threading.get_ident(), 0))
        file = Watched(path, opener=opener)
        Watched.opened.append(file)
        return file

    monkeypatch.setattr(rom, "FileIO", opened)
    return Watched


async def test_the_loop_never_waits_for_the_disk(site, runner_for, rom_file, watched):
    """
    The file is opened, looked at and read in other threads, piece by piece.
    """
    async with runner_for(site.url, rom=str(rom_file)) as runner:
        await roll(runner)

    threads, sizes = zip(*watched.reads, strict=True)
    assert 2 * rom.SIZE <= sum(sizes)
    assert rom.PIECE >= max(sizes)
    assert threading.get_ident() not in threads
    assert [True] == [file.closed for file in watched.opened]


@pytest.mark.parametrize("where", ["first", "made"])
async def test_the_file_is_closed_whatever_happens(site, runner_for, rom_file, watched, where):
    """
    After a refusal, and after a caller who gives up in the middle of it.
    """
    getattr(site, where).extend([replies.status(400), replies.hanging()])
    async with runner_for(site.url, rom=str(rom_file)) as runner:
        with pytest.raises(ProviderInvalidRequestError):
            await roll(runner)
        before = len(site.asked)
        task = asyncio.create_task(roll(runner))
        await site.upstream.until(requests=before + (1 if where == "first" else 2))
        task.cancel()
        await asyncio.wait({task})

    assert task.cancelled()
    assert [True, True] == [file.closed for file in watched.opened]


async def test_a_file_that_opens_too_late_is_closed(
    site, runner_for, rom_file, watched, monkeypatch
):
    """
    Its caller is gone by then.
    """
    opening, go = threading.Event(), threading.Event()
    look = rom.fault_of

    def slowly(*args):
        opening.set()
        go.wait(5)
        return look(*args)

    monkeypatch.setattr(rom, "fault_of", slowly)
    async with runner_for(site.url, rom=str(rom_file)) as runner:
        task = asyncio.create_task(roll(runner))
        await asyncio.to_thread(opening.wait, 5)
        task.cancel()
        await asyncio.wait({task})
        assert [False] == [file.closed for file in watched.opened]
        go.set()
        await asyncio.get_running_loop().shutdown_default_executor()
        await asyncio.sleep(0)

    assert task.cancelled()
    assert [True] == [file.closed for file in watched.opened]
    assert [] == site.asked


@asynccontextmanager
async def draining():
    """
    Run the server that forgets what it is sent; yield its address.
    """
    script = Path(__file__).with_name("drain.py")
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(script), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        port = await asyncio.wait_for(process.stdout.readline(), 30)
        yield f"http://127.0.0.1:{int(port)}"
    finally:
        process.stdin.close()
        await process.wait()


async def test_an_upload_takes_less_than_a_mebibyte(runner_for, rom_file, monkeypatch):
    """
    Four are sent, to a process of its own; only what this one allocates is counted.
    """
    pages = []
    monkeypatch.setattr(seedcore_ctjets, "shows_spoiler", pages.append)
    digest = hashlib.md5(rom_file.read_bytes()).hexdigest()
    async with draining() as url, runner_for(url, rom=str(rom_file)) as runner:
        await roll(runner)  # imports, connections and the like are no part of it
        rom_file.touch()  # so that it is looked at again
        tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()
        await roll(runner)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert f"<pre>{rom.SIZE} {digest}</pre>" in pages[-1]
    assert peak - before <= 2**20
