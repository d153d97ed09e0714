"""
Lines on the disk of this machine: nothing is lost, nothing is written twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import resource
import stat
import subprocess
import sys
import threading
import zlib
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from seedcore.errors import DatabaseError
from seedcore.store import drain, spool as files
from seedcore.store.address import address_of
from seedcore.store.claims import Claims
from seedcore.store.database import Database
from seedcore.store.drain import Drained, drain_mine, drain_the_dead
from seedcore.store.entries import Entry
from seedcore.store.spool import Spool, line_of, read
from seedcore.store.store import open_database
from support.stored import Gone, call_entry, failure_entry, look

KEY = "0123456789ab"
CALL_IDS = "SELECT call_id FROM seedcore_calls ORDER BY id"
FAILED_IDS = "SELECT call_id FROM seedcore_failures ORDER BY id"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """
    Where the spool of a database is, once there is one.
    """
    return tmp_path / "spool"


@pytest.fixture
def spool(folder: Path) -> Iterator[Spool]:
    """
    The spool of this process.
    """
    made = Spool(folder, KEY)
    yield made
    made.close()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """
    An open database.
    """
    opened = await open_database(address_of(database_url), pool_size=2)
    yield opened
    await opened.close(5)


def die(spool: Spool) -> None:
    """
    Let the locks go, as the system does when a process ends.
    """
    for file in (spool._lock, spool._file):
        if file is not None:
            file.close()
    spool._lock = spool._file = None


def dead_spool(folder: Path, *entries: Entry) -> Spool:
    """
    Leave *entries* in the spool of a process that has died.
    """
    spool = Spool(folder, KEY)
    spool.live()
    spool.append(entries)
    die(spool)
    return spool


def names(folder: Path) -> list[str]:
    """
    Return how the files in *folder* end.
    """
    return sorted(path.name.partition(".")[2] for path in folder.iterdir())


def call_ids(entries: Sequence[Entry]) -> list[str]:
    """
    Return whose entries these are.
    """
    return [entry.call_id for entry in entries]


class TestLines:
    """
    What stands in a file.
    """

    def test_a_line_is_its_length_a_checksum_and_an_entry(self) -> None:
        """
        As the module says it.
        """
        entry = Entry("ä", {"claims": ["\n", "ä", 1]})
        body = b'["\\u00e4",{"claims":["\\n","\\u00e4",1]}]'

        assert b"%08x %08x %s\n" % (len(body), zlib.crc32(body), body) == line_of(entry)

    def test_lines_are_read_in_their_order(self, tmp_path: Path) -> None:
        """
        And a file that is not there has none.
        """
        file = tmp_path / "x.spool"
        assert ([], []) == read(file)
        file.write_bytes(b"".join(line_of(call_entry(f"c-{n}")) for n in range(3)))

        entries, torn = read(file)
        assert (["c-0", "c-1", "c-2"], []) == (call_ids(entries), torn)
        assert call_entry("c-2").parts == entries[2].parts

    def test_a_last_line_that_is_cut_short_costs_no_other(self, tmp_path: Path) -> None:
        """
        Wherever the power went: what is left of it is given back as it stands there.
        """
        file = tmp_path / "x.spool"
        whole = line_of(Entry("c-1", {"claims": ["x", "c-1", 1]}))
        last = line_of(Entry("c-2", {"claims": ["y", "c-2", 1]}))
        for end in range(1, len(last)):
            file.write_bytes(whole + last[:end])
            entries, torn = read(file)
            assert (["c-1"], [last[:end]]) == (call_ids(entries), torn)

    def test_a_damaged_line_costs_no_other(self, tmp_path: Path) -> None:
        """
        Whichever of its bytes a disk has changed, to whatever.
        """
        file = tmp_path / "x.spool"
        first, middle, last = (
            line_of(Entry(f"c-{n}", {"claims": ["x", f"c-{n}", 1]})) for n in range(3)
        )
        for place in range(len(middle) - 1):
            for byte in b"\x00\n\r\xff":
                damaged = middle[:place] + bytes([byte]) + middle[place + 1 :]
                file.write_bytes(first + damaged + last)
                entries, torn = read(file)
                assert (["c-0", "c-2"], damaged) == (call_ids(entries), b"".join(torn))

    def test_a_line_of_a_newer_version_is_not_taken_for_an_entry(self, tmp_path: Path) -> None:
        """
        Its checksum is right, and it says what nobody here understands.
        """
        file = tmp_path / "x.spool"
        for body in (b"5", b'{"v":2}', b'["c-1",{"gates":[]}]', b"\xff"):
            line = b"%08x %08x %s\n" % (len(body), zlib.crc32(body), body)
            file.write_bytes(line)
            assert ([], [line]) == read(file)


class TestFiles:
    """
    What a process makes, and when.
    """

    def test_nothing_is_made_before_it_is_needed(self, spool: Spool, folder: Path) -> None:
        """
        Not by looking either, nor by closing.
        """
        assert [] == spool.mine()
        assert [] == list(spool.left_by_the_dead())
        status = spool.status()
        assert (0, 0, 0, 0) == (status.lines, status.held, status.torn, status.bytes)
        assert str(folder) == status.directory
        spool.close()

        assert not folder.exists()

    def test_the_directory_is_for_this_user_only(self, folder: Path) -> None:
        """
        Rows may hold what is sealed.
        """
        spool = Spool(folder / "deeper", KEY)
        before = os.umask(0)
        try:
            spool.live()
        finally:
            os.umask(before)

        assert 0o700 == stat.S_IMODE((folder / "deeper").stat().st_mode)
        spool.close()

    def test_a_process_that_lives_holds_its_lock(self, spool: Spool, folder: Path) -> None:
        """
        Its name is that of its owner, and closing leaves nothing.
        """
        spool.live()
        spool.live()
        [lock] = folder.iterdir()

        assert f"{KEY}-{spool.owner}.lock" == lock.name
        assert files.locked(lock) is None
        spool.close()
        assert not folder.exists()

    def test_nobody_finds_the_lock_of_a_living_process_unlocked(
        self, spool: Spool, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        Not even while it is made: it would be taken for that of a dead one, and removed.
        """
        flock = files.fcntl.flock
        seen: list[str] = []

        def look_around(file: Any, operation: int) -> None:
            seen.extend(path.name for path in folder.glob("*.lock"))
            flock(file, operation)

        monkeypatch.setattr(files.fcntl, "flock", look_around)
        spool.live()

        assert [] == seen

    def test_many_threads_may_begin_at_once(self, folder: Path) -> None:
        """
        A claim and a row that goes aside; the lock is taken once and stays.
        """
        for _ in range(20):
            spool = Spool(folder, KEY)
            start = threading.Barrier(4)

            def begin(spool: Spool = spool, start: threading.Barrier = start) -> None:
                start.wait()
                spool.live()

            threads = [threading.Thread(target=begin) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert files.locked(spool._path(".lock")) is None
            spool.close()

    def test_a_directory_that_others_have_just_removed_is_made_again(
        self, spool: Spool, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        The last one to close takes it along.
        """
        make, made = spool._make_directory, []

        def make_for_a_moment() -> None:
            make()
            made.append(folder)
            if len(made) == 1:
                folder.rmdir()

        monkeypatch.setattr(spool, "_make_directory", make_for_a_moment)
        spool.append([call_entry()])

        assert 2 == len(made)
        assert ["lock", "spool"] == names(folder)

    def test_lines_and_their_file_are_on_the_disk_before_anybody_is_told(
        self, spool: Spool, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        The file at each append; the directories once, when something in them is new.
        """
        sync = os.fsync
        synced: list[str] = []

        def record(descriptor: int) -> None:
            synced.append(Path(f"/proc/self/fd/{descriptor}").resolve().name)
            sync(descriptor)

        monkeypatch.setattr(os, "fsync", record)
        spool.append([call_entry("c-1"), call_entry("c-2")])
        spool.append([call_entry("c-3")])

        file = f"{KEY}-{spool.owner}.spool"
        assert [folder.parent.name, folder.name, file, file] == synced
        assert ["c-1", "c-2", "c-3"] == call_ids(read(folder / file)[0])

    def test_a_full_disk_is_an_os_error(self, spool: Spool) -> None:
        """
        With the number that says so.
        """
        spool.live()
        spool._path(".spool").symlink_to("/dev/full")

        with pytest.raises(OSError, match="No space left on device") as full:
            spool.append([call_entry()])
        assert errno.ENOSPC == full.value.errno

    def test_half_a_line_does_not_stay(self, spool: Spool, folder: Path) -> None:
        """
        Entries that don't fit are taken back, all of them, and the next one is written.
        """
        spool.append([call_entry("c-1")])
        [file] = folder.glob("*.spool")
        whole = file.read_bytes()
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) * 5 // 2, limits[1]))
        try:
            with pytest.raises(OSError, match="File too large"):
                spool.append([call_entry("c-2"), call_entry("c-3")])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)

        assert whole == file.read_bytes()
        spool.append([call_entry("c-4")])
        assert ["c-1", "c-4"] == call_ids(read(file)[0])

    def test_a_file_is_renamed_before_it_is_drained(self, spool: Spool, folder: Path) -> None:
        """
        New lines go to another one.
        """
        spool.append([call_entry("c-1")])
        [first] = spool.mine()
        spool.append([call_entry("c-2")])

        assert ["1.draining", "lock", "spool"] == names(folder)
        assert ["c-1"] == call_ids(read(first)[0])
        [again, second] = spool.mine()
        assert (first, ["c-2"]) == (again, call_ids(read(second)[0]))
        assert ["1.draining", "2.draining", "lock"] == names(folder)

    def test_a_file_that_is_begun_meanwhile_is_not_drained(
        self, spool: Spool, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        Whoever drains it would remove it, with all the lines that are still to come.
        """
        spool.append([call_entry("c-1")])
        listed = files._data_files

        def append_and_list(stem: Path) -> list[Path]:
            spool.append([call_entry("c-2")])
            return listed(stem)

        monkeypatch.setattr(files, "_data_files", append_and_list)
        mine = spool.mine()

        assert ["1.draining"] == [path.name.partition(".")[2] for path in mine]
        assert ["1.draining", "lock", "spool"] == names(folder)

    def test_a_device_is_no_file_of_lines(self, spool: Spool, folder: Path) -> None:
        """
        Reading one may never end.
        """
        folder.mkdir()
        (folder / f"{KEY}-left.spool").symlink_to("/dev/zero")

        (folder / f"{KEY}-other.spool").mkdir()

        assert 0 == spool.status().lines
        assert f"{KEY}-left.spool" not in [
            file.name for _, files in spool.left_by_the_dead() for file in files
        ]

    def test_whoever_has_lines_knows_it(self, spool: Spool) -> None:
        """
        Written just now, or renamed already.
        """
        assert not spool.has_lines
        spool.append([call_entry()])
        assert spool.has_lines
        [file] = spool.mine()
        assert spool.has_lines
        file.unlink()
        assert not spool.has_lines

    def test_what_is_left_at_the_end_is_no_longer_held(self, spool: Spool, folder: Path) -> None:
        """
        It belongs to whoever comes next.
        """
        spool.append([call_entry()])
        spool.close()

        assert ["spool"] == names(folder)
        assert [("", list(folder.iterdir()))] == list(Spool(folder, KEY).left_by_the_dead())

    def test_without_file_locks_nobody_is_taken_for_dead(
        self, spool: Spool, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        As on Windows; its own lines are still its own.
        """
        dead_spool(folder, call_entry("c-0"))
        monkeypatch.setattr(files, "fcntl", None)
        spool.append([call_entry("c-1")])

        assert [] == list(spool.left_by_the_dead())
        [file] = spool.mine()
        assert ["c-1"] == call_ids(read(file)[0])


class TestLooking:
    """
    What lies there.
    """

    def test_lines_are_counted_and_who_holds_them(self, spool: Spool, folder: Path) -> None:
        """
        Of this database alone: others may share the directory.
        """
        spool.append([call_entry("c-1"), call_entry("c-2")])
        spool.mine()
        spool.append([call_entry("c-3")])
        dead_spool(folder, call_entry("c-4"))
        other = Spool(folder, "ba9876543210")
        other.append([call_entry("c-5")])
        status = spool.status()

        assert (4, 3, 0) == (status.lines, status.held, status.torn)
        mine = [path for path in folder.glob(f"{KEY}*") if path.suffix != ".lock"]
        assert sum(path.stat().st_size for path in mine) == status.bytes
        assert 1 == other.status().lines
        other.close()

    def test_torn_lines_are_counted_wherever_they_are(self, spool: Spool, folder: Path) -> None:
        """
        Still among the others, or put aside.
        """
        spool.append([call_entry("c-1")])
        [file] = folder.glob("*.spool")
        with file.open("ab") as cut:
            cut.write(b"0000")
        spool.keep_torn(file, [b"half a line", b"a whole one\n"])
        status = spool.status()

        assert (1, 1, 3) == (status.lines, status.held, status.torn)
        [aside] = folder.glob("*.torn")
        assert b"half a line\na whole one\n" == aside.read_bytes()
        assert file.stat().st_size + aside.stat().st_size == status.bytes

    def test_a_file_that_is_drained_meanwhile_counts_nothing(
        self, spool: Spool, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        It was there when the directory was listed.
        """
        gone = folder / f"{KEY}-gone.spool"
        listed = files._data_files
        monkeypatch.setattr(files, "_data_files", lambda stem: [gone, *listed(stem)])
        spool.append([call_entry("c-1")])
        status = spool.status()

        assert (1, 1, 0) == (status.lines, status.held, status.torn)

    def test_a_directory_that_goes_while_it_is_listed_holds_nothing(
        self, spool: Spool, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        Who has drained its last file removes it at any moment.
        """
        listed = os.scandir

        def removed_first(path: str | Path) -> object:
            if Path(path) == folder:
                folder.rmdir()
            return listed(path)

        def made() -> None:
            monkeypatch.undo()
            folder.mkdir()
            monkeypatch.setattr(os, "scandir", removed_first)

        for looking, expected in (
            (lambda: spool.has_lines, False),
            (lambda: list(spool.left_by_the_dead()), []),
            (lambda: spool.status().lines, 0),
        ):
            made()
            assert expected == looking()
            assert not folder.exists()


@pytest.mark.dialects
class TestDraining:
    """
    From the files to the database.
    """

    async def test_lines_become_rows_and_the_files_go(
        self, database: Database, database_url: str, spool: Spool, folder: Path
    ) -> None:
        """
        In their order, and only their own process drains them.
        """
        spool.append([call_entry("c-1"), failure_entry("f-1")])
        spool.mine()
        spool.append([call_entry("c-2")])
        total = Drained()
        await drain_mine(database, spool, total)

        assert Drained(written=3, torn=0) == total
        assert [("c-1",), ("c-2",)] == look(database_url, CALL_IDS)
        assert [("f-1",)] == look(database_url, FAILED_IDS)
        assert ["lock"] == names(folder)

    async def test_a_line_whose_row_is_there_already_changes_nothing(
        self, database: Database, database_url: str, spool: Spool
    ) -> None:
        """
        A process died after its commit and before it could remove the file.
        """
        for _ in range(2):
            spool.append([call_entry("c-1")])
            await drain_mine(database, spool, Drained())

        assert [("c-1",)] == look(database_url, CALL_IDS)

    async def test_torn_lines_are_kept_and_reported(
        self, database: Database, database_url: str, folder: Path
    ) -> None:
        """
        The others are written; what nobody can read may still help a person.
        """
        lines = [line_of(call_entry(f"c-{n}")) for n in range(4)]
        lines[1] = lines[1].replace(b"demo", b"dome", 1)
        lines[3] = lines[3][:-7]
        dead = dead_spool(folder)
        dead._path(".spool").write_bytes(b"".join(lines))
        spool, total = Spool(folder, KEY), Drained()
        await drain_the_dead(database, spool, total)

        assert Drained(written=2, torn=2) == total
        assert [("c-0",), ("c-2",)] == look(database_url, CALL_IDS)
        assert [f"{KEY}-{dead.owner}.torn"] == [path.name for path in folder.iterdir()]
        assert lines[1] + lines[3] + b"\n" == dead._path(".torn").read_bytes()
        assert (0, 2) == (spool.status().lines, spool.status().torn)
        await drain_the_dead(database, spool, total)
        assert Drained(written=2, torn=2) == total

    async def test_a_row_the_database_refuses_is_kept_with_the_torn(
        self, database: Database, database_url: str, spool: Spool, folder: Path
    ) -> None:
        """
        Tried for ever it would keep back all that come after it.
        """
        bad = call_entry("c-1", latency_ms=None)
        spool.append([call_entry("c-0"), bad, call_entry("c-2")])
        total = Drained()
        await drain_mine(database, spool, total)

        assert Drained(written=2, torn=1) == total
        assert [("c-0",), ("c-2",)] == look(database_url, CALL_IDS)
        [aside] = folder.glob("*.torn")
        assert line_of(bad) == aside.read_bytes()

    @pytest.mark.parametrize("beside", [1, 30])
    async def test_a_row_of_another_version_keeps_back_no_other(
        self, database: Database, database_url: str, spool: Spool, beside: int
    ) -> None:
        """
        It has more or fewer columns than the table knows.
        """
        names = [f"c-{number}" for number in range(beside)]
        row = call_entry().parts["calls"]
        odd = [Entry("long", {"calls": [*row, "x"]}), Entry("short", {"calls": row[:-2]})]
        spool.append([*map(call_entry, names), *odd])
        total = Drained()
        await drain_mine(database, spool, total)

        assert Drained(written=beside, torn=2) == total
        assert [(name,) for name in names] == look(database_url, CALL_IDS)

    async def test_a_row_of_the_version_before_is_written(
        self, database: Database, database_url: str, spool: Spool
    ) -> None:
        """
        What was spooled before there were dry runs is none.
        """
        row = call_entry("old").parts["calls"]
        spool.append([Entry("old", {"calls": row[:-1]})])
        total = Drained()
        await drain_mine(database, spool, total)

        assert Drained(written=1) == total
        found = look(database_url, "SELECT call_id, dry FROM seedcore_calls")
        assert [("old", False)] == [(name, bool(dry)) for name, dry in found]

    async def test_without_the_database_every_line_stays(
        self,
        database: Database,
        database_url: str,
        spool: Spool,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """
        The next try writes them, and counts them once.
        """
        monkeypatch.setattr(drain, "AT_A_TIME", 2)
        write, transactions = database.write, 0

        async def end_after_one(batches: Any, limit: float) -> None:
            nonlocal transactions
            transactions += 1
            if transactions == 2:
                raise ConnectionResetError
            await write(batches, limit)

        monkeypatch.setattr(database, "write", end_after_one)
        spool.append([call_entry(f"c-{n}") for n in range(5)])
        total = Drained()
        with pytest.raises(DatabaseError, match="ConnectionResetError"):
            await drain_mine(database, spool, total)
        assert 5 == spool.status().lines
        await drain_mine(database, spool, total)

        assert Drained(written=5, torn=0) == total
        assert [(f"c-{n}",) for n in range(5)] == look(database_url, CALL_IDS)
        assert 5 == transactions
        assert ["lock"] == names(folder)

    async def test_a_database_that_was_closed_damages_no_line(
        self, database: Database, spool: Spool, folder: Path
    ) -> None:
        """
        The lines are all right, and stay where they are.
        """
        spool.append([call_entry()])
        await database.close(5)
        with pytest.raises(DatabaseError, match="it was closed; open it again"):
            await drain_mine(database, spool, Drained())

        assert ["lock", "spool"] == names(folder)
        assert (1, 0) == (spool.status().lines, spool.status().torn)

    async def test_a_database_that_is_closed_meanwhile_damages_no_line(
        self, database: Database, spool: Spool, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        As when its process ends while it drains.
        """
        spool.append([call_entry()])
        mine = spool.mine
        monkeypatch.setattr(spool, "mine", lambda: (setattr(database, "_closed", True), mine())[1])
        with pytest.raises(DatabaseError, match="it was closed; open it again"):
            await drain_mine(database, spool, Drained())

        assert ["1.draining", "lock"] == names(folder)
        assert (1, 0) == (spool.status().lines, spool.status().torn)

    async def test_while_the_database_is_gone_no_file_is_touched(
        self, database: Database, spool: Spool, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        A day of tries would leave a file for each of them.
        """
        gone = Gone(monkeypatch, database)
        await drain_mine(database, spool, Drained())
        assert 0 == gone.looks
        spool.append([call_entry()])
        for _ in range(3):
            with pytest.raises(DatabaseError):
                await drain_mine(database, spool, Drained())

        assert (3, 0) == (gone.looks, gone.writes)
        assert ["lock", "spool"] == names(folder)

    async def test_two_who_drain_at_once_double_nothing(
        self, database: Database, database_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        Not even failures, which may have the same call_id twice.
        """
        monkeypatch.setattr(drain, "AT_A_TIME", 3)
        for number in range(4):
            dead_spool(folder, *(failure_entry(f"f-{number}{letter}") for letter in "abcdefgh"))
        closed = Spool(folder, KEY)
        closed.append([failure_entry("f-orphan")])
        closed.close()
        other = await open_database(address_of(database_url), pool_size=2)
        totals = [Drained() for _ in range(6)]
        await asyncio.gather(
            *(
                drain_the_dead(connection, Spool(folder, KEY), total)
                for connection, total in zip([database, other] * 3, totals, strict=True)
            )
        )
        await other.close(5)

        assert 33 == sum(total.written for total in totals)
        rows = look(database_url, FAILED_IDS)
        assert 33 == len(rows) == len(set(rows))
        assert [] == list(folder.iterdir())

    async def test_a_file_that_another_process_has_drained_is_passed_over(
        self, database: Database, database_url: str, folder: Path
    ) -> None:
        """
        It was there when the directory was listed; those behind it are drained.
        """
        orphans = [folder / f"{KEY}-{name}.spool" for name in ("a", "b", "c")]
        folder.mkdir()
        for file in orphans:
            file.write_bytes(line_of(call_entry(file.stem[-1])))
        spool, total = Spool(folder, KEY), Drained()
        write = database.write

        async def remove_the_next(batches: Any, limit: float) -> None:
            orphans[1].unlink(missing_ok=True)
            await write(batches, limit)

        database.write = remove_the_next
        await drain_the_dead(database, spool, total)

        assert Drained(written=2, torn=0) == total
        assert [("a",), ("c",)] == look(database_url, CALL_IDS)

    async def test_only_lines_of_the_same_database_are_drained(
        self, database: Database, folder: Path
    ) -> None:
        """
        Others may share the directory.
        """
        dead = dead_spool(folder, call_entry())
        total = Drained()
        await drain_the_dead(database, Spool(folder, "ba9876543210"), total)

        assert Drained() == total
        assert dead._path(".spool").exists()

    async def test_a_dead_process_is_taken_over_and_a_living_one_is_not(
        self, database: Database, database_url: str, folder: Path
    ) -> None:
        """
        The system lets the lock of a killed process go; nobody has to guess.
        """
        spool, total = Spool(folder, KEY), Drained()
        with process(folder, call_entry("c-1"), call_entry("c-2")) as living:
            owner = living.stdout.readline().strip()
            claims = Claims(database, owner)
            claim = await claims.take("m", provider="p", operation="o", fingerprint="f")
            claims.ended(claim, settled=True)
            await drain_the_dead(database, spool, total)
            assert Drained() == total
            assert [] == look(database_url, CALL_IDS)
            assert (2, 2) == (spool.status().lines, spool.status().held)
            assert (await claims.find("m")).left > 0

            living.kill()
            living.wait(60)
        assert (2, 0) == (spool.status().lines, spool.status().held)
        await drain_the_dead(database, spool, total)

        assert Drained(written=2, torn=0) == total
        assert [("c-1",), ("c-2",)] == look(database_url, CALL_IDS)
        assert [] == list(folder.iterdir())
        expired = await claims.find("m")
        assert (claim.token, False) == (expired.token, expired.done)
        assert expired.left <= 0
        await claims.close()

    async def test_claims_of_the_dead_expire_after_their_lines_are_written(
        self, database: Database, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        Who takes one over must see what was done under it.
        """
        dead = dead_spool(folder, call_entry())
        claims = Claims(database, dead.owner)
        claim = await claims.take("m", provider="p", operation="o", fingerprint="f")
        claims.ended(claim, settled=True)
        gone = Gone(monkeypatch, database)
        with pytest.raises(DatabaseError, match="no server answers there"):
            await drain_the_dead(database, Spool(folder, KEY), Drained())
        assert (await claims.find("m")).left > 0
        assert dead._path(".lock").exists()

        gone.back()
        await drain_the_dead(database, Spool(folder, KEY), Drained())
        assert (await claims.find("m")).left <= 0
        assert not dead._path(".lock").exists()
        await claims.close()

    async def test_the_dead_who_left_nothing_are_buried_too(
        self, database: Database, folder: Path
    ) -> None:
        """
        Their claims would be waited for else.
        """
        dead = dead_spool(folder)
        dead._path(".spool").unlink()
        claims = Claims(database, dead.owner)
        claim = await claims.take("m", provider="p", operation="o", fingerprint="f")
        claims.ended(claim, settled=True)
        await drain_the_dead(database, Spool(folder, KEY), Drained())

        assert (await claims.find("m")).left <= 0
        assert [] == list(folder.iterdir())
        await claims.close()


@contextlib.contextmanager
def process(folder: Path, *entries: Entry) -> Iterator[subprocess.Popen[str]]:
    """
    Start a process that spools *entries*, says who it is, and lives on.
    """
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from seedcore.store.entries import Entry\n"
        "from seedcore.store.spool import Spool\n"
        "spool = Spool(Path(sys.argv[1]), sys.argv[2])\n"
        "spool.append(map(Entry.from_json, sys.argv[3:]))\n"
        "print(spool.owner, flush=True)\n"
        "sys.stdin.read()\n"
    )
    lines = [entry.to_json() for entry in entries]
    command = [sys.executable, "-c", code, str(folder), KEY, *lines]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as started:
        try:
            yield started
        finally:
            started.kill()
