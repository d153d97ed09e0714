"""
What a bot sends and gets today is what our providers send and return, but for what is listed.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from seedcore import ProviderInvalidRequestError, Registry, Seed, hookimpl, operation, provider
from seedcore.testing.flows.compared import findings
from seedcore.testing.flows.files import BadFlow, flow_of, read
from seedcore.testing.flows.replay import replay

FLOWS = sorted((Path(__file__).parent / "flows").glob("*.json"))
REPLAYED = ("alttpr", "alttprdoor", "avianart", "ctjets", "ootr", "sm", "smdash", "smvaria", "smz3")
"""Providers of which every operation is compared with what is done today."""


@pytest.mark.together
@pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.stem)
async def test_a_call_does_what_it_does_today(path: Path, tmp_path: Path) -> None:
    """
    Requests, result and audit row are the same, and each difference is listed with its reason.
    """
    flow = read(path)
    found = findings(flow, await replay(flow, tmp_path))

    assert path.stem.startswith(f"{flow.provider}_")
    if found:
        pytest.fail("\n".join([f"{path.name}: {flow.about}", *found]), pytrace=False)


@pytest.mark.together
@pytest.mark.parametrize("name", REPLAYED)
def test_each_operation_has_a_flow(name: str) -> None:
    """
    Whatever a provider can do is compared, be it new or renamed.
    """
    flows = [read(path) for path in FLOWS]
    compared = {flow.operation for flow in flows if flow.provider == name}

    assert {*Registry().load(name).operations} == compared


# ------------------------------------------------------------------- the replay itself


@provider(base_url="https://dungeon.example")
class Dungeon:
    """
    A site to replay: it takes JSON, and is asked for the seed's code elsewhere.
    """

    @hookimpl
    async def generate(self, request: Any, context: Any) -> Seed:
        """
        Roll a dungeon.
        """
        if request.preset == "none":
            raise ProviderInvalidRequestError("this preset has no rooms")
        wish = {"preset": request.preset, "race": request.race, "rooms": ["red", "blue"]}
        headers = {"X-Key": "secret"}
        async with context.http.post("seeds", json=wish, headers=headers) as reply:
            reply.raise_for_status()
            body = await reply.json()
        where = "https://codes.dungeon.example/code"
        async with context.http.get(where, params={"of": body["id"]}) as reply:
            code = await reply.text()
        return Seed(url=body["url"], id=body["id"], code=code)

    @operation(effect="read")
    async def rooms(self, context: Any, *, kind: str) -> list[str]:
        """
        List the rooms.
        """
        async with context.http.post("rooms", data={"kind": kind, "page": "1"}) as reply:
            return list(await reply.json())


SENDS: list[dict[str, Any]] = [
    {
        "method": "POST",
        "url": "https://dungeon.example/seeds",
        "headers": {"x-key": "secret"},
        "json": {"preset": "open", "race": False, "rooms": ["red", "blue"]},
    },
    {
        "method": "GET",
        "url": "https://codes.dungeon.example/code",
        "query": {"of": "17"},
        "json": None,
    },
]
FLOW: dict[str, Any] = {
    "provider": "dungeon",
    "operation": "generate",
    "about": "a bot rolls a dungeon and shows its code",
    "today": {
        "call": "Dungeon(preset).roll()",
        "sends": SENDS,
        "gets": {"url": "https://dungeon.example/17", "id": "17", "code": "Bow/Lamp"},
        "audit": {"randomizer": "dungeon", "gentype": "preset", "genoption": "open"},
    },
    "ours": {"arguments": {"preset": "open"}, "settings": {}},
    "replies": [
        {
            "status": 200,
            "headers": {"Content-Encoding": "gzip"},
            "json": {"id": "17", "url": "https://dungeon.example/17"},
        },
        {"status": 200, "text": "Bow/Lamp"},
    ],
    "differences": [],
}
REASON = "the site has no use for this"


def changed(value: Any, *path: str | int, differences: Any = ()) -> dict[str, Any]:
    """
    Return the flow with *value* at a place of it, and with *differences*.
    """
    document = copy.deepcopy(FLOW)
    place: Any = document
    for key in path[:-1]:
        place = place[key]
    if path:
        place[path[-1]] = value
    document["differences"] = [
        {"where": where, "ours": ours, "reason": REASON} for where, ours in differences
    ]
    return document


async def found_in(document: dict[str, Any], folder: Path) -> list[str]:
    """
    Replay a document against the made-up provider.
    """
    registry = Registry(discover=False)
    registry.add("dungeon", Dungeon)
    flow = flow_of(document)
    return findings(flow, await replay(flow, folder, registry))


async def test_a_flow_that_is_the_same_has_no_findings(tmp_path: Path) -> None:
    """
    Requests to two hosts, the result and the row; headers that nobody names don't count.
    """
    assert [] == await found_in(FLOW, tmp_path)


@pytest.mark.parametrize(
    ("value", "path", "sentence"),
    [
        ("PUT", ("sends", 0, "method"), 'today.sends[0].method: today "PUT", ours "POST"'),
        (
            "https://dungeon.example/code",
            ("sends", 1, "url"),
            'today "https://dungeon.example/code", ours "https://codes.dungeon.example/code"',
        ),
        ("18", ("sends", 1, "query", "of"), 'today.sends[1].query.of: today "18", ours "17"'),
        ({}, ("sends", 1, "query"), 'today.sends[1].query.of: today nothing, ours "17"'),
        (
            {"Accept": "text/html"},
            ("sends", 0, "headers"),
            'today.sends[0].headers.Accept: today "text/html", ours "*/*"',
        ),
        (0, ("sends", 0, "json", "race"), "today.sends[0].json.race: today 0, ours false"),
        ("x", ("sends", 0, "json", "y z"), 'today.sends[0].json["y z"]: today "x", ours nothing'),
        (None, ("sends", 0, "json"), "today.sends[0].json: today nothing, ours {"),
        (["red"], ("sends", 0, "json", "rooms"), 'rooms[1]: today nothing, ours "blue"'),
        (SENDS[:1], ("sends",), "today.sends[1]: today nothing, ours {"),
        ([*SENDS, SENDS[1]], ("sends",), "today.sends[2]: today {"),
        ("Bow", ("gets", "code"), 'today.gets.code: today "Bow", ours "Bow/Lamp"'),
        ("1", ("gets", "version"), 'today.gets.version: today "1", ours null'),
        ("mystery", ("audit", "gentype"), 'today.audit.gentype: today "mystery", ours "preset"'),
        (None, ("audit",), "today.audit: today null, ours {"),
    ],
)
async def test_a_difference_that_is_not_listed_fails(
    value: Any, path: tuple[str | int, ...], sentence: str, tmp_path: Path
) -> None:
    """
    The sentence names the place and both values.
    """
    (found,) = await found_in(changed(value, "today", *path), tmp_path)

    assert sentence in found


@pytest.mark.parametrize(
    ("value", "path", "where", "ours"),
    [
        ("Bow", ("gets", "code"), "today.gets.code", "Bow/Lamp"),
        (0, ("sends", 0, "json", "race"), "today.sends[0].json.race", False),
        (None, ("audit",), "today.audit", {"gentype": "preset", "hash_id": "17"}),
        (SENDS[:1], ("sends",), "today.sends[1]", {"method": "GET", "query": {"of": "17"}}),
        ([*SENDS, SENDS[1]], ("sends",), "today.sends[2]", "<absent>"),
        ({"error": "no"}, ("gets",), "today.gets", {"id": {"any": "text"}}),
        (SENDS, ("sends",), "today.sends[0].headers.Accept", "*/*"),
    ],
)
async def test_a_difference_that_is_listed_passes(
    value: Any, path: tuple[str | int, ...], where: str, ours: Any, tmp_path: Path
) -> None:
    """
    A value, a row, a request more or less, a header that today's bot doesn't send.
    """
    assert [] == await found_in(
        changed(value, "today", *path, differences=[(where, ours)]), tmp_path
    )


@pytest.mark.parametrize(
    ("where", "ours", "sentence"),
    [
        ("today.gets.code", "Bow", 'ours is as today, "Bow/Lamp"'),
        ("today.gets.colour", "red", "there is nothing at that place"),
        ("today.sends[2]", "<absent>", "there is nothing at that place"),
    ],
)
async def test_a_difference_that_is_none_fails(
    where: str, ours: Any, sentence: str, tmp_path: Path
) -> None:
    """
    What is listed must be there: a list of old differences would hide new ones.
    """
    (found,) = await found_in(changed(None, differences=[(where, ours)]), tmp_path)

    assert found.startswith(f"{where}: a difference is listed, and ")
    assert sentence in found


async def test_a_difference_that_is_another_fails(tmp_path: Path) -> None:
    """
    The value of ours is part of what is listed.
    """
    document = changed("Bow", "today", "gets", "code", differences=[("today.gets.code", "Map")])
    (found,) = await found_in(document, tmp_path)

    assert 'today.gets.code: listed as "Map", ours "Bow/Lamp"' == found


@pytest.mark.parametrize("reason", ["", "better", "it is better"])
def test_a_difference_without_a_reason_fails(reason: str) -> None:
    """
    Three words say nothing.
    """
    document = changed(None, differences=[("today.gets.code", "Map")])
    document["differences"][0]["reason"] = reason

    with pytest.raises(BadFlow, match=r"the reason of today\.gets\.code is no sentence"):
        flow_of(document)


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        (("tody",), "has ['tody']"),
        (("today", "send"), "today has send"),
        (("ours", "preset"), "ours has preset"),
    ],
)
def test_a_key_that_means_nothing_fails(path: tuple[str, ...], sentence: str) -> None:
    """
    A mistyped one would leave something unlooked at.
    """
    with pytest.raises(BadFlow) as caught:
        flow_of(changed("x", *path))

    assert sentence in str(caught.value)


async def test_a_random_value_may_be_any(tmp_path: Path) -> None:
    """
    But it must be there, and of that kind.
    """
    text = changed({"any": "text"}, "today", "sends", 0, "json", "preset")
    number = changed({"any": "number"}, "today", "sends", 0, "json", "preset")

    assert [] == await found_in(text, tmp_path)
    (found,) = await found_in(number, tmp_path)
    assert 'json.preset: today {"any": "number"}, ours "open"' in found


async def test_a_failure_is_compared_as_one(tmp_path: Path) -> None:
    """
    Nothing is sent, no row is written, and the error is in place of what is got.
    """
    error = {"error": "ProviderInvalidRequestError", "message": "this preset has no rooms"}
    document = changed(None, differences=[("today.gets", error)])
    document["ours"]["arguments"]["preset"] = "none"
    document["today"] |= {"sends": [], "gets": {"error": "KeyError: 'rooms'"}, "audit": None}

    assert [] == await found_in(document, tmp_path)


async def test_a_form_and_a_list_are_compared(tmp_path: Path) -> None:
    """
    An operation other than generate gets its value itself.
    """
    form = {"kind": "small", "page": "1"}
    document = changed(["red", "blue"], "today", "gets")
    document["operation"] = "rooms"
    document["ours"] = {"arguments": {"kind": "small"}}
    document["today"]["audit"] = None
    send = {"method": "POST", "url": "https://dungeon.example/rooms", "form": form}
    document["today"]["sends"] = [send]
    document["replies"] = [{"status": 200, "json": ["red", "blue"]}]

    assert [] == await found_in(document, tmp_path)
    document["today"]["gets"] = ["red"]
    send["form"] = {"kind": "small"}
    assert [
        'today.sends[0].form.page: today nothing, ours "1"',
        'today.gets[1]: today nothing, ours "blue"',
    ] == await found_in(document, tmp_path)


@pytest.mark.together
@pytest.mark.parametrize(
    ("value", "path", "sentence"),
    [
        (
            False,
            ("runs", 0, "settings", "keydropshuffle"),
            "today.runs[0].settings.keydropshuffle: today false, ours true",
        ),
        (
            "full",
            ("runs", 0, "settings", "teams"),
            'today.runs[0].settings.teams: today "full", ours nothing',
        ),
        ("unstable", ("runs", 0, "checkout"), 'checkout: today "unstable", ours "stable"'),
        ([], ("runs",), "today.runs[0]: today nothing, ours {"),
        ("Hash: Bow", ("sends", 1, "text"), 'today.sends[1].text: today "Hash: Bow", ours "ALttP'),
    ],
)
async def test_what_a_program_gets_and_makes_is_compared(
    value: Any, path: tuple[str | int, ...], sentence: str, tmp_path: Path
) -> None:
    """
    Every setting in its file, which checkout was run, and the files that are put up.
    """
    file = FLOWS[0].parent / "alttprdoor_spoilers.json"
    document = json.loads(file.read_text("utf-8"))
    place: Any = document["today"]
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    flow = flow_of(document, file)

    assert any(sentence in found for found in findings(flow, await replay(flow, tmp_path)))


@pytest.mark.parametrize("ours", [{}, {"id": "17"}])
async def test_nothing_is_not_everything(ours: dict[str, str], tmp_path: Path) -> None:
    """
    Where ours is meant to be empty it is; otherwise the keys that are named count.
    """
    document = changed("none", "today", "gets", differences=[("today.gets", ours)])
    found = await found_in(document, tmp_path)

    assert (not ours) == bool(found)
