"""
Who may ask what.
"""

from __future__ import annotations

import logging
import socket

import pytest

from seedcore import DatabaseError
from seedcore_web.access import ACCESS, Access, without_keys
from seedcore_web.limits import Buckets
from seedcore_web.local import is_loopback
from seedcore_web.server import AccessLog


@pytest.fixture
def at_once(monkeypatch):
    """
    What the database says about keys is asked for each time.
    """
    monkeypatch.setattr(Access, "FRESH", 0.0)


async def test_without_keys_this_machine_may_do_everything(site):
    """
    It needs no key.
    """
    assert (await site.roll()).status == 200
    assert (await site.get("/api/v1/audit")).status == 200
    changed = await site.ask("PUT", "/api/v1/routes/demo", json={"to": "plain"})
    assert changed.status == 200


@pytest.mark.parametrize(
    "name", ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via"]
)
async def test_without_keys_nobody_is_served_through_a_proxy(site, name):
    """
    It may come from anywhere: the sentence names the header and the remedy.
    """
    answer = await site.roll(headers={name: "203.0.113.9"})

    assert answer.status == 403
    assert name in answer.body["detail"]
    assert "seedcore web key add" in answer.body["detail"]


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.", "", "0"])
async def test_a_name_that_leads_here_is_no_name_of_this_machine(site, host):
    """
    A page of elsewhere may have made its own name lead to 127.0.0.1.
    """
    answer = await site.get("/api/v1/audit", headers={"Host": host})

    assert answer.status in (400, 403)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:1", "[::1]:8000"])
async def test_the_names_of_this_machine(site, host):
    """
    They are served.
    """
    assert (await site.get("/api/v1/audit", headers={"Host": host})).status == 200


@pytest.mark.parametrize(
    ("address", "is_ours"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("192.0.2.1", False),
        ("::ffff:192.0.2.1", False),
        ("0.0.0.0", False),
        ("localhost", False),
        ("", False),
    ],
)
def test_addresses_of_this_machine(address, is_ours):
    """
    Those of loopback, also where IPv6 carries them.
    """
    assert is_ours == is_loopback(address)


def own_address():
    """
    Return an address of this machine that isn't loopback.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as looking:
        try:
            looking.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            pytest.skip("this machine has no address but loopback")
        return looking.getsockname()[0]


async def test_without_keys_nobody_else_is_served(serve):
    """
    Whoever comes over the network is told what is missing.
    """
    address = own_address()
    site = await serve(host="0.0.0.0")
    site.url = f"http://{address}:{site.port}"

    answer = await site.roll(headers={"Host": "localhost"})

    assert answer.status == 403
    assert "has no keys" in answer.body["detail"]
    assert (await site.get("/health")).status == 200


# ------------------------------------------------------------------------ keys


async def test_with_keys_everybody_needs_one(site, key_of):
    """
    This machine too.
    """
    key = await key_of(site, "read")

    nobody = await site.get("/api/v1/audit")
    somebody = await site.get("/api/v1/audit", key=key)

    assert (nobody.status, nobody.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert somebody.status == 200


@pytest.mark.parametrize("header", ["Basic abc", "Bearer", "Bearer ", "seedcore_abc"])
async def test_a_header_that_holds_no_key(site, header):
    """
    It is told how one is sent, also while there are no keys.
    """
    answer = await site.get("/api/v1/audit", headers={"Authorization": header})

    assert answer.status == 401


async def test_scopes(site, key_of):
    """
    A key opens what it is for; an admin's everything.
    """
    keys = {each: await key_of(site, each, name=each) for each in ("read", "generate", "admin")}
    asked = {
        "generate": site.roll,
        "read": lambda key: site.get("/api/v1/audit", key=key),
        "admin": lambda key: site.ask("PUT", "/api/v1/routes/demo", key=key, json={"to": "plain"}),
    }

    for scope, ask in asked.items():
        for name, key in keys.items():
            expected = 200 if name in (scope, "admin") else 403
            assert (await ask(key)).status == expected, (scope, name)


@pytest.mark.usefixtures("at_once")
async def test_a_revoked_key_opens_nothing(site, key_of):
    """
    Nor does it make this machine a stranger once there are no others.
    """
    key = await key_of(site, "read")
    assert (await site.get("/api/v1/audit", key=key)).status == 200

    await site.runner.store.keys.revoke("bot")

    assert (await site.get("/api/v1/audit", key=key)).status == 401
    assert (await site.get("/api/v1/audit")).status == 200


async def test_a_revoked_key_stops_within_seconds(site, key_of):
    """
    What was found out about a key is believed for a moment, and no longer.
    """
    now = 100.0
    access = Access(site.runner, now=lambda: now)
    request = type("Request", (), {"remote": "192.0.2.1"})()
    key = await key_of(site, "read")
    assert await access.check(request, key) is not None
    await site.runner.store.keys.revoke("bot")

    assert await access.check(request, key) is not None
    now += 5.0
    assert await access.check(request, key) is None


@pytest.mark.usefixtures("at_once")
async def test_wrong_keys_are_slowed_down(site, key_of):
    """
    After some of them an address is told to wait; a key that was good before goes on.
    """
    key = await key_of(site, "read")
    assert (await site.get("/api/v1/audit", key=key)).status == 200
    wrong = "seedcore_0123456789ab_" + "x" * 43

    statuses = [(await site.get("/api/v1/audit", key=wrong)).status for _ in range(12)]

    assert statuses == [401] * 10 + [429] * 2
    assert (await site.get("/api/v1/audit", key=key)).status == 200


async def test_a_key_may_ask_so_often_a_minute(site, key_of):
    """
    Then it gets 429 with the time to wait; another key isn't concerned.
    """
    few = await key_of(site, "read", name="few", per_minute=2)
    many = await key_of(site, "read", name="many")

    answers = [await site.get("/api/v1/routes", key=few) for _ in range(3)]

    assert [each.status for each in answers] == [200, 200, 429]
    assert 1 <= int(answers[2].headers["Retry-After"]) <= 30
    assert "2 times a minute" in answers[2].body["detail"]
    assert (await site.get("/api/v1/routes", key=many)).status == 200


async def test_the_server_says_how_often_where_a_key_does_not(serve, key_of):
    """
    It is an option of the command.
    """
    site = await serve(per_minute=1)
    key = await key_of(site, "read")

    statuses = [(await site.get("/api/v1/routes", key=key)).status for _ in range(2)]

    assert statuses == [200, 429]


def test_buckets_fill_up_in_a_minute():
    """
    One token at a time, and not beyond what fits.
    """
    now = 0.0
    buckets = Buckets(lambda: now, most=2)

    assert [buckets.take("a", 2) for _ in range(3)] == [0.0, 0.0, 30.0]
    now = 30.0
    assert [buckets.take("a", 2) for _ in range(2)] == [0.0, 30.0]
    now = 1e6
    assert [buckets.take("a", 2) for _ in range(3)] == [0.0, 0.0, 30.0]
    assert (buckets.take("b", 1), buckets.take("c", 1)) == (0.0, 0.0)
    assert buckets.take("a", 2) == 0.0  # forgotten, as b and c came after it


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/audit?key={}",
        "/api/v1/providers/{}",
        "/go/demo?x=%73eedcore_{rest}",
        "/go/demo?x=%2573eedcore_{rest}",
        "/%252573eedcore_{rest}",
        "/api/v1/audit?access_token=abc",
    ],
)
async def test_a_key_in_an_address_is_refused(site, key_of, path):
    """
    A good one, too; addresses are kept in too many places.
    """
    key = await key_of(site, "admin")

    answer = await site.get(path.format(key, rest=key.removeprefix("seedcore_")), key=key)

    assert answer.status == 400


async def test_neither_keys_nor_queries_are_logged(serve, key_of, caplog):
    """
    The line has who, what, and what came of it.
    """
    logger = logging.getLogger("seedcore_web.test")
    site = await serve()
    key = await key_of(site, "read")
    request = type(
        "Request",
        (),
        {
            "rel_url": type("Url", (), {"raw_path": f"/api/v1/providers/{key}\x1b[31m"})(),
            "remote": "192.0.2.1",
            "method": "GET",
        },
    )()
    response = type("Response", (), {"status": 400})()
    with caplog.at_level(logging.INFO):
        AccessLog(logger, "").log(request, response, 0.0123)

    assert caplog.messages == ["192.0.2.1 GET /api/v1/providers/*** [31m 400 12 ms"]
    hidden = "/" + "".join(f"%25{ord(mark):02x}" for mark in key)
    assert without_keys(hidden) == "/***"
    assert without_keys("/a%2Fb%zz") == "/a%2Fb%zz"


# ------------------------------------------------------------------ other pages


async def test_other_sites_pages_can_not_ask(site, demo):
    """
    While there are no keys a browser sends nothing that would tell its pages apart.
    """
    body = b'{"provider": "demo"}'
    sent = {
        "a form": {"Content-Type": "text/plain"},
        "a form with its origin": {"Content-Type": "text/plain", "Origin": "https://evil.example"},
        "JSON of elsewhere": {"Content-Type": "application/json", "Origin": "https://evil.example"},
        "nothing known": {"Content-Type": "application/json", "Origin": "null"},
        "another site": {"Content-Type": "application/json", "Sec-Fetch-Site": "cross-site"},
        "a neighbour": {"Content-Type": "application/json", "Sec-Fetch-Site": "same-site"},
    }

    for name, headers in sent.items():
        answer = await site.post("/api/v1/generate", headers=headers, data=body)
        assert answer.status == 403, name
    assert demo.rolled == 0


async def test_a_cookie_opens_what_its_key_does(site, key_of, demo):
    """
    But not for pages of other sites.
    """
    key = await key_of(site, "generate")
    cookie = {"Cookie": f"seedcore_key={key}", "Content-Type": "application/json"}

    own = await site.roll(headers={**cookie, "Origin": site.url})
    other = await site.roll(headers={**cookie, "Origin": "https://evil.example"})

    assert (own.status, other.status) == (200, 403)
    assert demo.rolled == 1


async def test_signing_in_leaves_a_cookie_that_scripts_can_not_read(site, key_of):
    """
    A wrong key leaves none.
    """
    key = await key_of(site, "read")
    origin = {"Origin": site.url}

    good = await site.ask("POST", "/sign-in", data={"key": key}, headers=origin)
    foreign = await site.ask(
        "POST", "/sign-in", data={"key": key}, headers={"Origin": "https://evil.example"}
    )
    cookie = good.headers["Set-Cookie"]

    assert (good.status, foreign.status) == (303, 403)
    assert cookie.startswith(f"seedcore_key={key};")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie


async def test_behind_https_the_cookie_is_for_https(site, key_of):
    """
    As the proxy says.
    """
    headers = {"Origin": site.url, "X-Forwarded-Proto": "https"}
    asked = {"key": await key_of(site, "read")}

    answer = await site.ask("POST", "/sign-in", data=asked, headers=headers)

    assert "Secure" in answer.headers["Set-Cookie"]


async def test_pages_of_other_sites_may_ask_where_the_operator_says_so(serve, key_of):
    """
    With a key of their own, and never by what the browser sends by itself.
    """
    site = await serve(cors=("https://seeds.example",))
    ours = {"Origin": "https://seeds.example"}
    assert (await site.roll(headers=ours)).status == 403
    key = await key_of(site, "generate")
    site.app[ACCESS]._any = None

    first = await site.ask("OPTIONS", "/api/v1/generate", headers=ours)
    good = await site.roll(key, headers=ours)
    other = await site.ask(
        "OPTIONS", "/api/v1/generate", headers={"Origin": "https://evil.example"}
    )

    assert good.status == 200
    assert good.headers["Access-Control-Allow-Origin"] == "https://seeds.example"
    assert "Authorization" in first.headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Origin" not in other.headers
    assert "Access-Control-Allow-Headers" not in other.headers


async def test_other_sites_pages_get_nothing_by_default(site):
    """
    Nobody is allowed to read an answer.
    """
    answer = await site.get("/api/v1/routes", headers={"Origin": "https://seeds.example"})

    assert "Access-Control-Allow-Origin" not in answer.headers


async def test_who_has_shown_no_key_is_not_told_about_the_database(site, monkeypatch):
    """
    While it is gone nobody is let in, and not told why either.
    """

    async def gone(*_):
        raise DatabaseError("The database /secret/path is gone.")

    monkeypatch.setattr(site.runner.store.keys, "any_active", gone)
    monkeypatch.setattr(site.runner.store.keys, "check", gone)

    nobody = await site.roll()
    somebody = await site.roll("seedcore_0123456789ab_x")

    for answer in (nobody, somebody):
        assert (answer.status, answer.body["error"]) == (503, "Unavailable")
        assert "/secret/path" not in answer.text


async def test_without_a_database_this_machine_is_served(serve, runner_of):
    """
    There can be no keys.
    """
    site = await serve(runner_of(database=None))

    assert (await site.roll()).status == 200
    assert (await site.get("/api/v1/audit")).status == 503
    assert (await site.get("/api/v1/routes", key="seedcore_0123456789ab_x")).status == 401


@pytest.mark.parametrize(("scope", "place"), [("read", "/"), ("generate", "/roll")])
async def test_signing_in_leads_to_where_the_key_opens(site, key_of, scope, place):
    """
    Whoever may only roll finds nothing on the first page.
    """
    key = await key_of(site, scope)
    answer = await site.ask("POST", "/sign-in", data={"key": key}, headers={"Origin": site.url})

    assert (answer.status, answer.headers["Location"]) == (303, place)
