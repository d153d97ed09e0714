"""
A directory as a storage, and what waits on the disk for one that doesn't answer.
"""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from seedcore.storage import PUBLIC_NAME, Directory, Stored, Waiting
from seedcore.storage.waiting import Left

LOG = gzip.compress(b"Sanctuary: Lamp")
SEALED = Stored(
    key="sealed/zCRrNvK5ftdK5d56wSRq6A",
    content_type="text/plain",
    encoding="gzip",
    filename="a.txt",
)


@pytest.fixture
def now() -> list[float]:
    """
    The time, in epoch seconds; a test may change it.
    """
    return [1_700_000_000.0]


@pytest.fixture
def directory(tmp_path: Path, now: list[float]) -> Directory:
    """
    A storage with that clock.
    """
    return Directory(tmp_path / "files", now=lambda: now[0])


def at(link: str) -> Path:
    """
    Return the file that a link leads to.
    """
    return Path(unquote(urlsplit(link).path))


async def test_a_link_is_a_readable_copy(directory: Directory) -> None:
    """
    Each has a place of its own that nobody can guess; the sealed file stays as it is.
    """
    assert None is await directory.put(SEALED, LOG)
    first, second = await directory.link(SEALED, 60), await directory.link(SEALED, 60)

    assert b"Sanctuary: Lamp" == at(first).read_bytes() == at(second).read_bytes()
    assert "a.txt" == at(first).name
    assert at(first).parent != at(second).parent
    assert 22 == len(at(first).parent.stem)
    assert LOG == (directory.root / SEALED.key).read_bytes()
    assert 0o600 == (directory.root / SEALED.key).stat().st_mode & 0o777


async def test_a_link_is_gone_after_its_time(directory: Directory, now: list[float]) -> None:
    """
    Those that still hold stay, and so does everything else.
    """
    await directory.put(SEALED, LOG)
    await directory.put(Stored(key="patch/1.bps", public=True), b"patch")
    short, long = await directory.link(SEALED, 60), await directory.link(SEALED, 3_600)
    now[0] += 61
    await directory.remove_expired()

    assert not at(short).exists()
    assert at(long).exists()
    assert (directory.root / "open/patch/1.bps").exists()
    now[0] += 3_600
    await directory.remove_expired()
    assert not at(long).exists()


async def test_what_is_put_again_replaces_what_was_there(directory: Directory) -> None:
    """
    Whole: a reader never sees half of it, and no draft stays.
    """
    stored = Stored(key="patch/1.bps", public=True)
    first = await directory.put(stored, b"one")
    second = await directory.put(stored, b"two")

    assert first == second
    assert b"two" == at(str(second)).read_bytes()
    assert ["1.bps"] == [path.name for path in (directory.root / "open/patch").iterdir()]


async def test_a_web_server_in_front_of_it(tmp_path: Path) -> None:
    """
    Addresses begin with its own, public ones and links alike.
    """
    directory = Directory(tmp_path, "https://files.example/seeds/")
    await directory.put(SEALED, LOG)

    assert "https://files.example/seeds/patch/1.bps" == await directory.put(
        Stored(key="patch/1.bps", public=True), b"patch"
    )
    assert (await directory.link(SEALED, 60)).startswith("https://files.example/seeds/revealed/")


async def test_a_sealed_file_that_is_damaged(directory: Directory) -> None:
    """
    That is an OSError too.
    """
    for content in (LOG[:-9], LOG[:12] + b"\xff" * 20, b"no gzip"):
        await directory.put(SEALED, content)
        with pytest.raises(OSError):  # noqa: PT011 - gzip has its own words
            await directory.link(SEALED, 60)


async def test_a_disk_that_refuses(directory: Directory) -> None:
    """
    It is an OSError, and nothing half-written stays.
    """
    directory.root.write_text("no directory")

    with pytest.raises(OSError, match="File exists"):
        await directory.put(SEALED, LOG)
    with pytest.raises(OSError, match="Not a directory"):
        await directory.link(SEALED, 60)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/etc/passwd",
        "../x",
        "a/../b",
        "a//b",
        "a/",
        "a b",
        "sealed/x",
        "revealed/x",
        ".x",
        "a\n",
    ],
)
def test_a_public_name_is_a_path_of_plain_names(name: str) -> None:
    """
    It leads neither out of the folder nor to what is sealed.
    """
    assert not PUBLIC_NAME.fullmatch(name)
    assert PUBLIC_NAME.fullmatch("patch/DR_AbCdEf123456.bps")


# --------------------------------------------------------------------- what waits


def test_what_waits_is_whole_and_private(tmp_path: Path) -> None:
    """
    Its file's name says nothing of its key, and is found by it.
    """
    waiting = Waiting(tmp_path / "logs")
    path = waiting.add(Left(call_id="c-1", storage="s3", stored=SEALED, content=LOG))

    assert [path] == waiting.all()
    assert path == waiting.find(SEALED.key)
    assert Left(call_id="c-1", storage="s3", stored=SEALED, content=LOG) == waiting.read(path)
    assert SEALED.key.removeprefix("sealed/") not in path.name
    assert (0o600, 0o700) == tuple(each.stat().st_mode & 0o777 for each in (path, path.parent))
    waiting.remove(path)
    assert [] == waiting.all()
    assert None is waiting.find(SEALED.key)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]\nx",
        b"null\n",
        b'{"storage": "s3"}\nx',
        b'{"storage": "s3", "odd": 1}\n',
        b"\xff\n",
    ],
)
def test_a_damaged_file_is_nothing_to_store(tmp_path: Path, content: bytes) -> None:
    """
    It stays for a person to look at.
    """
    waiting = Waiting(tmp_path)
    path = tmp_path / "x.object"
    path.write_bytes(content)

    with pytest.raises(ValueError, match="damaged"):
        waiting.read(path)
    assert None is waiting.read(tmp_path / "gone.object")
    assert [] == waiting.all()
    assert content == path.with_suffix(".damaged").read_bytes()


def test_a_draft_that_a_killed_process_left(tmp_path: Path) -> None:
    """
    It is nothing that waits, and goes.
    """
    draft, new = tmp_path / ".draft-x.object.1", tmp_path / ".draft-y.object.2"
    for path in (draft, new):
        path.write_bytes(b"{")
    os.utime(draft, (1_700_000_000, 1_700_000_000))
    waiting = Waiting(tmp_path)

    assert [] == waiting.all()
    waiting.remove_drafts()
    assert not draft.exists()
    assert new.exists()  # somebody may be writing it
    Waiting(tmp_path / "none").remove_drafts()
