"""
What replies may do to us: their size, where they send us, what they say.
"""

from __future__ import annotations

import asyncio
import math
import tracemalloc
from collections.abc import AsyncIterator, Callable
from typing import Any

import attrs
import pytest

from seedcore import (
    InvalidPresetError,
    ProviderInvalidRequestError,
    ProviderResponseFormatError,
    ProviderUnavailableError,
    Seed,
    provider,
)
from seedcore.testing.replies import (
    Reply,
    bomb,
    gzipped,
    json_reply,
    redirect,
    stalled,
    status,
    typed,
)
from seedcore.testing.upstream import FaultUpstream
from support.calling import EAGER, call, plain_provider
from support.certificate import Certificate

LIMIT = 10_000
SMALL = {"providers": {"demo": {"response_limit": LIMIT}}}
MEGABYTE = 2**20


def reading(base_url: str, how: Callable[[Any], Any]) -> Any:
    """
    Return a provider that reads the body as *how* says, and checks no status.
    """

    @provider(base_url=base_url)
    async def demo(request, context):
        async with context.http.get("seed") as reply:
            return Seed(id=str(await how(reply)))

    return demo


async def _in_chunks(reply: Any) -> int:
    return sum([len(chunk) async for chunk in reply.content.iter_chunked(512)])


async def _in_lines(reply: Any) -> int:
    return sum([len(line) async for line in reply.content])


async def _bytes(reply: Any) -> int:
    return len(await reply.read())


WAYS = {"read": _bytes, "in chunks": _in_chunks, "in lines": _in_lines}


# ---------------------------------------------------------------------------- size


@pytest.mark.parametrize("how", WAYS.values(), ids=WAYS.keys())
@pytest.mark.parametrize("shape", ["plain", "chunked", "compressed"])
@pytest.mark.parametrize("size", [0, 1, LIMIT])
async def test_a_reply_up_to_the_limit_is_read(
    upstream: FaultUpstream, how: Callable[[Any], Any], shape: str, size: int
) -> None:
    """
    The limit itself still fits, whatever way the body comes and is read.
    """
    upstream.script(shaped(b"x\n" * (size // 2) + b"y" * (size % 2), shape))

    came = await call(reading(upstream.url, how), settings=SMALL)

    assert str(size) == came.value.id


@pytest.mark.parametrize("how", WAYS.values(), ids=WAYS.keys())
@pytest.mark.parametrize("shape", ["plain", "chunked", "compressed"])
@pytest.mark.parametrize("size", [LIMIT + 1, 3 * LIMIT, 100 * LIMIT])
async def test_a_reply_over_the_limit_is_refused(
    upstream: FaultUpstream, how: Callable[[Any], Any], shape: str, size: int
) -> None:
    """
    One byte more is an error that names the limit, its unit and the setting; it isn't repeated.
    """
    upstream.script(shaped(b"x\n" * (size // 2) + b"y" * (size % 2), shape))

    came = await call(reading(upstream.url, how), settings=SMALL)

    error = came.failure
    assert (ProviderResponseFormatError, 1) == (type(error), error.attempts)
    assert "limit of 10,000 bytes (response_limit)" in str(error)


def shaped(body: bytes, shape: str) -> Reply:
    """
    Return an answer with *body* in one of three shapes.
    """
    reply = typed("text/plain", body)
    if shape == "compressed":
        return gzipped(reply)
    return attrs.evolve(reply, chunked=True, pieces=5) if shape == "chunked" else reply


async def test_a_reply_over_the_limit_counts(upstream: FaultUpstream) -> None:
    """
    It isn't what was promised.
    """
    upstream.script(typed("text/plain", b"x" * (LIMIT + 1)))

    came = await call(reading(upstream.url, _bytes), settings=EAGER | SMALL)

    assert ["open"] == came.events.circuit()


@pytest.mark.parametrize("code", [200, 422])
async def test_a_compressed_bomb_takes_little_memory(upstream: FaultUpstream, code: int) -> None:
    """
    64 kB that would unpack to 64 MB are given up at the limit of 1 MB.
    """
    upstream.script(bomb(64 * MEGABYTE, code))
    tracemalloc.start()
    try:
        came = await call(plain_provider(upstream.url), settings={"response_limit": MEGABYTE})
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    expected = ProviderResponseFormatError if code == 200 else ProviderInvalidRequestError
    assert expected is type(came.failure)
    assert most < 8 * MEGABYTE


async def test_an_endless_reply_ends_at_the_limit(upstream: FaultUpstream) -> None:
    """
    A body without a length that never stops is cut off, long before the attempt times out.
    """
    upstream.script(Reply(chunked=True, body=b"x" * 4 * LIMIT, pieces=2, pause=math.inf))

    came = await call(reading(upstream.url, _bytes), settings=SMALL)

    assert "response_limit" in str(came.failure)
    await upstream.until(open_now=0)


# ------------------------------------------------------------------------- redirects


@pytest.fixture
async def other_host() -> AsyncIterator[FaultUpstream]:
    """
    A second server, on another host.
    """
    async with FaultUpstream(host="127.0.0.2") as server:
        yield server


async def test_a_redirect_to_another_host_is_refused(
    upstream: FaultUpstream, other_host: FaultUpstream
) -> None:
    """
    The other host is asked nothing, and the sentence names it and the setting, not the query.
    """
    upstream.script(redirect(f"{other_host.url}/landing?token=canary-token"))

    came = await call(plain_provider(upstream.url))

    error = came.failure
    assert (ProviderInvalidRequestError, 1, 302) == (type(error), error.attempts, error.status_code)
    assert other_host.url in str(error)
    assert "hosts" in str(error)
    assert "canary" not in repr(error) + str(error)
    assert 0 == other_host.connections


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_a_redirect_within_the_host_is_followed(upstream: FaultUpstream, code: int) -> None:
    """
    Relative and absolute, with all statuses that redirect.
    """
    upstream.script(redirect("/moved", code), path="/seed")
    upstream.script(redirect(f"{upstream.url}/again", code), path="/moved")
    upstream.script(json_reply({"id": "4711"}), path="/again")

    came = await call(plain_provider(upstream.url))

    assert "4711" == came.value.id
    assert ["/seed", "/moved", "/again"] == [request.path for request in upstream.requests]


async def test_a_redirect_within_the_host_is_followed_without_a_base_url(
    upstream: FaultUpstream, other_host: FaultUpstream
) -> None:
    """
    The host that was asked may redirect to itself, and nowhere else.
    """

    @provider
    async def demo(request, context):
        async with context.http.get(f"{upstream.url}/seed") as reply:
            return Seed(id=(await reply.json())["id"])

    upstream.script(redirect(f"{upstream.url}/moved"), json_reply({"id": "4711"}))
    assert "4711" == (await call(demo)).value.id

    upstream.script(redirect(f"{other_host.url}/moved"))
    assert ProviderInvalidRequestError is type((await call(demo)).failure)
    assert 0 == other_host.connections


async def test_a_redirect_to_a_declared_host_is_followed(
    upstream: FaultUpstream, other_host: FaultUpstream
) -> None:
    """
    ``hosts`` names where redirects may go besides.
    """
    upstream.script(redirect(f"{other_host.url}/seed"))
    other_host.script(json_reply({"id": "4711"}))

    came = await call(
        plain_provider(upstream.url), settings={"providers": {"demo": {"hosts": ["127.0.0.2"]}}}
    )

    assert "4711" == came.value.id


async def test_a_redirect_from_a_declared_host_goes_no_further(
    upstream: FaultUpstream, other_host: FaultUpstream
) -> None:
    """
    Each step is checked, and the way back home is open.
    """
    upstream.script(redirect(f"{other_host.url}/seed"), path="/seed")
    other_host.script(redirect("http://127.0.0.3:9/seed"))

    came = await call(
        plain_provider(upstream.url), settings={"providers": {"demo": {"hosts": ["127.0.0.2"]}}}
    )

    assert "127.0.0.3" in str(came.failure)


async def test_a_redirect_from_https_to_http_is_refused(
    upstream: FaultUpstream, certificate: Certificate
) -> None:
    """
    What was encrypted stays so, even on the same host.
    """
    async with FaultUpstream(tls=certificate.server_side()) as secure:
        secure.script(redirect(f"{upstream.url}/seed"))

        @provider(base_url=secure.url)
        async def demo(request, context):
            async with context.http.get("seed", ssl=False) as reply:
                return Seed(id=await reply.text())

        came = await call(demo)

    assert ProviderInvalidRequestError is type(came.failure)
    assert [] == upstream.requests


@pytest.mark.parametrize("location", ["ftp://127.0.0.1/seed", "http://[/", "http://:0/", ""])
async def test_a_redirect_to_nowhere_is_an_error(upstream: FaultUpstream, location: str) -> None:
    """
    Whatever stands in Location, it is a normalized error, no bug of the plugin, tried once.
    """
    upstream.script(redirect(location))

    came = await call(plain_provider(upstream.url))

    assert (None, 1) == (came.failure.reason, came.failure.attempts)


async def test_a_ring_of_redirects_ends(upstream: FaultUpstream) -> None:
    """
    Redirects without end are refused, not followed until the attempt times out.
    """
    upstream.script(redirect("/seed"))

    came = await call(plain_provider(upstream.url))

    assert (None, 1) == (came.failure.reason, came.failure.attempts)
    assert len(upstream.requests) < 20


async def test_a_redirect_that_is_not_followed_is_the_plugins_business(
    upstream: FaultUpstream,
) -> None:
    """
    Some services answer with the seed's address in Location, wherever that leads.
    """
    upstream.script(redirect("https://seeds.example/seed/4711", 307))

    @provider(base_url=upstream.url)
    async def demo(request, context):
        async with context.http.get("seed", allow_redirects=False) as reply:
            return Seed(url=reply.headers["Location"])

    came = await call(demo)

    assert "https://seeds.example/seed/4711" == came.value.url


# ------------------------------------------------------------- what an error says


async def message_of(upstream: FaultUpstream, reply: Reply) -> str:
    """
    Return what reaches the caller of what the upstream says.
    """
    upstream.script(reply)
    came = await call(plain_provider(upstream.url))
    assert (ProviderInvalidRequestError, 422) == (type(came.failure), came.failure.status_code)
    return came.failure.provider_message


@pytest.mark.parametrize(
    "document",
    [
        {"message": "no such preset"},
        {"error": "no such preset"},
        {"detail": "no such preset"},
        {"message": "no such preset", "error": "Unprocessable"},
        {"error": {"code": 7, "message": "no such preset"}},
        {"message": "", "detail": "no such preset"},
    ],
    ids=str,
)
async def test_the_message_of_a_json_error_is_found(upstream: FaultUpstream, document: Any) -> None:
    """
    ``message``, ``error`` and ``detail``, in that order, nested too.
    """
    assert "no such preset" == await message_of(upstream, json_reply(document, 422))


@pytest.mark.parametrize("document", [{}, {"code": 7}, {"message": None}, {"message": 7}], ids=str)
async def test_a_json_error_without_a_message_has_none(
    upstream: FaultUpstream, document: Any
) -> None:
    """
    A raw document is nothing to show to a person.
    """
    assert "" == await message_of(upstream, json_reply(document, 422))


async def test_plain_text_is_the_message(upstream: FaultUpstream) -> None:
    """
    An upstream that answers with a sentence is quoted.
    """
    said = await message_of(upstream, typed("text/plain", "  no such preset\n", 422))

    assert "no such preset" == said


@pytest.mark.parametrize(
    "page",
    [
        "<html><body>no such preset</body></html>",
        "\n  <!DOCTYPE html><title>Oops</title>",
        "\ufeff<!DOCTYPE html><title>Oops</title>",
    ],
)
async def test_a_page_is_no_message(upstream: FaultUpstream, page: str) -> None:
    """
    HTML gives none.
    """
    assert "" == await message_of(upstream, typed("text/html", page, 422))


async def test_a_message_is_fit_for_a_person(upstream: FaultUpstream) -> None:
    """
    Without control, bidirectional and escape characters, and without a URL's query.
    """
    raw = "no\x00 \x1b[31msuch\x1b[0m \u202epreset\u2066 https://me:pw@seeds.example/a?key=canary"

    said = await message_of(upstream, json_reply({"message": raw}, 422))

    assert "no such preset https://seeds.example/a" == said


async def test_a_long_message_is_cut(upstream: FaultUpstream) -> None:
    """
    At most 2,000 characters reach anybody.
    """
    said = await message_of(upstream, typed("text/plain", "x" * 5_000, 422))

    assert (2_000, "…") == (len(said), said[-1])


async def test_a_message_in_a_body_of_8_kib_is_found(upstream: FaultUpstream) -> None:
    """
    That much of an error's body is kept.
    """
    document = {"trace": "x" * 8_000, "message": "no such preset"}

    assert "no such preset" == await message_of(upstream, json_reply(document, 422))


async def test_what_is_cut_off_an_errors_body_makes_no_message(upstream: FaultUpstream) -> None:
    """
    Of a JSON document of 100 kB only the beginning is kept; its raw text is not shown.
    """
    document = {"trace": "x" * 100_000, "message": "no such preset"}

    assert "" == await message_of(upstream, json_reply(document, 422))


@pytest.mark.parametrize(
    "reply",
    [
        typed("text/plain", "x" * 600, 500, cut="in_body"),
        typed("text/plain", "x" * 600, 500, chunked=True, cut="in_body"),
        typed("text/plain", "x" * 600, 500, promised=9_000, keep_alive=False),
        Reply(status=500, headers={"Content-Encoding": "gzip"}, body=b"no gzip at all"),
    ],
    ids=["reset", "chunks", "short", "not compressed"],
)
async def test_the_status_counts_more_than_a_body_that_breaks_off(
    upstream: FaultUpstream, reply: Reply
) -> None:
    """
    A 500 stays a 500 when its body can't be read.
    """
    upstream.script(reply)

    came = await call(plain_provider(upstream.url))

    assert (ProviderUnavailableError, 500) == (type(came.failure), came.failure.status_code)


async def test_the_status_counts_more_than_a_body_that_stalls(upstream: FaultUpstream) -> None:
    """
    A 422 whose body never ends is refused at once, or at the latest when the attempt ends.
    """
    upstream.script(attrs.evolve(stalled(), status=422))

    came = await call(plain_provider(upstream.url), policy={"attempt_timeout": 0.1})

    assert came.failure.status_code in (422, None)
    await upstream.until(open_now=0)


async def test_a_plugin_can_read_the_kept_body_itself(upstream: FaultUpstream) -> None:
    """
    ``json``, ``text`` and ``read`` work on an error whose body fits.
    """
    upstream.script(json_reply({"presets": ["casual", "master"]}, 422))

    @provider(base_url=upstream.url)
    async def demo(request, context):
        async with context.http.get("seed") as reply:
            presets = (await reply.json())["presets"]
            assert await reply.read() == (await reply.text()).encode()
            raise InvalidPresetError(f"use one of {', '.join(presets)}")

    came = await call(demo)

    assert "use one of casual, master" == came.failure.provider_message


@pytest.mark.parametrize("way", ["text", "read"])
async def test_a_plugin_can_read_the_beginning_of_a_long_error(
    upstream: FaultUpstream, way: str
) -> None:
    """
    The first 8 KiB, by every way to read a body.
    """
    upstream.script(typed("text/plain", "x" * 50_000, 422))

    @provider(base_url=upstream.url)
    async def demo(request, context):
        async with context.http.get("seed") as reply:
            return Seed(id=str(len(await getattr(reply, way)())))

    came = await call(demo)

    assert str(8 * 1024) == came.value.id


async def test_a_connection_is_kept_after_a_short_error(upstream: FaultUpstream) -> None:
    """
    Reading the little that an error says is cheaper than connecting anew.
    """
    upstream.script(json_reply({"message": "later"}, 503), json_reply({"id": "4711"}))

    await call(plain_provider(upstream.url))

    assert [1, 1] == [request.connection for request in upstream.requests]


async def test_secrets_in_the_upstreams_words_are_masked(upstream: FaultUpstream) -> None:
    """
    An upstream that quotes the address it was asked at doesn't give the query away.
    """
    said = await message_of(
        upstream, typed("text/plain", f"bad request: {upstream.url}/seed?key=canary", 422)
    )

    assert "canary" not in said


async def test_a_head_request_has_no_body_to_keep(upstream: FaultUpstream) -> None:
    """
    HEAD announces a body that never comes.
    """
    upstream.script(json_reply({"message": "gone"}, 404))

    @provider(base_url=upstream.url)
    async def demo(request, context):
        async with asyncio.timeout(1), context.http.head("seed") as reply:
            reply.raise_for_status()
            return Seed()

    came = await call(demo)

    assert (ProviderInvalidRequestError, 404) == (type(came.failure), came.failure.status_code)


async def test_no_content_is_no_seed(upstream: FaultUpstream) -> None:
    """
    204 where a seed was promised is an error, tried once.
    """
    upstream.script(status(204))

    came = await call(plain_provider(upstream.url))

    assert (ProviderResponseFormatError, 1) == (type(came.failure), came.failure.attempts)
