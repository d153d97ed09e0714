"""
What people and programs send that nobody had thought of.
"""

from __future__ import annotations

import time

import pytest

from seedcore import DatabaseError
from seedcore.store.queries import Queries
from seedcore_web.access import Access


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """
    Look at keys each time.
    """
    monkeypatch.setattr(Access, "FRESH", 0.0)


async def test_a_spoiler_race_through_call_belongs_to_who_asked(site, key_of):
    """
    As one through generate does: whoever asked may reveal the log, and nobody else may say so.
    """
    mine = await key_of(site, "generate", name="mine")
    other = await key_of(site, "generate", name="other")
    asked = {"spoilers": "delayed", "reveal_at": time.time() + 3600}
    body = {"provider": "raced", "operation": "generate", "arguments": asked}
    rolled = await site.post("/api/v1/call", body, key=mine)
    path = f"/api/v1/calls/{rolled.body['call_id']}/reveal"
    forged = {**body, "arguments": {**asked, "by": "web:other"}}

    assert rolled.status == 200
    assert (await site.post(path, key=mine)).status == 403
    assert (await site.post(path, key=other)).status == 404
    refused = await site.post("/api/v1/call", forged, key=mine)
    assert (refused.status, refused.body["detail"]) == (400, "by can't be given: it is who asks.")


async def test_a_time_to_reveal_is_read_as_generate_reads_it(site):
    """
    A text too, and what is none gets a sentence.
    """
    body = {"provider": "raced", "operation": "generate"}
    good = {"spoilers": "delayed", "reveal_at": "2199-01-01T18:00:00Z"}
    answer = await site.post("/api/v1/call", {**body, "arguments": good})
    assert answer.status == 422  # in more than thirty years
    assert "reveal_at must be a time to come" in answer.body["detail"]
    wrong = await site.post("/api/v1/call", {**body, "arguments": {**good, "reveal_at": "soon"}})
    assert wrong.status == 400


@pytest.mark.parametrize("number", ["1" + "0" * 400, "9" * 5000, "1e400"])
async def test_numbers_without_end_get_a_sentence(site, number):
    """
    Of our own, and no 500.
    """
    content = f'{{"provider": "raced", "spoilers": "delayed", "reveal_at": {number}}}'
    headers = {"Content-Type": "application/json"}
    answer = await site.ask("POST", "/api/v1/generate", data=content, headers=headers)

    assert answer.status == 400
    assert "sys." not in answer.body["detail"]


@pytest.mark.parametrize("text", ["a" * 5000, "%00", "%ED%A0%80", "a%0Ab"])
@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/calls/{}",
        "/api/v1/audit?provider={}",
        "/api/v1/audit?surface={}",
        "/api/v1/failures?provider={}",
        "/seeds?surface={}",
        "/failures?provider={}",
        "/calls/{}",
    ],
)
async def test_names_that_no_row_can_have_have_none(site, path, text):
    """
    The database isn't asked, and isn't blamed.
    """
    answer = await site.get(path.format(text))

    assert answer.status in (200, 400, 404)
    assert "audit.sqlite3" not in answer.text


async def test_who_is_no_operator_isnt_told_where_the_database_is(site, key_of, monkeypatch):
    """
    An operator is.
    """

    async def gone(self, *_, **__):
        msg = "The audit database /srv/secret/place can't be used: it is gone."
        raise DatabaseError(msg)

    reader, admin = await key_of(site, "read", name="r"), await key_of(site, "admin", name="a")
    monkeypatch.setattr(Queries, "calls", gone)
    told = await site.get("/api/v1/audit", key=reader)
    whole = await site.get("/api/v1/audit", key=admin)

    assert (told.status, told.body["error"]) == (503, "DatabaseError")
    assert told.body["detail"] == "The audit database can't be used right now."
    assert "/srv/secret/place" in whole.body["detail"]


async def test_waiting_is_no_part_of_what_is_asked(site):
    """
    The same call under one key, said in two ways.
    """
    body = {"provider": "demo", "operation": "names"}
    headers = {"Idempotency-Key": "mine"}
    first = await site.post("/api/v1/call", {**body, "wait": False}, headers=headers)
    second = await site.post(
        "/api/v1/call", body, headers={**headers, "Prefer": "respond-async; x=1"}
    )

    assert (first.status, second.status) == (202, 202)
    assert first.body["call_id"] == second.body["call_id"]


async def test_every_line_of_prefer_counts(site):
    """
    HTTP lets a client send several.
    """
    headers = [("Prefer", "wait=5"), ("Prefer", "respond-async")]
    async with site.client.post(
        f"{site.url}/api/v1/generate", json={"provider": "demo"}, headers=headers
    ) as reply:
        assert reply.status == 202


@pytest.mark.parametrize(
    "name",
    ["X-Forwarded-Port", "X-Client-IP", "CF-Connecting-IP", "True-Client-IP", "X-Original-URL"],
)
async def test_whatever_tells_of_a_proxy_is_heeded(site, name):
    """
    While there are no keys.
    """
    answer = await site.get("/api/v1/providers", headers={name: "203.0.113.9"})

    assert answer.status == 403
    assert name in answer.body["detail"]


async def test_a_page_after_a_row_that_is_gone_is_no_end(site):
    """
    Whoever reads on is told to begin anew.
    """
    answer = await site.get("/api/v1/audit?before=never")

    assert (answer.status, answer.body["error"]) == (404, "NotFound")


async def test_sealed_settings_are_shown_to_nobody(site):
    """
    Those of a mystery are what nobody may know.
    """
    await site.post(
        "/api/v1/generate", {"provider": "plain", "sealed": True, "options": {"canary": "canary"}}
    )
    seen = [await site.get(path) for path in ("/api/v1/audit", "/", "/seeds")]
    [row] = seen[0].body["rows"]

    assert {} == row["settings"]
    assert not any("canary" in page.text for page in seen)


async def test_a_log_without_an_address_isnt_offered_elsewhere(site, key_of):
    """
    A path on the server's disk is of no use there, and tells where things are.
    """
    key = await key_of(site, "generate")
    asked = {"provider": "raced", "spoilers": "delayed", "reveal_at": time.time() + 3600}
    rolled = await site.post("/api/v1/generate", asked, key=key)
    path = f"/api/v1/calls/{rolled.body['seed']['call_id']}/reveal"
    answer = await site.post(path, key=key, headers={"X-Forwarded-For": "203.0.113.9"})

    assert answer.status == 501
    assert "storage_url" in answer.body["detail"]
    assert (await site.post(path, key=key)).status == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"Sec-Fetch-Site": "none"}, 303),
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
async def test_a_link_rolls_with_a_cookie_only_if_the_browser_tells_where_it_was(
    site, key_of, headers, status
):
    """
    The cookie comes along from everywhere, and each visit makes a seed.
    """
    key = await key_of(site, "generate")
    answer = await site.get("/go/demo", headers={"Cookie": f"seedcore_key={key}", **headers})

    assert answer.status == status
    assert (await site.get("/go/demo", key=key)).status == 303
