"""
The logs of spoiler races: sealed with their seed, kept where they are safe, revealed when due.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from seedcore import (
    DatabaseError,
    DuplicateCallError,
    ProviderCapabilityError,
    ProviderUnavailableError,
    Registry,
    RevealError,
    Rolled,
    Runner,
    Seed,
    SettingsError,
    operation,
    provider,
)
from seedcore.presets import OPERATOR
from seedcore.spoilers import packed
from seedcore.testing.events import CapturedEvents
from support.stored import let_pass, look

pytestmark = pytest.mark.dialects

LOG = {"Light World": {"Sanctuary": "Lamp"}, "meta": {"goal": "ganon"}}
TEXT = "Sanctuary: Lamp\n"
ME, YOU = "discord:1", "discord:2"


class Shelf:
    """
    A storage in memory; ``failing`` is what each operation raises, ``held`` what puts wait for.
    """

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.failing: Exception | None = None
        self.puts = 0
        self.held: asyncio.Event | None = None

    @operation(effect="idempotent")
    async def put(
        self,
        *,
        key: str,
        content: bytes,
        content_type: str,
        encoding: str | None = None,
        filename: str | None = None,
        public: bool = False,
    ) -> str | None:
        """
        Keep an object.
        """
        self.puts += 1
        if self.held is not None:
            await self.held.wait()
        if self.failing is not None:
            raise self.failing
        facts = {"type": content_type, "encoding": encoding, "filename": filename}
        self.objects[key] = {"content": content, "public": public, **facts}
        return f"https://shelf.example/{key}" if public else None

    @operation(effect="read")
    async def link(self, key: str, seconds: int) -> str:
        """
        Return an address.
        """
        if self.failing is not None:
            raise self.failing
        return f"https://shelf.example/{key}?for={seconds}"


@pytest.fixture
def shelf() -> Shelf:
    """
    The storage.
    """
    return Shelf()


@pytest.fixture
def program(
    shelf: Shelf, tmp_path: Path, events: CapturedEvents, database_url: str
) -> Callable[..., Runner]:
    """
    A runner whose provider makes spoiler races, still to be entered.
    """

    @provider(delayed=True)
    async def race(request: Any, context: Any) -> Rolled:
        if request.options.get("upload"):
            address = await context.upload("patch/1.bps", b"patch", content_type="text/plain")
            return Rolled(Seed(url=address, id="1"), logs={"spoiler": LOG})
        logs = request.options.get("logs", {"spoiler": LOG, "progression": TEXT})
        return Rolled(Seed(url="https://seeds.example/1", id="1/..", code="Bow"), logs=logs)

    @provider(delayed=True)
    async def outer(request: Any, context: Any) -> Seed:
        return await context.generate("race", spoilers=request.spoilers)

    def made(**settings: Any) -> Runner:
        registry = Registry(discover=False)
        registry.add("race", race)
        registry.add("outer", outer)
        registry.add("shelf", shelf)
        return Runner(
            registry=registry,
            database=database_url,
            sinks=[events],
            settings={
                "storage_directory": str(tmp_path / "files"),
                "providers": {"shelf": {"retry_base_delay": 0, "retry_max_attempts": 2}},
                **settings,
            },
        )

    return made


async def raced(runner: Runner, name: str = "race", **arguments: Any) -> Seed:
    """
    Roll the seed of a spoiler race.
    """
    given = {"by": ME, "race": True, "surface": "tests", **arguments}
    return await runner.generate(name, spoilers="delayed", **given)


def content_of(link: str) -> bytes:
    """
    Return what a link to the disk leads to.
    """
    return content_path(link).read_bytes()


def content_path(link: str) -> Path:
    """
    Return the file that a link to the disk leads to.
    """
    return Path(unquote(urlsplit(link).path))


async def refusal(runner: Runner, call_id: str, by: str = ME, kind: str = "spoiler") -> str:
    """
    Return why a log isn't revealed.
    """
    with pytest.raises(RevealError) as refused:
        await runner.reveal(call_id, by=by, kind=kind)
    return refused.value.user_message


# --------------------------------------------------------------------- revealing


async def test_a_log_is_sealed_until_it_is_due(
    program: Callable[..., Runner], database_url: str
) -> None:
    """
    Then whoever asked for the seed gets a link, and so does the operator.
    """
    due = datetime.now(UTC).replace(microsecond=0).timestamp() + 900
    async with program() as runner:
        seed = await raced(runner, reveal_at=due)
        call_id = seed.meta.call_id
        assert (due, None) == (seed.meta.reveal_at, seed.spoiler_url)
        shown = datetime.fromtimestamp(due, UTC).strftime("%Y-%m-%d %H:%M:%S")
        assert f"is sealed until {shown} UTC" in await refusal(runner, call_id)
        assert "sealed until" in await refusal(runner, call_id, OPERATOR)

        let_pass(database_url, 901)
        found = await runner.reveal(call_id, by=ME)
        text = await runner.reveal(call_id, by=OPERATOR, kind="progression")

    assert LOG == json.loads(content_of(found.link))
    assert TEXT == content_of(text.link).decode()
    assert (call_id, "spoiler", False) == (found.call_id, found.kind, found.again)
    assert found.link not in repr(found)
    assert 3_590 < found.expires_at - time.time() < 3_610


async def test_who_asked_is_recorded(
    program: Callable[..., Runner], database_url: str, events: CapturedEvents
) -> None:
    """
    Each time; the first time stays the time of the reveal.
    """
    async with program() as runner:
        call_id = (await raced(runner)).meta.call_id
        let_pass(database_url, 86_401)
        first = await runner.reveal(call_id, by=ME)
        again = await runner.reveal(call_id, by=OPERATOR)
        rows = await runner._runtime.store.logs.reveals(call_id)

    assert (False, True) == (first.again, again.again)
    assert first.revealed_at == again.revealed_at
    assert first.link != again.link
    assert [("spoiler", ME), ("spoiler", "operator")] == [
        (row["kind"], row["asked_by"]) for row in rows
    ]
    assert [{"kind": "spoiler", "by": by} for by in (ME, "operator")] == [
        event.extra for event in events.named("revealed", call_id=call_id)
    ]


async def test_somebody_elses_log(program: Callable[..., Runner], database_url: str) -> None:
    """
    They are told the same as of a call that never was, and nobody else is recorded.
    """
    async with program() as runner:
        call_id = (await raced(runner)).meta.call_id
        nobodys = (await raced(runner, by=None)).meta.call_id
        let_pass(database_url, 86_401)
        theirs = await refusal(runner, call_id, YOU)
        missing = await refusal(runner, "no-such-call", YOU)
        assert theirs.replace(call_id, "X") == missing.replace("no-such-call", "X")
        # A name that looks like the operator's makes nobody one.
        assert "is not there for operator" in await refusal(runner, call_id, "operator")
        assert "is not there for discord:1" in await refusal(runner, nobodys)
        assert [] == await runner._runtime.store.logs.reveals(call_id)
        assert (await runner.reveal(nobodys, by=OPERATOR)).link


async def test_a_clock_that_goes_back(program: Callable[..., Runner], database_url: str) -> None:
    """
    Before the reveal the log waits longer; what was revealed stays so.
    """
    async with program() as runner:
        call_id = (await raced(runner)).meta.call_id
        let_pass(database_url, 86_401)
        let_pass(database_url, -3_600)
        assert "is sealed until" in await refusal(runner, call_id)
        let_pass(database_url, 3_601)
        await runner.reveal(call_id, by=ME)
        let_pass(database_url, -1e6)
        assert (await runner.reveal(call_id, by=ME)).again
        assert "is sealed until" in await refusal(runner, call_id, kind="progression")


async def test_a_kind_that_is_not_there(program: Callable[..., Runner], database_url: str) -> None:
    """
    Those that are there are named.
    """
    async with program() as runner:
        call_id = (await raced(runner)).meta.call_id
        let_pass(database_url, 86_401)
        assert "has no kind 'map', it has progression, spoiler" in (
            await refusal(runner, call_id, kind="map")
        )


async def test_an_argument_that_is_none(program: Callable[..., Runner]) -> None:
    """
    The calling program is wrong.
    """
    async with program() as runner:
        for arguments in ({"by": ""}, {"by": ME, "kind": "a\nb"}):
            with pytest.raises(SettingsError):
                await runner.reveal("c-1", **arguments)


async def test_a_log_whose_file_is_gone(
    program: Callable[..., Runner], database_url: str, tmp_path: Path
) -> None:
    """
    It can't be shown, and nobody is recorded to have seen it.
    """
    async with program() as runner:
        call_id = (await raced(runner)).meta.call_id
        let_pass(database_url, 86_401)
        for path in (tmp_path / "files/sealed").iterdir():
            path.unlink()
        assert "can't be read from the disk" in await refusal(runner, call_id)
        assert [] == await runner._runtime.store.logs.reveals(call_id)


async def test_without_a_database() -> None:
    """
    Nothing would know where the log is.
    """
    registry = Registry(discover=False)
    registry.add("race", provider(delayed=True)(lambda: Seed(id="1")))
    async with Runner(registry=registry, database=None, sinks=[]) as runner:
        with pytest.raises(ProviderCapabilityError, match="need the database"):
            await raced(runner)
        assert "uses no database" in await refusal(runner, "c-1")


# ----------------------------------------------------------------------- keeping


async def test_what_is_stored(program: Callable[..., Runner], tmp_path: Path) -> None:
    """
    Compressed files for this user only, under 128 random bits; no reader shows where.
    """
    async with program() as runner:
        seed = await raced(runner)
        rows = await runner._runtime.store.queries.calls()

    files = [path for path in (tmp_path / "files").rglob("*") if path.is_file()]
    assert 2 == len(files)
    assert {0o600} == {path.stat().st_mode & 0o777 for path in files}
    assert 0o700 == (tmp_path / "files/sealed").stat().st_mode & 0o777
    assert {22} == {len(path.name) for path in files}
    contents = [gzip.decompress(path.read_bytes()).decode() for path in files]
    assert {TEXT, json.dumps(LOG, indent=1)} == {*contents}
    everything = f"{rows} {seed}"
    for secret in (*(path.name for path in files), "Sanctuary"):
        assert secret not in everything


async def test_a_storage_that_is_a_provider(
    program: Callable[..., Runner], shelf: Shelf, database_url: str, tmp_path: Path
) -> None:
    """
    It gets the same objects, and gives the link.
    """
    async with program(storage="shelf", link_seconds=60) as runner:
        seed = await raced(runner)
        let_pass(database_url, 86_401)
        found = await runner.reveal(seed.meta.call_id, by=ME)

    key = found.link.removeprefix("https://shelf.example/").removesuffix("?for=60")
    stored = shelf.objects[key]
    assert LOG == json.loads(gzip.decompress(stored["content"]))
    assert ("application/json", "gzip", "race-1-..-spoiler.json", False) == tuple(
        stored[name] for name in ("type", "encoding", "filename", "public")
    )
    assert not list(tmp_path.rglob("*.object"))
    assert not (tmp_path / "files").exists()


async def test_a_storage_that_refuses_costs_nobody_the_seed(
    program: Callable[..., Runner],
    shelf: Shelf,
    database_url: str,
    events: CapturedEvents,
    tmp_path: Path,
) -> None:
    """
    The log waits on this disk, and the next program stores it.
    """
    shelf.failing = ProviderUnavailableError("the bucket refuses")
    async with program(storage="shelf") as runner:
        seed = await raced(runner)
        let_pass(database_url, 86_401)
        assert "can't be stored yet" in await refusal(runner, seed.meta.call_id)
        assert 2 == (await runner._runtime.store.upkeep.status()).spool.logs

    assert ("https://seeds.example/1", "durable") == (seed.url, seed.meta.audit)
    assert 1 == len(events.named("log_spooled", level="WARNING"))
    files = list(tmp_path.rglob("*.object"))
    assert {0o600} == {path.stat().st_mode & 0o777 for path in files}
    assert 2 == len(files)

    shelf.failing = None
    async with program(storage="shelf") as runner:
        while list(tmp_path.rglob("*.object")):
            await asyncio.sleep(0)
        assert [(None,)] == look(database_url, "SELECT waits_at FROM seedcore_logs")
        found = await runner.reveal(seed.meta.call_id, by=ME)

    assert 2 == len(shelf.objects)
    assert found.link.startswith("https://shelf.example/sealed/")
    stored = events.named("log_stored", level="INFO")
    assert {seed.meta.call_id} == {event.call_id for event in stored}
    for secret in shelf.objects:
        assert secret not in f"{events}"


async def test_a_log_that_waits_here_is_stored_when_it_is_asked_for(
    program: Callable[..., Runner], shelf: Shelf, database_url: str
) -> None:
    """
    Nobody has to wait for the next try in the background.
    """
    shelf.failing = ProviderUnavailableError("the bucket refuses")
    async with program(storage="shelf") as runner:
        seed = await raced(runner)
        let_pass(database_url, 86_401)
        shelf.failing = None
        assert (await runner.reveal(seed.meta.call_id, by=ME)).link


async def test_a_log_that_can_not_be_written_is_reported(
    program: Callable[..., Runner], events: CapturedEvents, tmp_path: Path
) -> None:
    """
    Neither to its storage nor to the spool: the seed is there all the same.
    """
    (tmp_path / "files").write_text("no directory")
    async with program() as runner:
        logs = runner._runtime.store.spool.logs
        logs.parent.mkdir(parents=True, exist_ok=True)
        logs.write_text("no directory")
        seed = await raced(runner)
        assert "is not there" in await refusal(runner, seed.meta.call_id)

    assert ("1/..", None) == (seed.id, seed.meta.reveal_at)
    assert 2 == len(events.named("log_lost", level="ERROR", call_id=seed.meta.call_id))


async def test_a_directory_that_can_not_be_written_waits_like_any_storage(
    program: Callable[..., Runner], tmp_path: Path, database_url: str
) -> None:
    """
    Its log is in the spool until the disk is mended.
    """
    (tmp_path / "files").write_text("no directory")
    async with program() as runner:
        seed = await raced(runner)
        let_pass(database_url, 86_401)
        assert "can't be stored yet" in await refusal(runner, seed.meta.call_id)
        (tmp_path / "files").unlink()
        assert LOG == json.loads(content_of((await runner.reveal(seed.meta.call_id, by=ME)).link))


async def test_a_log_that_json_does_not_know(
    program: Callable[..., Runner], database_url: str
) -> None:
    """
    It is kept as Python shows it: there is no other copy.
    """
    logs = {"spoiler": {"a": {3}, "b": b"x"}, "odd": {(1, 2): 3}, "raw": b"\0\1"}
    async with program() as runner:
        call_id = (await raced(runner, options={"logs": logs})).meta.call_id
        let_pass(database_url, 86_401)
        shown = {
            kind: content_of((await runner.reveal(call_id, by=ME, kind=kind)).link) for kind in logs
        }

    assert {"a": [3], "b": "b'x'"} == json.loads(shown["spoiler"])
    assert (b"{(1, 2): 3}", b"\0\1") == (shown["odd"], shown["raw"])
    within: list[Any] = [7]
    within.append(within)
    content, _, ending = packed(within)
    assert (b"[7, [...]]", "txt") == (gzip.decompress(content), ending)


async def test_a_caller_who_gives_up_while_its_log_is_stored(
    program: Callable[..., Runner], shelf: Shelf, database_url: str
) -> None:
    """
    The seed was made, so that log and row are there.
    """
    shelf.held = asyncio.Event()
    async with program(storage="shelf") as runner:
        rolling = asyncio.ensure_future(raced(runner))
        while shelf.puts < 2:
            await asyncio.sleep(0)
        rolling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await rolling
        shelf.held.set()

    [(call_id,)] = look(database_url, "SELECT call_id FROM seedcore_calls")
    assert [(call_id, None)] == look(database_url, "SELECT call_id, waits_at FROM seedcore_logs")
    assert 2 == len(shelf.objects)


async def test_a_log_is_not_taken_from_this_disk_before_its_row_is_written(
    program: Callable[..., Runner], shelf: Shelf, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Else the row would say for ever that it waits here.
    """
    monkeypatch.setattr("seedcore.storage.uploads.FIRST_PAUSE", 0.001)
    async with program(storage="shelf") as runner:
        store, writes = runner._runtime.store, asyncio.Event()
        write = store.write

        async def later(*written: Any, **how: Any) -> Any:
            await writes.wait()
            return await write(*written, **how)

        monkeypatch.setattr(store, "write", later)
        monkeypatch.setattr("seedcore.spoilers.SpoilerLogs._time_left", lambda *_: 0.0)
        rolling = asyncio.ensure_future(raced(runner))
        while len(list(store.spool.logs.glob("*.object"))) < 2:
            await asyncio.sleep(0)
        runner._runtime.logs._uploads.go_on()  # for another call
        while len(shelf.objects) < 2:
            await asyncio.sleep(0)
        writes.set()
        await rolling
        while list(store.spool.logs.glob("*.object")):
            await asyncio.sleep(0)
        assert [(None,)] == look(database_url, "SELECT waits_at FROM seedcore_logs")


async def test_a_log_that_waits_on_another_machine(
    program: Callable[..., Runner], database_url: str
) -> None:
    """
    The machine is named.
    """
    async with program() as runner:
        call_id = (await raced(runner)).meta.call_id
        let_pass(database_url, 86_401)
        look(database_url, "UPDATE seedcore_logs SET waits_at = 'bot-2'")
        assert "waits on the machine bot-2" in await refusal(runner, call_id)


async def test_the_log_of_a_sealed_seed(
    program: Callable[..., Runner], database_url: str, tmp_path: Path
) -> None:
    """
    It stays sealed with its seed, and its name doesn't say which that is.
    """
    async with program() as runner:
        call_id = (await raced(runner, sealed=True)).meta.call_id
        let_pass(database_url, 86_401)
        assert "stays sealed until its seed is unsealed" in await refusal(runner, call_id)
        assert "stays sealed until" in await refusal(runner, call_id, OPERATOR)
        await runner._runtime.store.unseal(call_id, ME)
        link = (await runner.reveal(call_id, by=ME)).link

    assert f"race-{call_id}-spoiler.json" == content_path(link).name


async def test_links_to_the_disk_are_removed(
    program: Callable[..., Runner], database_url: str, tmp_path: Path
) -> None:
    """
    By the next program, if this one ends before.
    """
    async with program() as runner:
        call_id = (await raced(runner)).meta.call_id
        let_pass(database_url, 86_401)
        link = content_path((await runner.reveal(call_id, by=ME)).link)
    assert link.exists()

    link.parent.rename(link.parent.with_suffix(".1000"))
    async with program():
        assert [] == list((tmp_path / "files/open/revealed").iterdir())


async def test_logs_of_an_inner_call_are_those_of_the_outer(
    program: Callable[..., Runner], database_url: str
) -> None:
    """
    Whoever rolls through another provider has one row, and one log.
    """
    async with program() as runner:
        seed = await raced(runner, "outer")
        assert [(seed.meta.call_id, "outer")] == look(
            database_url, "SELECT call_id, provider FROM seedcore_logs"
        )
        let_pass(database_url, 86_401)
        found = await runner.reveal(seed.meta.call_id, by=ME)

    assert LOG == json.loads(content_of(found.link))


async def test_a_call_that_is_made_once_has_one_log(
    program: Callable[..., Runner], database_url: str
) -> None:
    """
    Whoever asks again, at another time too, gets the first one's.
    """
    async with program() as runner:
        first = await raced(runner, call_id="c-1")
        again = await raced(runner, call_id="c-1", reveal_at=time.time() + 5)
        with pytest.raises(DuplicateCallError):  # the log is for who asked first
            await raced(runner, call_id="c-1", by=YOU)
        look(database_url, "UPDATE seedcore_claims SET result = NULL")
        row = await raced(runner, call_id="c-1")

    assert first.url == again.url == row.url
    assert first.meta.reveal_at == pytest.approx(again.meta.reveal_at, abs=60)
    assert again.meta.reveal_at == pytest.approx(row.meta.reveal_at, abs=60)
    assert [(1,)] == look(database_url, "SELECT count(*) FROM seedcore_logs")


async def test_a_dry_run_stores_nothing(program: Callable[..., Runner], tmp_path: Path) -> None:
    """
    There is no log to be revealed.
    """
    async with program() as runner:
        seed = await raced(runner, dry_run=True)
        assert "is not there" in await refusal(runner, seed.meta.call_id)

    assert not (tmp_path / "files").exists()


async def test_a_storage_that_is_not_installed(program: Callable[..., Runner]) -> None:
    """
    It is found before a seed is rolled.
    """
    with pytest.raises(SettingsError, match="storage: no provider is called 'shelv'"):
        await program(storage="shelv").open()


async def test_a_storage_that_is_none(program: Callable[..., Runner]) -> None:
    """
    A provider that stores nothing: no seed is rolled that needs it, and others are.
    """
    async with program(storage="race") as runner:
        with pytest.raises(ProviderCapabilityError, match="race has no operation put"):
            await raced(runner)
        with pytest.raises(ProviderCapabilityError, match="race has no operation put"):
            await runner.generate("race", surface="tests", options={"upload": True})
        assert (await runner.generate("race", surface="tests")).url


# ------------------------------------------------------------------------ uploads


async def test_an_upload_for_everybody(
    program: Callable[..., Runner], shelf: Shelf, tmp_path: Path
) -> None:
    """
    It has an address: of the storage, of the web server in front of the directory, or a file's.
    """
    async with program(storage="shelf") as runner:
        seed = await raced(runner, options={"upload": True})
    assert "https://shelf.example/patch/1.bps" == seed.url
    assert b"patch" == shelf.objects["patch/1.bps"]["content"]

    async with program(storage_url="https://files.example/x/") as runner:
        seed = await raced(runner, options={"upload": True})
    assert "https://files.example/x/patch/1.bps" == seed.url
    assert b"patch" == (tmp_path / "files/open/patch/1.bps").read_bytes()

    async with program() as runner:
        seed = await raced(runner, options={"upload": True})
    assert b"patch" == content_of(seed.url)


async def test_an_upload_that_fails_is_a_failure_of_the_storage(
    program: Callable[..., Runner], shelf: Shelf
) -> None:
    """
    With attempts of its own.
    """
    shelf.failing = ProviderUnavailableError("the bucket refuses")
    async with program(storage="shelf") as runner:
        with pytest.raises(ProviderUnavailableError, match="shelf"):
            await raced(runner, options={"upload": True}, policy={"retry_max_attempts": 1})

    assert 2 == shelf.puts


async def test_an_upload_to_a_disk_that_refuses(
    program: Callable[..., Runner], tmp_path: Path
) -> None:
    """
    The setting is named.
    """
    (tmp_path / "files").write_text("no directory")
    async with program() as runner:
        with pytest.raises(ProviderCapabilityError, match="storage_directory can't be written"):
            await raced(runner, options={"upload": True})


async def test_the_database_is_gone_when_a_log_is_asked_for(
    program: Callable[..., Runner], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Nobody is shown what nobody could record.
    """
    async with program() as runner:
        seed = await raced(runner)

        async def gone(*_: object, **__: object) -> None:
            raise DatabaseError("it is gone")

        monkeypatch.setattr(runner._runtime.store.logs, "revealed", gone)
        monkeypatch.setattr(
            "seedcore.store.logs.StoredLog.due", property(lambda _: True), raising=True
        )
        with pytest.raises(DatabaseError):
            await runner.reveal(seed.meta.call_id, by=ME)
