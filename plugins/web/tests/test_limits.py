"""
That nobody holds the server up, and nothing that is sent can hurt it.
"""

from __future__ import annotations

import asyncio
import io
import json

import pytest

HEAD = (
    b"POST /api/v1/generate HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n"
)
JSON = {"Content-Type": "application/json"}


@pytest.fixture
async def site(serve, runner_of):
    """
    A running server that needs no database here.
    """
    return await serve(runner_of(database=None))


async def talk(site, sent, *, end=False):
    """
    Send bytes on a connection of their own; return all that comes back until it is closed.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    try:
        writer.write(sent)
        if end:
            writer.write_eof()
        return await reader.read()
    finally:
        writer.close()
        await asyncio.wait({asyncio.ensure_future(writer.wait_closed())})


def body_of(answer):
    """
    Return the JSON of an answer as it came over the wire.
    """
    return json.loads(answer.partition(b"\r\n\r\n")[2])


async def test_a_body_that_is_too_large_is_refused_before_it_is_read(serve, monkeypatch):
    """
    Its length says so: nothing of it has to arrive.
    """
    monkeypatch.setattr("seedcore_web.server.LINGER_SECONDS", 0.05)
    site = await serve()

    answer = await talk(site, HEAD % 10_000_000 + b'{"provider": "' + b"x" * 1_000)

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert body_of(answer)["error"] == "TooLarge"


async def test_a_body_of_10_mb_is_refused(site):
    """
    Whoever sends it gets the answer; nobody keeps it in memory.
    """
    answer = await site.post("/api/v1/generate", data=io.BytesIO(b" " * 10_000_000), headers=JSON)

    assert answer.status == 413


async def test_a_body_without_a_length_is_refused_when_it_is_too_large(site):
    """
    It is read to the limit and no further.
    """

    async def chunks():
        for _ in range(40):
            yield b" " * 50_000

    answer = await site.post("/api/v1/generate", data=chunks(), headers=JSON)

    assert (answer.status, answer.body["error"]) == (413, "TooLarge")


async def test_a_body_of_a_mebibyte_is_read(site):
    """
    The limit itself fits.
    """
    body = b'{"provider": "demo"}'.ljust(1024 * 1024)

    assert (await site.post("/api/v1/generate", data=body, headers=JSON)).status == 200


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "valid JSON"),
        (b"{", "valid JSON"),
        (b'{"provider": "demo"} x', "valid JSON"),
        (b'{"provider": "d\xff"}', "not UTF-8 text (at byte 15)"),
        ('{"provider": "demo"}'.encode("utf-16"), "not UTF-8"),
        (b'{"provider": NaN}', "NaN is not a JSON number"),
        (b'{"provider": "demo", "deadline": -Infinity}', "-Infinity is not a JSON number"),
        (b'{"provider": "demo", "deadline": 1e999}', "1e999 is not a JSON number"),
        (b'{"provider": "demo", "deadline": ' + b"9" * 5_000 + b"}", "valid JSON"),
        (b'{"provider": "demo", "provider": "x"}', "the name 'provider' is given twice"),
        (b'{"provider": "\\ud800"}', "half a character"),
        (b'{"provider": "demo", "options": {"\\ud800": 1}}', "half a character"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"provider": "demo", "options": ' + b'{"a":' * 60 + b"1" + b"}" * 61, "too deeply"),
        (b"[" + b"1," * 200_000 + b"1]", "too many values"),
    ],
)
async def test_what_is_no_json_gets_a_sentence(site, demo, body, says):
    """
    Each with 400, and nobody is asked.
    """
    answer = await site.post("/api/v1/generate", data=body, headers=JSON)

    assert answer.status == 400
    assert says in answer.body["detail"]
    assert demo.rolled == 0


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "image/png"])
async def test_a_body_that_says_it_is_no_json(site, kind):
    """
    It gets 415, with what to send.
    """
    headers = {"Content-Type": kind, "Origin": site.url}

    answer = await site.post("/api/v1/generate", data=b'{"provider": "demo"}', headers=headers)

    assert answer.status == 415
    assert "Content-Type: application/json" in answer.body["detail"]


async def test_a_compressed_body_is_refused(site):
    """
    A few bytes of one may be a gibibyte.
    """
    headers = {**JSON, "Content-Encoding": "gzip"}

    answer = await site.post("/api/v1/generate", data=b"x", headers=headers)

    assert answer.status == 415


async def test_10_000_options(site):
    """
    They are taken by a provider that takes any, and come back.
    """
    options = {f"option {number}": number for number in range(10_000)}

    answer = await site.roll(options=options)

    assert answer.status == 200


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "\x1b[31mred", "a\x00b", "\u202egnp", "x" * 500_000]
)
@pytest.mark.parametrize("place", ["provider", "operation", "preset", "branch", "options"])
async def test_any_text_anywhere_is_answered_as_json(site, text, place):
    """
    Never with 500, and never as markup.
    """
    given = {text: text} if place == "options" else text

    answer = await site.roll(**{place: given})

    assert answer.status in (200, 400, 404, 422)
    assert "json" in answer.headers["Content-Type"]
    assert "\x1b" not in answer.text


@pytest.mark.parametrize("name", ["race", "spoilers", "options", "settings", "preset", "wait"])
@pytest.mark.parametrize("value", [0, 1.5, "x", [], {"a": {"b": []}}, True, "", -1, [None]])
async def test_any_value_anywhere_gets_an_answer(site, name, value):
    """
    It fits, or there is a sentence.
    """
    answer = await site.roll(**{name: value})

    assert answer.status in (200, 202, 400, 404, 422)


@pytest.mark.parametrize(
    "path",
    [
        "/..%2f..%2fetc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//",
        "//evil.example/",
        "/api//v1/generate",
        "/api/v1//providers",
        "/api/v1/providers/..",
        "/api/v1/providers/%2e%2e%2f",
        "/api/v1/providers/demo%2Fx",
        "/api/v1/providers/%00",
        "/api/v1/providers/%ff",
        "/api/v1/providers/%",
        "/api/v1/presets/demo/%00",
        "/api/v1/presets/demo/../../x",
        "/api/v1/presets/..%2f..%2f/x",
        "/api/v1/calls/%00",
        "/api/v1/calls/..%2f..",
        "/static/..%2f..%2fapp.py",
        "/static/%2e%2e",
        "/static/..%5c..%5capp.py",
        "/problems/nothing",
        "/problems/..%2f",
        "/go/..%2f",
        "/api/v1/audit?limit=x",
        "/api/v1/audit?limit=0",
        "/api/v1/audit?limit=501",
        "/api/v1/audit?limit=%D9%A3",
        "/api/v1/audit?since=tomorrow",
        "/api/v1/audit?since=nan",
        "/api/v1/audit?since=2027-01-01T00:00:00",
        "/api/v1/audit?limit=5&limit=6",
        "/api/v1/audit?lmit=5",
        "/" + "x" * 7_000,
    ],
)
async def test_odd_addresses_are_refused(serve, path):
    """
    With 404 or 400, whatever they look like.
    """
    site = await serve()

    answer = await site.get(path)

    assert answer.status in (400, 404)


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 20_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: 1\r\n" * 500 + b"\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
async def test_what_is_no_http_gets_400(site, sent):
    """
    And no more: no traceback, nothing of what was sent as markup.
    """
    answer = await talk(site, sent)

    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 "))
    assert b"Traceback" not in answer
    assert b"text/html" not in answer


async def test_slow_clients_hold_nobody_up(serve, monkeypatch):
    """
    Whoever doesn't finish a request is cut off, and others are served meanwhile.
    """
    monkeypatch.setattr("seedcore_web.server.IDLE_SECONDS", 0.6)
    site = await serve()
    slow = [
        asyncio.create_task(talk(site, sent))
        for sent in (b"", b"GET / HT", b"POST /api/v1/generate HTTP/1.1\r\nHost: local", b"G")
        for _ in range(12)
    ]

    quick = await site.roll()
    heard = await asyncio.gather(*slow)

    assert quick.status == 200
    assert heard == [b""] * 48


async def test_a_body_must_arrive_in_time(serve, monkeypatch):
    """
    Else it is refused, and the connection closed.
    """
    monkeypatch.setattr("seedcore_web.guard.BODY_SECONDS", 0.05)
    monkeypatch.setattr("seedcore_web.server.LINGER_SECONDS", 0.05)
    site = await serve()

    answer = await talk(site, HEAD % 100 + b'{"prov')

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert body_of(answer)["error"] == "TooSlow"


async def test_a_body_that_is_cut_off(site, demo, caplog):
    """
    Nobody waits for the rest, nobody is asked, and it is no failure of this server.
    """
    chunked = HEAD.replace(b"Content-Length: %d", b"Transfer-Encoding: chunked")

    await talk(site, HEAD % 100 + b'{"prov', end=True)
    await talk(site, chunked + b"2\r\n{}\r\n", end=True)
    await talk(site, chunked + b"2\r\n{}\r\nzz\r\n", end=True)

    assert (await site.roll()).status == 200
    assert demo.rolled == 1
    assert caplog.messages == []


async def test_a_name_given_twice_among_many(site):
    """
    It is found as quickly as in few.
    """
    body = "{" + "".join(f'"{number}": 1,' for number in range(60_000)) + '"59999": 2}'

    answer = await site.post("/api/v1/generate", data=body, headers=JSON)

    assert "the name '59999' is given twice" in answer.body["detail"]


async def test_a_connection_that_is_not_used_is_closed(serve, monkeypatch):
    """
    After its first request, too.
    """
    monkeypatch.setattr("seedcore_web.server.IDLE_SECONDS", 0.4)
    site = await serve()

    answer = await talk(site, b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")

    assert answer.endswith(b"alive\n")
