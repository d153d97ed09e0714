"""
Providers, presets, rows, routes: what is there to read and to change.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import attrs
import pytest

from seedcore import (
    DatabaseError,
    ProviderUnavailableError,
    Registry,
    Runner,
    Seed,
    provider,
)
from seedcore.presets import OPERATOR


async def test_providers_are_listed(site):
    """
    With their state.
    """
    lines = (await site.get("/api/v1/providers")).body["providers"]

    assert [(line["provider"], line["status"]) for line in lines] == [
        ("demo", "loaded"),
        ("files", "loaded"),
        ("plain", "loaded"),
        ("raced", "loaded"),
    ]


async def test_a_provider_is_shown(site):
    """
    With its operations, what each takes and what a key needs for it.
    """
    shown = (await site.get("/api/v1/providers/demo")).body
    operations = {each["name"]: each for each in shown["operations"]}

    assert operations["generate"]["rolls"] is True
    assert operations["names"]["scope"] == "read"
    assert operations["delete"]["scope"] == "admin"
    assert [each["name"] for each in operations["delete"]["fields"]] == ["key"]
    assert "preset" in [each["name"] for each in operations["generate"]["fields"]]
    assert (shown["circuits"], shown["gates"], shown["routes"]) == ([], [], [])


async def test_a_provider_that_can_not_be_used_is_shown_with_its_reason(serve):
    """
    One that isn't there is not found.
    """
    registry = Registry(discover=False)
    registry.add("demo", provider(title="The Demo")(lambda: None))
    registry.restrict(disable=["demo"])
    settings = {"disable": ["demo"]}
    site = await serve(Runner(registry=registry, database=None, sinks=[], settings=settings))

    shown = (await site.get("/api/v1/providers/demo")).body
    nobody = await site.get("/api/v1/providers/nobody")

    assert shown["status"] == "disabled"
    assert "switched off" in shown["reason"]
    assert nobody.status == 404


async def test_an_open_circuit_is_shown(site, demo):
    """
    With the seconds that are left.
    """
    demo.error = ProviderUnavailableError("down")
    for _ in range(8):
        await site.roll(patience=0.01)

    [circuit] = (await site.get("/api/v1/providers/demo")).body["circuits"]

    assert circuit["operation"] == "generate"
    assert circuit["state"] in ("open", "half_open")


@attrs.frozen
class Options:
    """
    What the provider of these presets takes.
    """

    players: int = 1


async def test_presets_are_listed_and_shown(serve, database_url):
    """
    Those that are for all, and those that people saved in a namespace.
    """
    registry = Registry(discover=False)
    registry.add("race", provider(options=Options, presets="presets")(lambda request: Seed()))
    site = await serve(Runner(registry=registry, database=database_url, sinks=[]))
    await site.runner.presets.save("race", "open", "settings: {players: 2}", by=OPERATOR)
    await site.runner.presets.save("race", "me/mine", "settings: {players: 3}", by="web:me")

    everything = (await site.get("/api/v1/presets/race")).body["presets"]
    begin = (await site.get("/api/v1/presets/race?prefix=op")).body["presets"]
    mine = (await site.get("/api/v1/presets/race?namespace=me&prefix=m")).body["presets"]
    shown = (await site.get("/api/v1/presets/race/me/mine")).body

    assert (everything, begin, mine) == (["me/mine", "open"], ["open"], ["me/mine"])
    assert (shown["name"], shown["source"]) == ("me/mine", "database")
    assert shown["options"] == {"players": 3}


async def test_presets_that_are_not_there(site):
    """
    Not found, whatever their name is.
    """
    for name in ("nothing", "me/nothing", "a/b/c", "%2e%2e/x"):
        answer = await site.get(f"/api/v1/presets/demo/{name}")
        assert (answer.status, answer.body["error"]) == (404, "PresetNotFoundError")


async def test_mystery_weights_are_rolled(site):
    """
    By name or as a document; a provider that can't is not found to be one that can.
    """
    named = await site.get("/api/v1/mystery/demo?weightset=weighted")
    sent = await site.post("/api/v1/mystery/demo", {"weights": {"goal": {"ganon": 1}}})
    without = await site.get("/api/v1/mystery/demo")
    other = await site.get("/api/v1/mystery/plain?weightset=weighted")

    assert named.body["result"] == {"weightset": "weighted", "weights": None}
    assert sent.body["result"]["weights"] == {"goal": {"ganon": 1}}
    assert (without.status, other.status) == (400, 404)


async def test_rows_come_in_pages(site):
    """
    The newest first, each page with the address of the next.
    """
    for _ in range(5):
        await site.roll()

    first = (await site.get("/api/v1/audit?limit=2")).body
    second = (await site.get(first["next"])).body
    third = (await site.get(second["next"])).body

    pages = [[row["hash_id"] for row in page["rows"]] for page in (first, second, third)]
    assert pages == [["seed 5", "seed 4"], ["seed 3", "seed 2"], ["seed 1"]]
    assert third["next"] is None


async def test_rows_can_be_chosen(site):
    """
    By provider, surface and time.
    """
    await site.roll()
    await site.roll(provider="plain")
    later = time.time() + 100

    async def found(query):
        rows = (await site.get(f"/api/v1/audit?{query}")).body["rows"]
        return [row["provider"] for row in rows]

    assert await found("provider=plain") == ["plain"]
    assert await found("surface=discord") == []
    assert await found(f"since={later}") == []
    assert await found("since=2020-01-01T00:00:00Z&limit=1") == ["plain"]


async def test_failures_are_listed(site, demo):
    """
    With what went wrong.
    """
    demo.error = ProviderUnavailableError("the site is down")
    await site.roll()
    await site.runner.store.flush()

    [row] = (await site.get("/api/v1/failures?provider=demo")).body["rows"]
    call = (await site.get(f"/api/v1/calls/{row['call_id']}")).body

    assert row["error_type"] == "ProviderUnavailableError"
    assert (call["status"], call["row"]) == ("failed", None)
    assert len(call["attempts"]) == 3


async def test_a_call_is_shown_by_its_id(site):
    """
    Whichever surface made it; an unknown one is not found.
    """
    seed = await site.runner.generate("demo", surface="discord", call_id="discord:1/2 3")

    found = await site.get("/api/v1/calls/discord:1%2F2%203")
    unknown = await site.get("/api/v1/calls/nothing")

    assert found.body["row"]["permalink"] == seed.url
    assert found.body["call_id"] == "discord:1/2 3"
    assert found.body["status"] == "done"
    assert (unknown.status, unknown.body["status"]) == (404, "unknown")


async def test_a_call_of_another_server_is_seen_to_run(serve, demo):
    """
    By its claim in the database.
    """
    one, other = await serve(), await serve()
    demo.go_on.clear()
    accepted = await one.roll(wait=False, headers={"Idempotency-Key": "x"})
    await demo.begun.wait()

    running = await other.get(accepted.headers["Location"])
    demo.go_on.set()

    assert running.body["status"] == "running"
    assert running.headers["Retry-After"] == "1"


async def test_what_is_sealed_stays_so(site, key_of):
    """
    For every reader, admins too.
    """
    await site.roll(sealed=True, headers={"Idempotency-Key": "pool"})
    key = await key_of(site, "admin")

    for path in ("/api/v1/audit", "/api/v1/calls/web:local:pool"):
        assert "seeds.example" not in (await site.get(path, key=key)).text


async def test_a_log_that_is_not_there_can_not_be_revealed(site, key_of):
    """
    The answer is the same for one of somebody else.
    """
    seed = (await site.roll()).body["seed"]
    key = await key_of(site, "generate", name="me")

    answer = await site.post(f"/api/v1/calls/{seed['call_id']}/reveal", {}, key=key)
    kind = await site.post(f"/api/v1/calls/{seed['call_id']}/reveal", {"kind": "x" * 300}, key=key)

    assert (answer.status, answer.body["error"]) == (404, "RevealError")
    assert "web:me" in answer.body["detail"]
    assert kind.status == 400


async def test_a_log_is_revealed_once_it_is_due(site, key_of, monkeypatch):
    """
    To whoever asked for the seed, and to an admin; others are told that there is none.
    """
    keys = {name: await key_of(site, "generate", name=name) for name in ("me", "you")}
    admin = await key_of(site, "admin", name="boss")
    due = datetime.now(UTC) + timedelta(days=30)
    asked = {"provider": "raced", "spoilers": "delayed", "reveal_at": due.isoformat()}
    seed = (await site.roll(keys["me"], **asked)).body["seed"]
    path = f"/api/v1/calls/{seed['call_id']}/reveal"

    early = await site.post(path, {}, key=keys["me"])
    monkeypatch.setattr("seedcore.store.logs.StoredLog.due", property(lambda _: True))
    mine = await site.post(path, {"kind": "spoiler"}, key=keys["me"])
    yours = await site.post(path, {}, key=keys["you"])
    theirs = await site.ask("POST", path, key=admin, headers={"Content-Type": "application/json"})

    assert early.status == 403
    assert int(early.headers["Retry-After"]) > 1_000_000
    assert (mine.status, mine.body["again"]) == (200, False)
    assert yours.status == 404
    assert (theirs.status, theirs.body["again"]) == (200, True)


async def test_routes_are_set_and_taken_back(site):
    """
    Who did it is recorded.
    """
    changed = await site.ask(
        "PUT",
        "/api/v1/routes/demo",
        json={"to": {"demo": 0.5, "plain": 0.5}, "fallback": ["files"]},
    )
    [line] = (await site.get("/api/v1/routes")).body["routes"]
    back = await site.post("/api/v1/routes/demo/rollback", {})

    assert changed.body["to"] == {"demo": 0.5, "plain": 0.5}
    assert (line["name"], line["set_by"]) == ("demo", "web:local")
    assert back.body["to"] == {}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"to": 5},
        {"to": {"demo": "much"}},
        {"to": {"demo": 2}},
        {"to": {}},
        {"to": "nobody"},
        {"to": "demo", "fallback": "plain"},
        {"to": "demo", "fallback": [1]},
    ],
)
async def test_what_is_no_route_is_refused(site, body):
    """
    With a sentence.
    """
    answer = await site.ask("PUT", "/api/v1/routes/demo", json=body)

    assert answer.status == 400


async def test_health_says_nothing_but_that(site, key_of):
    """
    To whoever asks.
    """
    await key_of(site, "read")

    assert (await site.get("/health")).text == "alive\n"
    assert (await site.get("/ready")).text == "ready\n"
    assert (await site.ask("HEAD", "/ready")).status == 200


async def test_a_server_without_its_database_is_not_ready(site, monkeypatch):
    """
    Where that is and why, is nobody's business.
    """

    async def gone(names):
        raise DatabaseError("The database /secret/path is gone.")

    monkeypatch.setattr(site.runner.store.state, "look", gone)

    answer = await site.get("/ready")

    assert answer.status == 503
    assert "/secret/path" not in answer.text
    assert (await site.get("/health")).status == 200
