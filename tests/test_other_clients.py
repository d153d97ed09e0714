"""
Helpers that bring their own HTTP client, or raise what the standard library raises.

Whatever client a provider uses, what happened on the wire decides: error, retries, doubt.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import socket
import ssl
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import attrs
import httpx
import pytest
import requests

from seedcore import (
    Effect,
    InvalidPresetError,
    ProviderAuthenticationError,
    ProviderError,
    ProviderInvalidRequestError,
    ProviderRateLimitError,
    ProviderResponseFormatError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    Seed,
    hookimpl,
    provider,
)
from seedcore.contract import clients
from seedcore.contract.classify import Lesson, Retry, classify
from seedcore.contract.clients import Answer
from seedcore.testing.replies import Reply, garbage, hanging, json_reply, status, typed
from seedcore.testing.upstream import FaultUpstream, refused_port
from support.calling import EAGER, call
from support.certificate import Certificate

LONG, SHORT = 5.0, 0.1
"""Seconds the clients wait for an answer; the short ones for one that never comes."""
TRUST = ssl.create_default_context()
"""Loading the certificates takes httpx 20 ms for each client."""


Client = Callable[[str, float], Any]


def with_requests(url: str, seconds: float) -> Any:
    """
    A plain function that uses requests.
    """
    reply = requests.get(url, timeout=seconds)
    reply.raise_for_status()
    return reply.json()


def with_httpx(url: str, seconds: float) -> Any:
    """
    A plain function that uses httpx.
    """
    with httpx.Client(timeout=seconds, verify=TRUST) as client:
        return client.get(url).raise_for_status().json()


async def with_async_httpx(url: str, seconds: float) -> Any:
    """
    An async function that uses httpx.
    """
    async with httpx.AsyncClient(timeout=seconds, verify=TRUST) as client:
        return (await client.get(url)).raise_for_status().json()


def with_urllib(url: str, seconds: float) -> Any:
    """
    A plain function that uses what Python brings.
    """
    try:
        with urllib.request.urlopen(url, timeout=seconds) as reply:
            return json.load(reply)
    except urllib.error.HTTPError as error:
        error.close()
        raise


CLIENTS = [with_requests, with_httpx, with_async_httpx, with_urllib]


@pytest.fixture(params=CLIENTS, ids=lambda client: client.__name__)
def client(request: pytest.FixtureRequest) -> Client:
    """
    Each client in turn.
    """
    found: Client = request.param
    return found


def helper(client: Client, url: str, effect: Effect = Effect.READ, seconds: float = LONG) -> Any:
    """
    Return a provider that asks *url* with *client*.
    """
    if client is with_async_httpx:

        @provider(effect=effect)
        async def demo():
            return Seed(id=(await client(url, seconds))["id"])
    else:

        @provider(effect=effect)
        def demo():
            return Seed(id=client(url, seconds)["id"])

    return demo


SEED = json_reply({"id": "4711", "filler": "x" * 600})


@attrs.frozen(kw_only=True)
class Case:
    """
    A reply, the error it has to be, and how often a read and an unsafe operation try.
    """

    reply: Reply
    error: type[ProviderError]
    read: int = 3
    unsafe: int = 1
    status_code: int | None = None
    counts: bool = True
    seconds: float = LONG


def _cut(**changes: Any) -> Case:
    return Case(reply=attrs.evolve(SEED, **changes), error=ProviderUnavailableError)


CASES = {
    "500": Case(reply=status(500), error=ProviderUnavailableError, status_code=500),
    "425": Case(
        reply=status(425), error=ProviderUnavailableError, unsafe=3, status_code=425, counts=False
    ),
    "408": Case(reply=status(408), error=ProviderTimeoutError, status_code=408, counts=False),
    "403": Case(
        reply=status(403),
        error=ProviderAuthenticationError,
        read=1,
        status_code=403,
        counts=False,
    ),
    "404": Case(
        reply=status(404),
        error=ProviderInvalidRequestError,
        read=1,
        status_code=404,
        counts=False,
    ),
    "503 with Retry-After": Case(
        reply=status(503, Retry_After="1"),
        error=ProviderRateLimitError,
        status_code=503,
        counts=False,
    ),
    "no answer": Case(reply=hanging(), error=ProviderTimeoutError, read=2, seconds=SHORT),
    "reset": _cut(cut="at_once"),
    "closed": _cut(cut="at_once", orderly=True),
    "reset in the body": _cut(cut="in_body"),
    "truncated body": _cut(promised=999, keep_alive=False),
    "chunks without an end": _cut(chunked=True, pieces=3, cut="in_body", orderly=True),
    "a page": Case(
        reply=typed("text/html", "<h1>Welcome</h1>"), error=ProviderResponseFormatError, read=1
    ),
    "half a JSON": Case(
        reply=typed("application/json", '{"id": "47'), error=ProviderResponseFormatError, read=1
    ),
}


@pytest.fixture(params=CASES.values(), ids=CASES.keys())
def case(request: pytest.FixtureRequest, upstream: FaultUpstream) -> Case:
    """
    Each case in turn, with the upstream answering as it says.
    """
    found: Case = request.param
    upstream.script(found.reply)
    return found


async def test_what_happened_on_the_wire_decides_whatever_the_client(
    client: Client, case: Case, upstream: FaultUpstream
) -> None:
    """
    Error, status and attempts of a read are those of the table.
    """
    target = helper(client, upstream.url, seconds=case.seconds)
    came = await call(target, policy={"retry_max_attempts": case.read})

    error = came.failure
    assert (case.error, case.status_code) == (type(error), error.status_code)
    assert None is error.reason
    assert (case.read, case.read) == (error.attempts, len(upstream.requests))


async def test_an_unsafe_helper_is_repeated_only_if_it_was_not_done(
    client: Client, case: Case, upstream: FaultUpstream
) -> None:
    """
    Where the upstream may have done the work there is one request; what counts opens the circuit.
    """
    settings = EAGER | {"retry_enabled": True}
    target = helper(client, upstream.url, Effect.UNSAFE, case.seconds)
    came = await call(target, settings=settings)

    assert case.unsafe == len(upstream.requests) == came.failure.attempts
    assert (["open"] if case.counts else []) == came.events.circuit()


async def test_bytes_that_are_not_http_are_no_bug_of_the_plugin(
    client: Client, upstream: FaultUpstream
) -> None:
    """
    Some clients take them for a broken connection, others for a broken protocol.
    """
    upstream.script(garbage())

    came = await call(helper(client, upstream.url))

    assert type(came.failure) in (ProviderResponseFormatError, ProviderUnavailableError)
    assert None is came.failure.reason


async def test_a_429_is_waited_for_whatever_the_client(
    client: Client, upstream: FaultUpstream
) -> None:
    """
    Its Retry-After closes the gate, and the next attempt succeeds.
    """
    upstream.script(status(429, Retry_After="3"), SEED)

    came = await call(helper(client, upstream.url, Effect.UNSAFE))

    assert "4711" == came.value.id
    assert 3.0 <= came.slept[0] <= 3.3


@pytest.mark.parametrize("kind", ["refused", "no such host", "self-signed"])
async def test_what_was_never_sent_is_repeated_whatever_the_client(
    client: Client,
    kind: str,
    certificate: Certificate,
    unknown_host: str,
) -> None:
    """
    Refused connections, unknown hosts and certificates nobody trusts, of an unsafe operation.
    """
    async with FaultUpstream(tls=certificate.server_side()) as secure:
        urls = {
            "refused": f"http://127.0.0.1:{refused_port()}",
            "no such host": f"http://{unknown_host}",
            "self-signed": secure.url,
        }
        came = await call(helper(client, urls[kind], Effect.UNSAFE))

    error = came.failure
    assert (ProviderUnavailableError, 3) == (type(error), error.attempts)
    assert ("attempts", False) == (error.stopped_by, error.in_doubt)


async def test_two_refused_addresses_are_as_good_as_one(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A host with several addresses, all of which refuse, was never sent anything.
    """

    def getaddrinfo(host: Any, port: Any, *_: Any, **__: Any) -> Any:
        kind = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
        return [(*kind, (f"127.0.0.{last}", int(port))) for last in (1, 2)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    came = await call(helper(client, f"http://seeds.invalid:{refused_port()}", Effect.UNSAFE))

    assert (ProviderUnavailableError, 3) == (type(came.failure), came.failure.attempts)


# -------------------------------------------------------------------- made-up SDKs


class SdkError(Exception):
    """
    What a client library nobody here knows raises.
    """

    def __init__(self, **facts: Any) -> None:
        super().__init__("the service said no")
        vars(self).update(facts)


def raising(error: BaseException, effect: Effect = Effect.READ) -> Any:
    """
    Return an async provider that raises *error*.
    """

    @provider(effect=effect)
    async def demo():
        raise error

    return demo


@attrs.define
class SdkResponse:
    """
    The response object of a made-up client.
    """

    status_code: Any = None
    status: Any = None
    headers: Any = None
    text: Any = ""


@pytest.mark.parametrize(
    "facts",
    [
        {"status_code": 502},
        {"status": 502},
        {"response": SdkResponse(status_code=502)},
        {"response": SdkResponse(status=502)},
        {"status_code": None, "status": "502 Bad Gateway", "response": SdkResponse(status=502)},
    ],
    ids=str,
)
async def test_the_status_of_any_sdk_counts(facts: dict[str, Any]) -> None:
    """
    An int ``status_code``, ``status`` or ``response.status_code`` is that status.
    """
    came = await call(raising(SdkError(**facts)))

    assert (ProviderUnavailableError, 502, 3) == (
        type(came.failure),
        came.failure.status_code,
        came.failure.attempts,
    )


@pytest.mark.parametrize("status_code", [True, "503", 0, 99, 600, 1_000_503, 503.0, None])
async def test_what_is_no_status_is_a_bug_of_the_plugin(status_code: Any) -> None:
    """
    Only whole numbers from 100 to 599 are statuses.
    """
    came = await call(raising(SdkError(status_code=status_code)))

    assert ("plugin_error", 1) == (came.failure.reason, came.failure.attempts)


async def test_the_status_below_an_sdks_own_exception_counts() -> None:
    """
    ``raise SomethingElse from error`` doesn't hide what the error was.
    """

    @provider
    async def demo():
        try:
            raise SdkError(status_code=503)
        except SdkError as error:
            raise ValueError("no seed today") from error

    came = await call(demo)

    assert (ProviderUnavailableError, 503) == (type(came.failure), came.failure.status_code)


async def test_a_bug_while_handling_an_outage_stays_a_bug() -> None:
    """
    What was merely being handled when a bug struck doesn't excuse it.
    """

    @provider
    async def demo():
        try:
            raise SdkError(status_code=503)
        except SdkError:
            return {}["seed"]

    came = await call(demo)

    assert "plugin_error" == came.failure.reason


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry-After": "3"},
        {"retry-after": "3"},
        {"RETRY-AFTER": 3},
        httpx.Headers({"retry-after": "3"}),
    ],
    ids=str,
)
async def test_the_retry_after_of_any_sdk_counts(headers: Any) -> None:
    """
    Headers in any mapping, in any case.
    """
    answers = iter([SdkError(response=SdkResponse(status_code=429, headers=headers))])

    @provider
    async def demo():
        for error in answers:
            raise error
        return Seed(id="4711")

    came = await call(demo)

    assert 3.0 <= came.slept[0] <= 3.3


@pytest.mark.parametrize("name", ["response", "status", "status_code"])
async def test_an_exception_whose_properties_raise_is_a_bug_of_the_plugin(name: str) -> None:
    """
    Some clients' exceptions raise when asked for what they don't have.
    """

    class TouchyError(Exception):
        pass

    def touchy(_: Any) -> Any:
        raise RuntimeError("there is none")

    setattr(TouchyError, name, property(touchy))
    came = await call(raising(TouchyError()))

    assert ("plugin_error", 1) == (came.failure.reason, came.failure.attempts)


@pytest.mark.parametrize("client", [with_requests, with_httpx, with_async_httpx])
async def test_the_words_of_another_clients_answer_are_kept(
    client: Client, upstream: FaultUpstream
) -> None:
    """
    What the upstream said about a refused request reaches the person who asked.
    """
    upstream.script(json_reply({"detail": "preset 'foo' is unknown"}, status=422))

    came = await call(helper(client, upstream.url))

    assert "preset 'foo' is unknown" == came.failure.provider_message


# ------------------------------------------------- a session of the plugin's own

OWN_SESSION = """
import asyncio, sys
import aiohttp
import seedcore

async def demo(request, context):
    async with aiohttp.ClientSession() as session, session.get(sys.argv[1]) as reply:
        reply.raise_for_status()
        return seedcore.Seed(id=(await reply.json())["id"])

async def main():
    registry = seedcore.Registry(discover=False)
    registry.add("demo", demo)
    limits = {"retry_base_delay": 0.0}
    async with seedcore.Runner(registry=registry, database=None, sinks=[]) as runner:
        try:
            await runner.generate("demo", surface="test", policy=limits)
        except seedcore.ProviderError as error:
            print(type(error).__name__, error.attempts, error.reason)

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(cut="at_once", orderly=True), "ProviderUnavailableError 3 None"),
        (attrs.evolve(SEED, promised=999, keep_alive=False), "ProviderUnavailableError 3 None"),
        (garbage(), "ProviderResponseFormatError 1 None"),
    ],
    ids=["closed", "truncated body", "no HTTP"],
)
async def test_a_plugins_own_aiohttp_session_is_understood_too(
    upstream: FaultUpstream, reply: Reply, expected: str
) -> None:
    """
    Also in a process where no provider has used ``context.http`` yet.
    """
    upstream.script(reply)

    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OWN_SESSION, upstream.url, stdout=subprocess.PIPE
    )
    said, _ = await process.communicate()

    assert expected == said.decode().strip()


# ------------------------------------------------------ the standard library's own


@pytest.mark.parametrize(
    ("raised", "error", "unsafe"),
    [
        (ConnectionResetError(), ProviderUnavailableError, 1),
        (ConnectionError("gone"), ProviderUnavailableError, 1),
        (BrokenPipeError(), ProviderUnavailableError, 1),
        (ConnectionRefusedError(), ProviderUnavailableError, 3),
        (OSError(113, "No route to host"), ProviderUnavailableError, 1),
        (TimeoutError(), ProviderTimeoutError, 1),
    ],
    ids=repr,
)
@pytest.mark.parametrize("sync", [False, True], ids=["async", "sync"])
async def test_transport_errors_of_a_helper(
    raised: Exception, error: type[ProviderError], unsafe: int, *, sync: bool
) -> None:
    """
    OSError and its children are what they would be of any client, and they count.
    """

    def plain(request, context):
        raise raised

    def of(effect: Effect) -> Any:
        return provider(effect=effect)(plain) if sync else raising(raised, effect)

    came = await call(of(Effect.READ))
    assert (error, 3) == (type(came.failure), came.failure.attempts)
    assert raised is came.failure.__cause__

    came = await call(of(Effect.UNSAFE))
    assert (unsafe, unsafe == 1) == (came.failure.attempts, came.failure.in_doubt)

    came = await call(of(Effect.READ), settings=EAGER)
    assert ["open"] == came.events.circuit()


# ------------------------------------------------------------------ bugs of a plugin


class Own(BaseException):
    """
    Something that isn't even an Exception.
    """


@pytest.mark.parametrize(
    "raised",
    [
        KeyError("secret-in-a-key"),
        AttributeError(),
        AssertionError(),
        StopIteration(),
        SystemExit(3),
        Own(),
    ],
    ids=lambda raised: type(raised).__name__,
)
@pytest.mark.parametrize("sync", [False, True], ids=["async", "sync"])
async def test_a_bug_of_a_plugin_is_no_outage(raised: BaseException, *, sync: bool) -> None:
    """
    It is tried once, teaches the breaker nothing, and takes nobody down.
    """

    def plain():
        raise raised

    caught: BaseException | None = None
    try:
        came = await call(plain if sync else raising(raised), settings=EAGER)
    except BaseException as error:  # noqa: BLE001 - that is the question
        caught = error

    assert None is caught
    error = came.failure
    assert (ProviderResponseFormatError, "plugin_error") == (type(error), error.reason)
    assert (1, "permanent") == (error.attempts, error.stopped_by)
    assert "secret-in-a-key" not in str(error)
    assert [] == came.events.circuit()


@pytest.mark.parametrize("value", [None, "4711", {"id": "4711"}, Seed, 0], ids=repr)
async def test_the_wrong_type_is_a_bug_of_the_plugin(value: Any) -> None:
    """
    ``generate`` returns a Seed and nothing else; the sentence names both.
    """

    async def demo():
        return value

    came = await call(demo, settings=EAGER)

    error = came.failure
    assert (ProviderResponseFormatError, "plugin_error", 1) == (
        type(error),
        error.reason,
        error.attempts,
    )
    assert f"{type(value).__name__} instead of a Seed" in str(error)
    assert [] == came.events.circuit()


async def test_a_plain_function_that_returns_a_coroutine_is_awaited() -> None:
    """
    A decorator may hide that a function is async.
    """

    async def roll():
        return Seed(id="4711")

    came = await call(lambda request: roll())

    assert "4711" == came.value.id


async def test_a_plain_function_runs_outside_the_loop() -> None:
    """
    It may block without holding up anybody else.
    """
    came = await call(lambda: Seed(id=threading.current_thread().name))

    assert threading.main_thread().name != came.value.id


async def _fails_soon() -> None:
    await asyncio.sleep(0)
    raise SdkError(status_code=404)


async def test_a_task_group_that_fails_is_no_cancellation() -> None:
    """
    Before Python 3.13 it leaves a cancellation behind that nobody asked for.
    """

    async def demo():
        async with asyncio.TaskGroup() as group:
            group.create_task(_fails_soon())

    came: Any = None
    with contextlib.suppress(asyncio.CancelledError):
        came = await call(demo)

    assert None is not came, "the caller was told that it had given up"
    assert 1 == came.failure.attempts
    assert 0 == asyncio.current_task().cancelling()


# ----------------------------------------------------------------------- map_error


def mapping(mapper: Callable[[Exception, Any], Any], raised: Exception) -> Any:
    """
    Return a provider that raises *raised* and has *mapper* as its ``map_error``.
    """

    class Demo:
        @hookimpl
        async def generate(self):
            raise raised

        @hookimpl
        def map_error(self, error, request):
            return mapper(error, request)

    return Demo()


async def test_the_plugins_own_mapper_is_asked_first() -> None:
    """
    It knows its site: a 500 that means a wrong preset is neither repeated nor counted.
    """
    seen = []

    def mapper(error: Exception, request: Any) -> ProviderError:
        seen.append((error, request.preset))
        return InvalidPresetError("no such weapon")

    raised = SdkError(status_code=500)
    came = await call(mapping(mapper, raised), settings=EAGER, preset="swordless")

    assert [(raised, "swordless")] == seen
    error = came.failure
    assert (InvalidPresetError, 500, 1) == (type(error), error.status_code, error.attempts)
    assert "no such weapon" == error.provider_message
    assert raised is error.__cause__.__cause__
    assert [] == came.events.circuit()


async def test_a_mapper_that_knows_nothing_leaves_it_to_the_core() -> None:
    """
    ``None`` means: as if there was no mapper.
    """
    came = await call(mapping(lambda error, request: None, SdkError(status_code=500)))

    assert (ProviderUnavailableError, 3) == (type(came.failure), came.failure.attempts)


@pytest.mark.parametrize(
    "junk", ["unavailable", 503, ValueError("x"), InvalidPresetError, object()]
)
async def test_a_mapper_that_returns_junk_hides_nothing(junk: Any) -> None:
    """
    Anything but an error of the taxonomy is ignored.
    """
    came = await call(mapping(lambda error, request: junk, SdkError(status_code=500)))

    assert (ProviderUnavailableError, 500) == (type(came.failure), came.failure.status_code)


@pytest.mark.parametrize("raised", [KeyError("x"), SystemExit(1)], ids=repr)
async def test_a_mapper_that_raises_hides_nothing(raised: BaseException) -> None:
    """
    The original error counts, and an event names what the mapper raised.
    """

    def mapper(error: Exception, request: Any) -> Any:
        raise raised

    caught: BaseException | None = None
    try:
        came = await call(mapping(mapper, SdkError(status_code=500)))
    except BaseException as error:  # noqa: BLE001 - that is the question
        caught = error

    assert None is caught
    assert (ProviderUnavailableError, 3) == (type(came.failure), came.failure.attempts)
    reports = came.events.named("map_error_failed")
    assert [type(raised).__name__] * 3 == [event.error_type for event in reports]
    assert {"ERROR"} == {event.level for event in reports}


async def test_the_error_a_mapper_returns_stays_as_it_was() -> None:
    """
    One instance for all requests is fine: the runner fills a copy.
    """
    shared = InvalidPresetError("no such weapon")

    came = await call(mapping(lambda error, request: shared, SdkError(status_code=500)))

    assert None is shared.provider
    assert "demo" == came.failure.provider
    assert 0 == shared.attempts


async def test_an_error_a_plugin_raises_stays_as_it_was() -> None:
    """
    Neither does an instance that a plugin raises again and again change.
    """
    shared = InvalidPresetError("no such weapon")

    came = await call(raising(shared))

    assert (None, 0) == (shared.provider, shared.attempts)
    assert ("demo", "generate", 1) == (
        came.failure.provider,
        came.failure.operation,
        came.failure.attempts,
    )
    assert shared is came.failure.__cause__


def wrapped_in(kind: Any, cause: Exception) -> Exception:
    """
    Return an exception of a client that was raised from *cause*.
    """
    error: Exception = kind("it does not connect")
    error.__cause__ = cause
    return error


NO_WAY = OSError(errno.ENETUNREACH, "Network is unreachable")
NO_SOCKET = OSError(errno.EMFILE, "Too many open files")
NO_SUCH_NAME = socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@pytest.mark.parametrize(
    ("error", "here"),
    [
        (NO_WAY, True),
        (NO_SOCKET, True),
        (NO_SUCH_NAME, True),
        (wrapped_in(httpx.ConnectError, NO_WAY), True),
        (wrapped_in(httpx.ConnectError, NO_SUCH_NAME), True),
        (wrapped_in(ProviderUnavailableError, NO_WAY), True),
        (ConnectionRefusedError(), False),
        (ConnectionResetError(), False),
        (TimeoutError(), False),
        (wrapped_in(httpx.ConnectError, ConnectionRefusedError()), False),
        (ProviderUnavailableError("it is down"), False),
    ],
    ids=repr,
)
def test_what_failed_on_this_machine_is_told_apart(error: Exception, here: bool) -> None:
    """
    Other machines learn nothing about the provider from it.
    """
    verdict = classify(error, 0.0)

    assert (ProviderUnavailableError if here else ProviderError) in type(verdict.error).__mro__
    assert here == verdict.here
    assert Lesson.FAILURE is verdict.lesson


def test_a_client_that_is_added_is_asked_before_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Its exceptions may look like the standard library's; what it doesn't know they all know.
    """
    monkeypatch.setattr(clients, "_READERS", [])
    teapot = Answer(status=418)

    clients.add_reader(lambda error: teapot if isinstance(error, TimeoutError) else None)

    assert teapot is clients.read(TimeoutError())
    assert clients.NO_CONNECTION is clients.read(ConnectionRefusedError())


class Unread:
    """
    An answer of requests whose body was not read yet: looking at ``text`` would read it.
    """

    status_code = 500
    _content = False

    @property
    def text(self) -> str:
        """
        Wait for the network.
        """
        pytest.fail("the body was read in the loop")


def test_a_body_that_was_not_read_stays_unread() -> None:
    """
    Words are not worth blocking everybody for.
    """
    assert Answer(status=500) == clients.read(SdkError(response=Unread()))


@pytest.mark.parametrize("text", [None, 7, b"bytes"])
def test_words_that_are_no_text_are_none(text: Any) -> None:
    """
    Whatever an SDK calls its text.
    """
    assert Answer(status=500) == clients.read(SdkError(status=500, text=text))


@pytest.mark.parametrize(("status", "known"), [(99, False), (100, True), (599, True), (600, False)])
def test_a_status_is_one_of_http(status: int, *, known: bool) -> None:
    """
    Other numbers are an SDK's own codes.
    """
    assert (Answer(status=status) if known else None) == clients.read(SdkError(status=status))


def test_headers_and_words_are_looked_for_in_both_places() -> None:
    """
    Beside the status first, then in the response, wherever the status itself was.
    """
    response = SdkResponse(headers={"retry-after": "7"}, text="the response's")
    error = SdkError(status=429, response=response)
    assert Answer(status=429, headers={"Retry-After": "7"}, body="the response's") == clients.read(
        error
    )

    error = SdkError(status=429, response=response, headers={"retry-after": "3"}, text="its own")
    assert Answer(status=429, headers={"Retry-After": "3"}, body="its own") == clients.read(error)


def raised_while(kind: type[Exception], context: Exception) -> Exception:
    """
    Return an exception that was raised while *context* was handled, without ``from``.
    """
    error = kind("it does not connect")
    error.__context__ = context
    return error


def test_what_was_handled_counts_below_a_transport_error_alone() -> None:
    """
    That is how requests raises its own; elsewhere it is a bug in an except block.
    """
    below = ConnectionRefusedError()

    assert clients.NO_CONNECTION is clients.read(raised_while(requests.ConnectionError, below))
    assert clients.NO_CONNECTION is clients.read(raised_while(OSError, below))
    assert None is clients.read(raised_while(KeyError, below))


@pytest.mark.parametrize("timeout", [TimeoutError(), ProviderTimeoutError("its words")], ids=repr)
def test_of_a_group_the_plugins_own_error_counts_most(timeout: Exception) -> None:
    """
    Else the first that failed, however deep it lies.
    """
    bug, below = KeyError("seed"), ExceptionGroup("inner", [timeout, KeyError("seed")])
    own = isinstance(timeout, ProviderError)

    first = classify(ExceptionGroup("outer", [below, bug]), 0.0)
    assert ProviderTimeoutError is type(first.error)
    assert ("its words" if own else "") == first.error.provider_message
    second = classify(ExceptionGroup("outer", [bug, timeout]), 0.0)
    assert (ProviderTimeoutError if own else ProviderResponseFormatError) is type(second.error)


@pytest.mark.parametrize(
    ("error", "words", "retry"),
    [
        (ConnectionRefusedError(), "no connection could be made", Retry.ALWAYS),
        (NO_SUCH_NAME, "its name is unknown", Retry.ALWAYS),
        (ssl.SSLCertVerificationError(), "TLS failed", Retry.ALWAYS),
        (NO_WAY, "this machine has no way to it", Retry.BY_EFFECT),
        (wrapped_in(httpx.ConnectError, NO_WAY), "this machine has no way to it", Retry.ALWAYS),
        (wrapped_in(httpx.ConnectError, OSError()), "no connection could be made", Retry.ALWAYS),
        (httpx.PoolTimeout(""), "", Retry.ALWAYS),
        (TimeoutError(), "", Retry.BY_EFFECT),
        (ConnectionResetError(), "the connection broke off", Retry.BY_EFFECT),
        (json.JSONDecodeError("", "", 0), "its reply can't be read", Retry.NEVER),
        (httpx.DecodingError(""), "its reply can't be read", Retry.NEVER),
    ],
    ids=repr,
)
def test_an_exchange_that_broke_says_how_and_whether_it_was_sent(
    error: Exception, words: str, retry: Retry
) -> None:
    """
    In words of ours, since an exception's own may hold an address with a password.
    """
    verdict = classify(error, 0.0)

    assert (words, retry) == (verdict.error.provider_message, verdict.retry)
    assert Lesson.FAILURE is verdict.lesson
