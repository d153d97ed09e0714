"""
Telling open pages what has changed.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json

import pytest

from seedcore import DatabaseError
from seedcore.testing import module_beside
from seedcore_web.pages import live
from seedcore_web.pages.live import MOST, WATCHER, Watcher, events, look_at
from seedcore_web.problems import Refusal

beside = module_beside(__file__, "page_world")


class Stage:
    """
    What there is to be seen, and the moments when somebody looks.
    """

    def __init__(self):
        self.seen = {"seeds": "1", "failures": "1", "providers": "a"}
        self.looks = 0
        self.turn = asyncio.Event()
        self.fails = False

    async def look(self):
        self.looks += 1
        if self.fails:
            raise DatabaseError("gone")
        return dict(self.seen)

    async def rest(self):
        await self.turn.wait()
        self.turn.clear()

    async def next(self):
        """
        Let the watcher look again, and wait until it has.
        """
        before = self.looks
        self.turn.set()
        while self.looks == before or self.turn.is_set():
            await asyncio.sleep(0)


@pytest.fixture
def stage():
    """
    What there is to be seen.
    """
    return Stage()


@pytest.fixture
async def watcher(stage):
    """
    A watcher of that stage.
    """
    made = Watcher(stage.look, stage.rest)
    yield made
    await made.close()


async def first_look(stage):
    """
    Wait until the watcher has seen what there is.
    """
    while not stage.looks:
        await asyncio.sleep(0)


def parts_of(text):
    """
    Return the parts that an event names.
    """
    [line] = [line for line in text.splitlines() if line.startswith("data: ")]
    return json.loads(line.removeprefix("data: "))["parts"]


async def test_a_change_is_told_by_its_part(watcher, stage):
    """
    Each event names what changed since the one before.
    """
    with watcher.listening() as listener:
        stream = events(watcher, listener)
        assert (await anext(stream)).startswith("retry: ")
        await first_look(stage)
        stage.seen["seeds"] = "2"
        await stage.next()
        first = await anext(stream)
        stage.seen.update(failures="2", providers="b")
        await stage.next()
        second = await anext(stream)
        await stream.aclose()

    assert "event: changed\n" in first
    assert ["seeds"] == parts_of(first)
    assert ["failures", "providers"] == parts_of(second)


async def test_what_nobody_has_read_yet_is_told_together(watcher, stage):
    """
    A slow page is told once, however much happens meanwhile.
    """
    with watcher.listening() as listener:
        stream = events(watcher, listener)
        await anext(stream)
        await first_look(stage)
        for number in range(50):
            stage.seen["seeds"] = f"next {number}"
            await stage.next()
        assert ["seeds"] == parts_of(await anext(stream))
        assert not listener.woken.is_set()
        await stream.aclose()


async def test_nobody_looks_while_nobody_listens(watcher, stage):
    """
    The last page that goes ends it, the next one begins anew.
    """
    with watcher.listening():
        await first_look(stage)
    await asyncio.sleep(0)
    assert watcher._looking is None

    with watcher.listening() as listener:
        stage.looks = 0
        await first_look(stage)
        assert {} == listener.changed


async def test_one_watcher_looks_for_all(watcher, stage):
    """
    More pages ask the database nothing more.
    """
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(watcher.listening())
        await first_look(stage)
        await stage.next()

        assert 2 == stage.looks


async def test_the_number_of_listeners_is_bounded(watcher, stage):
    """
    One too many is refused, and has a place when another one goes.
    """
    with contextlib.ExitStack() as stack:
        for _ in range(MOST):
            stack.enter_context(watcher.listening())
        with pytest.raises(Refusal, match="200 others do already") as refused:
            stack.enter_context(watcher.listening())
    assert 503 == refused.value.status

    with watcher.listening():
        pass


async def test_who_comes_back_late_is_told_everything(watcher, stage):
    """
    The id of the last event says whether something was missed, after a restart as well.
    """
    with watcher.listening(watcher.event_id(0)) as listener:
        assert {} == listener.changed
    with watcher.listening("another-7") as listener:
        stream = events(watcher, listener)
        await anext(stream)
        assert ["all"] == parts_of(await anext(stream))
        await stream.aclose()


async def test_a_database_that_is_gone_ends_nothing(watcher, stage):
    """
    The next look that has an answer tells what happened meanwhile.
    """
    with watcher.listening() as listener:
        await first_look(stage)
        stage.fails = True
        await stage.next()
        stage.fails = False
        stage.seen["failures"] = "2"
        await stage.next()

        assert ["failures"] == list(listener.changed)


async def test_a_quiet_stream_is_kept_alive(watcher):
    """
    A comment shows proxies that somebody is there.
    """
    with watcher.listening() as listener:
        stream = events(watcher, listener, heartbeat=0.001)
        await anext(stream)

        assert await anext(stream) == ": nothing new\n\n"
        await stream.aclose()


async def test_a_stream_ends_after_a_while(watcher):
    """
    Whoever has a key that was revoked meanwhile doesn't get another one.
    """
    times = itertools.chain([0.0, 0.0, 1.0, 1.0], itertools.repeat(live.LONGEST + 1))
    with watcher.listening() as listener:
        stream = events(watcher, listener, heartbeat=0.001, now=lambda: next(times))

        assert 2 == len([text async for text in stream])


async def test_closing_lets_everybody_go(watcher, stage):
    """
    A server that shuts down waits for no page.
    """
    with watcher.listening() as listener:
        stream = events(watcher, listener)
        await anext(stream)
        await watcher.close()

        assert [] == [text async for text in stream]
        with pytest.raises(Refusal, match="shutting down"), watcher.listening():
            pass


async def test_what_is_looked_at(tmp_path):
    """
    A seed, a failure and a change of a provider's state each change their part.
    """
    async with beside.world(tmp_path) as world:
        seen = [await look_at(world.runner)]
        await world.roll()
        seen.append(await look_at(world.runner))
        world.tower.faults = [beside.unavailable() for _ in range(9)]
        with pytest.raises(Exception, match="maintenance"):
            await world.roll()
        await world.recorded()
        seen.append(await look_at(world.runner))
        await world.runner.routes.set("best", {"tower": 1.0}, by="operator")
        seen.append(await look_at(world.runner))

    changes = [
        {part for part in now if now[part] != before[part]}
        for before, now in itertools.pairwise(seen)
    ]
    assert [{"seeds"}, {"failures"}, {"providers"}] == changes


async def test_a_page_is_told_over_http(tmp_path, monkeypatch):
    """
    The stream begins at once, tells of a seed, and ends with the server.
    """
    monkeypatch.setattr(live, "LOOK_EVERY", 0.001)
    async with beside.world(tmp_path) as world:
        watcher = world.app[WATCHER]
        async with world.client.get(f"{world.url}/events") as reply:
            assert reply.headers["Content-Type"] == "text/event-stream; charset=utf-8"
            assert (await reply.content.readline()).startswith(b"retry: ")
            while watcher._seen is None:
                await asyncio.sleep(0)
            await world.roll()
            text = ""
            while "data: " not in text:
                text = (await reply.content.readline()).decode()
            assert ["seeds"] == parts_of(text)

            await watcher.close()
            await reply.content.read()  # which has an end
        assert (await world.ask("HEAD", "/events")).status == 200
        assert (await world.get("/events")).status == 503


async def test_a_page_that_was_closed_is_forgotten_at_once(watcher, stage):
    """
    Its place is free for another one long before the next heartbeat.
    """
    asked = []

    async def goes_on(*, beat):
        asked.append(beat)
        return len(asked) < 3

    with watcher.listening() as listener:
        stream = events(watcher, listener, heartbeat=3600, goes_on=goes_on)
        await anext(stream)
        live_every, live.SEEN_EVERY = live.SEEN_EVERY, 0.001
        try:
            rest = [text async for text in stream]
        finally:
            live.SEEN_EVERY = live_every

    assert ([], [False] * 3) == (rest, asked)


async def test_a_key_that_was_revoked_hears_no_more(tmp_path, monkeypatch):
    """
    It is looked at with each heartbeat.
    """
    monkeypatch.setattr(live, "SEEN_EVERY", 0.001)
    monkeypatch.setattr(live, "HEARTBEAT", 0.002)
    monkeypatch.setattr("seedcore_web.access.Access.FRESH", 0.0)
    monkeypatch.setitem(events.__kwdefaults__, "heartbeat", 0.002)
    async with beside.world(tmp_path) as world:
        text, _ = await world.runner.store.keys.add("bot", ["read"])
        headers = {"Authorization": f"Bearer {text}"}
        async with world.client.get(f"{world.url}/events", headers=headers) as reply:
            await reply.content.readline()
            await world.runner.store.keys.revoke("bot")
            await world.runner.store.keys.add("other", ["read"])  # else this machine needs none
            await reply.content.read()  # which has an end


async def test_one_key_can_not_take_all_places(watcher):
    """
    Others want to hear something too.
    """
    with contextlib.ExitStack() as stack:
        for _ in range(live.MOST_OF_ONE):
            stack.enter_context(watcher.listening(who="bot"))
        with pytest.raises(Refusal, match="20 with this key do already"):
            stack.enter_context(watcher.listening(who="bot"))
        stack.enter_context(watcher.listening(who="other"))


async def test_a_look_that_breaks_ends_nothing(watcher, stage, caplog):
    """
    Whatever it was; the next one may go well.
    """
    broken = [True]
    look = watcher._look

    async def breaking():
        if broken:
            broken.clear()
            stage.looks += 1
            raise KeyError("a bug")
        return await look()

    watcher._look = breaking
    with watcher.listening() as listener:
        await first_look(stage)
        await stage.next()
        stage.seen["seeds"] = "2"
        await stage.next()
        assert {"seeds": "2"} == listener.changed
    assert "KeyError while looking" in caplog.text


async def test_the_same_error_is_logged_once(watcher, stage, caplog):
    """
    A look each second would fill the log; its text, which may hold anything, is left out.
    """

    async def broken():
        stage.looks += 1
        raise KeyError("SECRET")

    watcher._look = broken
    with watcher.listening():
        await first_look(stage)
        for _ in range(3):
            await stage.next()

    assert ["KeyError while looking for what has changed"] == caplog.messages


async def test_a_busy_page_is_looked_at_too(watcher, stage):
    """
    Changes that never pause don't put off the beat, at which a key is asked for again.
    """
    beats = []

    async def goes_on(*, beat):
        beats.append(beat)
        return len(beats) < 3

    times = iter([0.0, 0.0, 1.0, 1.0, 20.0, 20.0, 20.0, 20.0])
    with watcher.listening() as listener:
        stream = events(watcher, listener, now=lambda: next(times), goes_on=goes_on)
        await anext(stream)
        for number in range(3):
            listener.changed["seeds"] = str(number)
            listener.woken.set()
            with contextlib.suppress(StopAsyncIteration):
                await anext(stream)

    assert [False, True, False] == beats


async def test_a_database_that_is_gone_lets_a_page_listen(tmp_path, monkeypatch):
    """
    Nobody can tell then whether its key is revoked; a page that is let go doesn't come back.
    """
    monkeypatch.setattr(live, "SEEN_EVERY", 0.001)
    monkeypatch.setattr("seedcore_web.access.Access.FRESH", 0.0)
    monkeypatch.setitem(events.__kwdefaults__, "heartbeat", 0.002)

    async def gone(_):
        raise DatabaseError("gone")

    async with beside.world(tmp_path) as world:
        text, _ = await world.runner.store.keys.add("bot", ["read"])
        headers = {"Authorization": f"Bearer {text}"}
        async with world.client.get(f"{world.url}/events", headers=headers) as reply:
            monkeypatch.setattr(world.runner.store.keys, "check", gone)
            read = [(await reply.content.readline()).decode() for _ in range(9)]

    assert read.count(": nothing new\n") >= 2


async def test_closed_pages_make_room_for_others(tmp_path, monkeypatch):
    """
    As soon as a page is gone, not when something is sent to it next.
    """
    monkeypatch.setattr(live, "MOST", 3)
    monkeypatch.setattr(live, "SEEN_EVERY", 0.001)
    async with beside.world(tmp_path) as world:
        watcher = world.app[WATCHER]
        for _ in range(3):
            reply = await world.client.get(f"{world.url}/events")
            await reply.content.readline()
            reply.close()
        while watcher._listeners:
            await asyncio.sleep(0.001)
        async with world.client.get(f"{world.url}/events") as reply:
            assert reply.status == 200
