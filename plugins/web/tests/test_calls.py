"""
Rolling seeds and calling operations over HTTP.
"""

from __future__ import annotations

import asyncio
import socket
from urllib.parse import quote

import pytest

from seedcore import ProviderUnavailableError
from seedcore_web.jobs import JOBS


async def ended(site, call_id, **asked):
    """
    Return how the call stands when it runs no more.
    """
    await asyncio.gather(*site.app[JOBS]._tasks)
    return await site.get(f"/api/v1/calls/{quote(call_id, safe='')}", **asked)


async def test_a_seed_is_rolled_and_recorded(site):
    """
    The answer has all of the seed and what to show; the audit says that the web asked.
    """
    answer = await site.roll(race=True, options={"players": 2})

    assert answer.status == 200
    assert answer.body["seed"]["url"] == "https://seeds.example/1"
    assert answer.body["seed"]["surface"] == "web"
    assert answer.body["shown"]["text"] == "https://seeds.example/1"
    [row] = (await site.get("/api/v1/audit")).body["rows"]
    assert row["call_id"] == answer.body["seed"]["call_id"]
    assert row["race"] is True


async def test_a_dry_run_asks_nobody(site, demo):
    """
    Everything is checked, and the answer says what it is.
    """
    answer = await site.roll(dry_run=True)

    assert answer.body["seed"]["meta"]["dry"] is True
    assert answer.body["shown"]["warnings"]
    assert demo.rolled == 0


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "provider is missing."),
        ({"provider": ""}, "provider must not be empty."),
        ({"provider": ["demo"]}, "provider must be a text."),
        ({"provider": "demo", "prest": "x"}, "There is no 'prest' here. Did you mean 'preset'?"),
        ({"provider": "demo", "race": "yes"}, "race must be true or false."),
        ({"provider": "demo", "race": 1}, "race must be true or false."),
        ({"provider": "demo", "deadline": True}, "deadline must be a number."),
        ({"provider": "demo", "deadline": -1}, "deadline must be a number of seconds"),
        ({"provider": "demo", "profile": "bach"}, "Did you mean 'batch'?"),
        ({"provider": "demo", "spoilers": "later"}, "spoilers must be one of off, on, delayed."),
        ({"provider": "demo", "reveal_at": "2027-01-01T18:00"}, "reveal_at must be a time with"),
        ({"provider": "demo", "options": [1]}, "options must be an object"),
        ([], "The body must be one JSON object"),
        ("demo", "The body must be one JSON object"),
    ],
)
async def test_what_is_asked_wrongly_gets_a_sentence(site, demo, body, says):
    """
    Unknown names and wrong types are refused before anybody is asked.
    """
    answer = await site.post("/api/v1/generate", body)

    assert answer.status == 400
    assert says in answer.body["detail"]
    assert demo.rolled == 0


async def test_null_is_as_if_it_was_left_out(site):
    """
    Clients that fill in every name can do so.
    """
    nothing = dict.fromkeys(("preset", "settings", "options", "branch", "reveal_at", "deadline"))

    assert (await site.roll(**nothing)).status == 200


async def test_unknown_providers_and_operations_are_not_found(site):
    """
    They get 404, with what there is.
    """
    unknown = await site.roll(provider="dmeo")
    operation = await site.post("/api/v1/call", {"provider": "demo", "operation": "nams"})

    assert (unknown.status, unknown.body["error"]) == (404, "UnknownProviderError")
    assert "Did you mean 'demo'?" in unknown.body["detail"]
    assert (operation.status, operation.body["error"]) == (404, "UnknownOperationError")
    assert "Did you mean 'names'?" in operation.body["detail"]


# ------------------------------------------------------------------- only once


async def test_the_same_idempotency_key_gets_the_same_seed(serve, demo):
    """
    On two servers with one database, too.
    """
    one, other = await serve(), await serve()
    once = {"Idempotency-Key": '"race 7"'}

    first = await one.roll(headers=once)
    again = await other.roll(headers={"Idempotency-Key": "race 7"})

    assert first.body["seed"]["url"] == again.body["seed"]["url"]
    assert demo.rolled == 1


async def test_another_body_under_the_same_idempotency_key_is_refused(site):
    """
    As the draft standard says: 422.
    """
    once = {"Idempotency-Key": "one"}
    await site.roll(headers=once)

    answer = await site.roll(headers=once, race=True)

    assert (answer.status, answer.body["error"]) == (422, "DuplicateCallError")


async def test_an_idempotency_key_is_of_the_key_that_asks(site, key_of, demo):
    """
    Nobody gets somebody else's seed by guessing what they called it.
    """
    one = await key_of(site, "generate", name="one")
    other = await key_of(site, "generate", name="other")
    once = {"Idempotency-Key": "same"}

    first = await site.roll(one, headers=once)
    second = await site.roll(other, headers=once)

    assert first.body["seed"]["url"] != second.body["seed"]["url"]
    assert demo.rolled == 2


@pytest.mark.parametrize("text", ["", "x" * 101, "\xe9", '"'[:1] * 2])
async def test_what_is_no_idempotency_key_is_refused(site, text):
    """
    It is 1 to 100 printable characters.
    """
    answer = await site.roll(headers={"Idempotency-Key": text})

    assert answer.status == 400
    assert "Idempotency-Key must be" in answer.body["detail"]


# -------------------------------------------------------------------- and later


@pytest.mark.parametrize("how", ["header", "body"])
async def test_a_call_that_nobody_waits_for(site, demo, how):
    """
    It is accepted at once, looks as running, and is done in the end.
    """
    demo.go_on.clear()
    asked = {"headers": {"Prefer": "respond-async"}} if how == "header" else {"wait": False}

    accepted = await site.roll(**asked)
    running = await site.get(accepted.headers["Location"])
    demo.go_on.set()
    done = await ended(site, accepted.body["call_id"])

    assert accepted.status == 202
    assert (running.status, running.body["status"]) == (200, "running")
    assert running.headers["Retry-After"] == "1"
    assert done.body["status"] == "done"
    assert done.body["row"]["permalink"] == "https://seeds.example/1"
    assert done.body["result"]["shown"]["url"] == "https://seeds.example/1"


async def test_without_a_database_a_call_that_nobody_waits_for_is_known_here(serve, runner_of):
    """
    As long as the server runs.
    """
    site = await serve(runner_of(database=None))
    accepted = await site.roll(wait=False)

    done = await ended(site, accepted.body["call_id"])

    assert (done.body["status"], done.body["row"]) == ("done", None)
    assert done.body["result"]["seed"]["url"] == "https://seeds.example/1"


async def test_a_call_that_nobody_waits_for_may_fail(site, demo):
    """
    What went wrong is told to whoever asks how it stands.
    """
    demo.error = ProviderUnavailableError("the site is down")
    accepted = await site.roll(wait=False)

    failed = await ended(site, accepted.body["call_id"])

    assert failed.body["status"] == "failed"
    assert failed.body["problem"]["error"] == "ProviderUnavailableError"
    assert "the site is down" in failed.body["problem"]["detail"]


async def test_the_same_call_that_nobody_waits_for_runs_once(site, demo):
    """
    A second one leads to the first; a different one is refused.
    """
    demo.go_on.clear()
    once = {"Idempotency-Key": "later"}
    first = await site.roll(wait=False, headers=once)

    again = await site.roll(wait=False, headers=once)
    different = await site.roll(wait=False, headers=once, race=True)
    demo.go_on.set()
    await ended(site, first.body["call_id"])

    assert first.body["call_id"] == again.body["call_id"]
    assert different.status == 422
    assert demo.rolled == 1


async def test_only_so_many_calls_run_that_nobody_waits_for(site, demo, monkeypatch):
    """
    One more is refused with the time to come back.
    """
    monkeypatch.setattr("seedcore_web.jobs.MOST", 2)
    demo.go_on.clear()
    for _ in range(2):
        assert (await site.roll(wait=False)).status == 202

    refused = await site.roll(wait=False)
    demo.go_on.set()

    assert (refused.status, refused.body["error"]) == (503, "Unavailable")
    assert refused.headers["Retry-After"]


async def test_results_are_forgotten_from_the_oldest_on(site, monkeypatch):
    """
    The rows of the audit stay.
    """
    monkeypatch.setattr("seedcore_web.jobs.REMEMBERED", 1)
    first = await site.roll(wait=False)
    await ended(site, first.body["call_id"])
    second = await site.roll(wait=False)
    await ended(site, second.body["call_id"])

    forgotten = await ended(site, first.body["call_id"])

    assert (forgotten.body["status"], forgotten.body["result"]) == ("done", None)


async def test_what_came_of_a_call_is_told_to_who_asked_alone(site, key_of):
    """
    A sealed seed that nobody waited for is not shown to another key.
    """
    one = await key_of(site, "generate", name="one")
    other = await key_of(site, "read", "generate", name="other")
    accepted = await site.roll(one, wait=False, sealed=True)

    mine = await ended(site, accepted.body["call_id"], key=one)
    theirs = await ended(site, accepted.body["call_id"], key=other)

    assert mine.body["result"]["seed"]["url"] == "https://seeds.example/1"
    assert theirs.body["result"] is None
    assert theirs.body["row"]["permalink"] is None
    assert "seeds.example" not in theirs.text


async def test_a_key_that_may_not_read_sees_its_own_calls_alone(site, key_of):
    """
    Others' are refused, whether there are any or not.
    """
    one = await key_of(site, "generate", name="one")
    other = await key_of(site, "generate", name="other")
    accepted = await site.roll(one, wait=False)

    assert (await ended(site, accepted.body["call_id"], key=one)).status == 200
    assert (await ended(site, accepted.body["call_id"], key=other)).status == 403
    assert (await ended(site, "no such call", key=other)).status == 403


async def test_who_hangs_up_has_rolled_all_the_same(site, demo):
    """
    The seed is made and recorded, though nobody is there to get it.
    """
    demo.go_on.clear()
    body = b'{"provider": "demo"}'
    with socket.create_connection(("127.0.0.1", site.port)) as connection:
        connection.sendall(
            b"POST /api/v1/generate HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        )
        await demo.begun.wait()
    demo.go_on.set()
    await asyncio.gather(*site.app[JOBS]._tasks)

    [row] = await site.runner.store.queries.calls()
    assert row["permalink"] == "https://seeds.example/1"


# ------------------------------------------------------------- other operations


async def test_any_operation_can_be_called(site):
    """
    Its result comes back as plain JSON.
    """
    asked = {"provider": "demo", "operation": "names", "arguments": {"many": 3}}

    answer = await site.post("/api/v1/call", asked)

    assert answer.body["result"] == ["name 0", "name 1", "name 2"]


async def test_a_seed_of_an_operation_is_told_as_any_seed(site):
    """
    Also through call.
    """
    answer = await site.post("/api/v1/call", {"provider": "demo", "operation": "generate"})

    assert answer.body["result"]["url"] == "https://seeds.example/1"
    assert answer.body["call_id"] == answer.body["result"]["call_id"]


@pytest.mark.parametrize("name", ["surface", "call_id", "policy", "deadline"])
async def test_arguments_can_not_be_limits_of_the_call(site, name):
    """
    Who asked and under which limits is not for arguments to say.
    """
    asked = {"provider": "demo", "operation": "names", "arguments": {name: 1}}

    answer = await site.post("/api/v1/call", asked)

    assert answer.status == 400
    assert "limit of the call" in answer.body["detail"]


@pytest.mark.parametrize(
    ("asked", "scope"),
    [
        ({"provider": "demo", "operation": "names"}, "read"),
        ({"provider": "demo", "operation": "generate"}, "generate"),
        ({"provider": "demo", "operation": "delete", "arguments": {"key": "x"}}, "admin"),
        ({"provider": "files", "operation": "link", "arguments": {"key": "sealed"}}, "admin"),
    ],
)
async def test_what_an_operation_needs(site, key_of, asked, scope):
    """
    Reading, rolling, and everything that changes what others see; all of a storage is for admins.
    """
    keys = {each: await key_of(site, each, name=each) for each in ("read", "generate", "admin")}

    statuses = {
        each: (await site.post("/api/v1/call", asked, key=key)).status for each, key in keys.items()
    }

    assert statuses == {
        each: 200 if each in (scope, "admin") else 403 for each in ("read", "generate", "admin")
    }


async def test_a_route_does_not_lower_what_an_operation_needs(site, key_of):
    """
    Whoever it leads to counts.
    """
    await site.runner.routes.set("demo", {"demo": 0.5, "files": 0.5}, by="operator")
    key = await key_of(site, "read")
    asked = {"provider": "demo", "operation": "link", "arguments": {"key": "x"}}

    assert (await site.post("/api/v1/call", asked, key=key)).status in (403, 404)


# -------------------------------------------------------------------- one link


async def test_a_link_that_rolls_leads_to_the_seed(site):
    """
    And no cache keeps it.
    """
    answer = await site.get("/go/demo?race=1&players=2")

    assert answer.status == 303
    assert answer.headers["Location"] == "https://seeds.example/1"
    assert answer.headers["Cache-Control"] == "no-store"
    [row] = await site.runner.store.queries.calls()
    assert row["race"] is True


async def test_a_link_follows_a_route(site):
    """
    Also from a name that no provider has.
    """
    await site.runner.routes.set("seeds", "plain", by="operator")

    assert (await site.get("/go/seeds")).text == "flags AB, seed 7\n"
    assert (await site.get("/go/nobody")).status == 404


async def test_a_seed_without_an_address_is_a_line(site):
    """
    Which a player types.
    """
    answer = await site.get("/go/plain")

    assert (answer.status, answer.text) == (200, "flags AB, seed 7\n")


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//elsewhere", "file:///"]
)
async def test_a_link_leads_to_web_addresses_only(site, demo, url):
    """
    Whatever else a provider says is shown as text.
    """
    demo.url = url

    answer = await site.get("/go/demo")

    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/plain")


async def test_looking_at_a_link_does_not_roll(site, demo):
    """
    Neither HEAD, nor what fetches ahead, nor a picture on another page.
    """
    head = await site.ask("HEAD", "/go/demo")
    ahead = await site.get("/go/demo", headers={"Sec-Purpose": "prefetch;prerender"})
    elsewhere = await site.get("/go/demo", headers={"Sec-Fetch-Site": "cross-site"})
    twice = await site.get("/go/demo?preset=a&preset=b")

    assert [each.status for each in (head, ahead, elsewhere, twice)] == [405, 403, 403, 400]
    assert demo.rolled == 0
