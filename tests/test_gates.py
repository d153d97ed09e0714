"""
Each gate lets a good provider through, and stops one that is not as it must be.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import socket
from pathlib import Path
from typing import Any

import attrs
import pytest

from seedcore import (
    ProviderInvalidRequestError,
    ProviderUnavailableError,
    Registry,
    Rolled,
    Seed,
    hookimpl,
    operation,
    provider,
    secret,
)
from seedcore.testing.flows import stage
from seedcore.testing.flows.files import BadFlow, Flow, flow_of, flows_in, read
from seedcore.testing.flows.gates import Gates
from seedcore.testing.flows.records import GATES, Gate, GateName, Subject, must_not_skip
from seedcore.testing.flows.secrecy import texts_of

LOG = {"Chest": "Lantern of the deep", "Well": ["Bow"], "meta": {"logic": "none at all"}}
FLOW: dict[str, Any] = {
    "provider": "cellar",
    "operation": "generate",
    "about": "a bot rolls a cellar",
    "today": {
        "call": "Cellar(preset).roll()",
        "sends": [
            {
                "method": "POST",
                "url": "https://cellar.example/seeds",
                "json": {"preset": "deep"},
            }
        ],
        "gets": {"url": "https://cellar.example/17", "id": "17"},
        "audit": {"randomizer": "cellar", "gentype": "preset", "genoption": "deep"},
    },
    "ours": {"arguments": {"preset": "deep"}},
    "replies": [{"status": 200, "json": {"id": "17", "url": "https://cellar.example/17"}}],
}


class Cellar:
    """
    A provider to be made worse: it asks once, and lets every failure out.
    """

    async def ask(self, request, context):
        async with context.http.post("seeds", json={"preset": request.preset}) as reply:
            reply.raise_for_status()
            return await reply.json()

    @hookimpl
    async def generate(self, request: Any, context: Any) -> Any:
        """
        Roll a cellar.
        """
        body = await self.ask(request, context)
        return Seed(url=body["url"], id=body["id"])


def changed(**places: Any) -> Flow:
    """
    Return the flow with other values; ``a__b`` is b within a.
    """
    document = copy.deepcopy(FLOW)
    for name, value in places.items():
        *path, last = name.split("__")
        place = document
        for key in path:
            place = place[key]
        place[last] = value
    return flow_of(document)


@pytest.fixture(autouse=True)
def nothing_sealed_is_shown():
    """
    What the plugin of that name looks for is shown here on purpose.
    """


def gates_of(
    kind: Any,
    *flows: Flow,
    served_by: str = "cellar",
    only: tuple[GateName, ...] = GATES,
    **declared: Any,
) -> dict[str, Gate]:
    """
    Return what comes of each gate for a provider of class *kind*.
    """

    def registry() -> Registry:
        made = Registry(discover=False)
        decorated = provider(base_url="https://cellar.example", **declared)(kind)
        made.add(served_by, decorated)
        return made

    given = flows or (flow_of(FLOW),)
    subject = Subject(name="cellar", served_by=served_by, flows=given, registry=registry)
    return {gate.gate: gate for gate in Gates(subject).results(only)}


def statuses(gates: dict[str, Gate]) -> dict[str, str]:
    """
    Return the status of each gate.
    """
    return {name: gate.status for name, gate in gates.items()}


def problems(gate: Gate) -> str:
    """
    Return all that a gate has found, a line for each.
    """
    return "\n".join(f"{each.place}: {each.problem}" for each in gate.findings)


def only_fails(gates: dict[str, Gate], *names: str) -> bool:
    """
    Whether these gates fail, and no other.
    """
    return {*names} == {name for name, gate in gates.items() if gate.status == "fail"}


# ------------------------------------------------------------------------------- good


def test_a_good_provider_passes_every_gate():
    """
    In their order, each with what was looked at; how far it is gets told.
    """
    told = []
    made = Registry(discover=False)
    made.add("cellar", provider(base_url="https://cellar.example")(Cellar))
    subject = Subject(
        name="cellar", served_by="cellar", flows=(flow_of(FLOW),), registry=lambda: made
    )
    gates = [*Gates(subject, lambda *step: told.append(step)).results()]

    assert [*GATES] == [gate.gate for gate in gates]
    assert ["pass"] * 4 == [gate.status for gate in gates]
    assert [
        "1 flow as today",
        "generate under 5 faults and 4 outages",
        "1 rows of 1 calls, as they must be",
        "generate to cellar-next and back, with calls in flight",
    ] == [gate.reason for gate in gates]
    assert [1, 9, 1] == [
        len([step for step in told if step[0] == name])
        for name in ("Behaviour", "Reliability", "Rollback")
    ]


def test_another_provider_takes_the_place_of_the_one_that_flows_are_about():
    """
    It is called by that name, so that rows are the same.
    """
    gates = gates_of(Cellar, served_by="cellar-rewritten")

    assert {"pass"} == {*statuses(gates).values()}
    assert {"cellar-rewritten"} == {gate.served_by for gate in gates.values()}


def test_an_unsafe_operation_is_in_doubt_and_not_repeated():
    """
    Only after a refused connection and a 429 it is made again.
    """
    assert {"pass"} == {*statuses(gates_of(Cellar, effect="unsafe")).values()}


# -------------------------------------------------------------------------- behaviour


class Other(Cellar):
    """
    It makes something else of the answer.
    """

    @hookimpl
    async def generate(self, request, context):
        body = await self.ask(request, context)
        return Seed(url=body["url"], id="18")


def test_another_result_is_not_as_today():
    """
    The file is named, the place, and both values.
    """
    gate = gates_of(Other, only=("Behaviour",))["Behaviour"]

    assert "fail" == gate.status
    assert "1 finding in 1 flow" == gate.reason
    assert "a flow of cellar" == gate.findings[0].file
    assert 'today.gets.id: today "17", ours "18"' == problems(gate)


class Elsewhere(Cellar):
    """
    It asks somebody with a client of its own.
    """

    @hookimpl
    async def generate(self, request, context):
        with contextlib.suppress(OSError):
            socket.create_connection(("192.0.2.7", 80), 1).close()
        return await super().generate(request, context)


def test_a_client_of_its_own_is_found_and_gets_nowhere():
    """
    The flow can't say what that would have answered.
    """
    gate = gates_of(Elsewhere, only=("Behaviour",))["Behaviour"]

    assert "fail" == gate.status
    assert "it asks 192.0.2.7:80 with a client of its own" in problems(gate)


# ------------------------------------------------------------------------ reliability


class Stubborn(Cellar):
    """
    It tries again by itself.
    """

    async def ask(self, request, context):
        for _ in range(3):
            async with context.http.post("seeds", json={"preset": request.preset}) as reply:
                if reply.status < 400:
                    return await reply.json()
        raise ProviderUnavailableError("the site is down")


class Swallowing(Cellar):
    """
    It takes a page of errors for a success.
    """

    async def ask(self, request, context):
        async with context.http.post("seeds", json={"preset": request.preset}) as reply:
            if reply.status >= 400:
                return {"url": "https://cellar.example/17", "id": "17"}
            return await reply.json()


class Hasty(Cellar):
    """
    It loses the pause of a 429.
    """

    @hookimpl
    def map_error(self, error):
        if getattr(error, "status", None) == 429:
            return ProviderUnavailableError("later", status_code=500)
        return None


class Blaming(Cellar):
    """
    It says that an outage is the caller's fault.
    """

    @hookimpl
    def map_error(self, error):
        if getattr(error, "status", None) == 503:
            return ProviderInvalidRequestError("ask for something else")
        return None


class Drifting(Cellar):
    """
    What it returns depends on how often it was asked.
    """

    times = 0

    @hookimpl
    async def generate(self, request, context):
        self.times += 1
        first = self.times == 1
        body = await self.ask(request, context)
        return Seed(url=body["url"], id=body["id"] if first else "another")


class Crashing(Cellar):
    """
    Its plugin stumbles over a connection that is lost.
    """

    async def ask(self, request, context):
        try:
            return await super().ask(request, context)
        except OSError:
            raise KeyError("seed") from None


@pytest.mark.parametrize(
    ("kind", "sentences"),
    [
        (Stubborn, ["after a 503: the runner never saw it fail", "tries again by itself"]),
        (Swallowing, ["503 for ever: ProviderUnavailableError was to come, and a seed did"]),
        (Hasty, ["pause: the site asks for 2 s, and "]),
        (
            Blaming,
            [
                "after a 503: outcome: without it a seed, now ProviderInvalidRequestError",
                "503 for ever: ProviderUnavailableError was to come, and ProviderInvalidRequest",
            ],
        ),
        (Drifting, ['after a 503: gets.id: at first "17", now "another"']),
        (Crashing, ["after a refused connection: outcome: without it a seed, now ProviderResp"]),
    ],
)
def test_a_provider_that_deals_with_faults_by_itself_is_not_reliable(kind, sentences):
    """
    It hides them, gets them wrong, or makes something else of the second attempt.
    """
    gates = gates_of(kind, only=("Behaviour", "Reliability"))

    assert "pass" == gates["Behaviour"].status
    assert "fail" == gates["Reliability"].status
    for sentence in sentences:
        assert sentence in problems(gates["Reliability"])


class Waiting(Cellar):
    """
    It waits before it lets a failure out.
    """

    async def ask(self, request, context):
        try:
            return await super().ask(request, context)
        except Exception:
            await asyncio.sleep(60)
            raise


def test_a_provider_that_waits_by_itself_is_given_up(monkeypatch):
    """
    In real time, and once: with other faults it would wait as long.
    """
    monkeypatch.setattr(stage, "LONGEST", 0.5)
    gates = gates_of(Waiting, only=("Reliability",))

    assert "1 finding in 1 flow" == gates["Reliability"].reason
    assert "generate after a 503: the call waits by itself, and hadn't ended after 0.5 s" in (
        problems(gates["Reliability"])
    )


class Refusing(Cellar):
    """
    It knows nothing of what is done today.
    """

    @hookimpl
    async def generate(self, request):
        raise ProviderInvalidRequestError("the only preset is shallow")


def test_a_call_that_fails_is_told_in_one_sentence():
    """
    Not one for each field of a seed that isn't there; and there is nothing to put faults before.
    """
    gates = gates_of(Refusing, only=("Behaviour", "Reliability"))
    lines = problems(gates["Behaviour"]).splitlines()

    assert 2 == len(lines)
    assert "today.sends[0]: today {" in lines[0]
    assert (
        "today.gets: ours ProviderInvalidRequestError (cellar refused the request: the only "
        in (lines[1])
    )
    assert "generate: no flow of it gets as far as the site, see Behaviour" == (
        problems(gates["Reliability"])
    )


class Failing(Cellar):
    """
    It says itself which provider failed, and gets that wrong.
    """

    @hookimpl
    def map_error(self, error):
        if getattr(error, "status", None) == 503:
            return ProviderUnavailableError("down", provider="attic")
        return None


def test_the_sentence_says_who_failed():
    """
    A person has to know whom to wait for.
    """
    gates = gates_of(Failing)

    assert only_fails(gates, "Reliability")
    assert "the sentence must begin with who failed: 'attic is " in problems(gates["Reliability"])


# ----------------------------------------------------------------- without any site


class Local(Cellar):
    """
    It asks no site.
    """

    @hookimpl
    async def generate(self, request):
        if request.preset != "deep":
            raise ProviderInvalidRequestError("the only preset is deep")
        return Seed(url="https://cellar.example/17", id="17")


class Careless(Local):
    """
    It stumbles over what it doesn't know.
    """

    @hookimpl
    async def generate(self, request):
        return Seed(url={"deep": "https://cellar.example/17"}[request.preset], id="17")


class Indifferent(Local):
    """
    It takes anything.
    """

    @hookimpl
    async def generate(self, request):
        return Seed(url="https://cellar.example/17", id="17")


@pytest.mark.parametrize(
    ("kind", "status", "reason"),
    [
        (Local, "pass", "generate, which asks no site, with bad input"),
        (Careless, "fail", "1 finding in 1 flow"),
        (Indifferent, "skip", "it asks no site, and takes any input"),
    ],
)
def test_what_asks_no_site_is_given_bad_input(kind, status, reason):
    """
    There is nothing else to look at, and where there isn't even that, it is said.
    """
    gate = gates_of(kind, changed(today__sends=[], replies=[]), only=("Reliability",))
    gate = gate["Reliability"]

    assert (status, reason) == (gate.status, gate.reason)
    assert (status == "fail") == ("ProviderResponseFormatError (cellar answered" in problems(gate))


# ------------------------------------------------------------------------------ audit


class Describing(Cellar):
    """
    Its rows say something else.
    """

    @hookimpl
    def audit(self, record):
        return attrs.evolve(record, genoption="shallow")


class Failed(Cellar):
    """
    Its hook fails, which costs no row, but what that should have said.
    """

    @hookimpl
    def audit(self, record):
        raise LookupError("no option")


@attrs.frozen
class Keys:
    """
    Settings with a secret.
    """

    key: str = secret(help="opens the site")


class Telling(Cellar):
    """
    It puts its key into what everybody gets.
    """

    @hookimpl
    async def generate(self, request, context):
        body = await self.ask(request, context)
        return Seed(url=body["url"], id=body["id"], extra={"with": context.settings.key})


class Racing(Cellar):
    """
    It makes spoiler races, and writes a line of the log into the row.
    """

    @hookimpl
    async def generate(self, request, context):
        body = await self.ask(request, context)
        return Rolled(Seed(url=body["url"], id=body["id"]), logs={"spoiler": LOG})

    @hookimpl
    def audit(self, record):
        settings = {**record.settings, "chest": "Chest: Lantern of the deep"}
        return attrs.evolve(record, settings=settings)


class Marking(Cellar):
    """
    Its rows of sealed seeds have the seed's name where nobody hides it.
    """

    @hookimpl
    def audit(self, record):
        return attrs.evolve(record, version=f"of {record.permalink}")


@pytest.mark.parametrize(
    ("kind", "places", "sentence"),
    [
        (Describing, {}, 'today.audit.genoption: today "deep", ours "shallow"'),
        (Failed, {}, "event audit_hook_failed: the row isn't what it was meant to be (LookupError"),
        (
            Telling,
            {"ours__settings": {"key": "open-sesame"}},
            "result: it shows the value of a secret setting",
        ),
        (
            Racing,
            {"ours__arguments": {"preset": "deep", "race": True, "spoilers": "delayed"}},
            "it shows the spoiler log, which is sealed: ChestLanternofthedeep",
        ),
        (
            Marking,
            {
                "ours__arguments": {"preset": "deep", "sealed": True},
                "today__gets": {"id": "17"},
            },
            "it shows the seed, which is sealed: httpscellarexample17",
        ),
    ],
)
def test_a_row_that_says_too_much_or_something_else_is_found(kind, places, sentence):
    """
    Columns, hooks that fail, secret settings, spoiler logs and sealed seeds.
    """
    declared: dict[str, Any] = {"settings": Keys} if kind is Telling else {}
    declared |= {"delayed": True} if kind is Racing else {}
    gates = gates_of(kind, changed(**places), only=("Behaviour", "Audit"), **declared)

    assert only_fails(gates, "Audit")
    assert sentence in problems(gates["Audit"])


class Unaudited(Cellar):
    """
    It has an operation that was to be audited.
    """

    @operation(effect="read")
    async def rooms(self, context: Any) -> list[str]:
        """
        List the rooms.
        """
        async with context.http.get("rooms") as reply:
            reply.raise_for_status()
            return list(await reply.json())


def test_an_operation_that_is_not_audited_has_no_row():
    """
    A failure hasn't one either; what today's bot writes is a difference then.
    """
    rooms = {
        "operation": "rooms",
        "today__sends": [{"method": "GET", "url": "https://cellar.example/rooms"}],
        "today__gets": ["red"],
        "today__audit": None,
        "ours": {},
        "replies": [{"status": 200, "json": ["red"]}],
    }
    assert {"pass"} == {*statuses(gates_of(Unaudited, changed(**rooms))).values()}

    audited = changed(**{**rooms, "today__audit": {"randomizer": "cellar"}})
    gates = gates_of(Unaudited, audited, only=("Behaviour", "Audit"))
    assert only_fails(gates, "Audit")
    assert "today.audit: today {" in problems(gates["Audit"])


def test_texts_of_a_log_are_lines_or_names_with_values():
    """
    What says only of the settings what everybody knows is none.
    """
    assert ["ChestLantern of the deep"] == [*texts_of(LOG)]
    assert ["a: b"] == [*texts_of(b"title\na: b")]
    assert ["xy"] == [*texts_of([{"x": "y"}, 3])]


# --------------------------------------------------------------------------- rollback


class Homesick(Cellar):
    """
    It works by one name only.
    """

    @hookimpl
    async def generate(self, request, context):
        if request.provider != "cellar":
            raise ProviderUnavailableError("I am the cellar")
        return await super().generate(request, context)


class Counting(Cellar):
    """
    It rolls only once, whoever asks.
    """

    @hookimpl
    async def generate(self, request, context):
        rolled.append(1)
        seed = await super().generate(request, context)
        return seed if len(rolled) < 6 else attrs.evolve(seed, id="late")


rolled: list[int] = []


@pytest.mark.parametrize(
    ("kind", "sentences"),
    [
        (
            Homesick,
            [
                "while the route is set: a seed was to come, and ProviderUnavailableError",
                "begun before the rollback: a seed was to come",
            ],
        ),
        (Counting, ['begun after the rollback: gets.id: at first "17", now "late"']),
    ],
)
def test_a_provider_that_can_not_be_moved_is_found(kind, sentences):
    """
    By another name it must do the same, and so must the calls in flight.
    """
    rolled.clear()
    gates = gates_of(kind, only=("Rollback",))

    assert "fail" == gates["Rollback"].status
    for sentence in sentences:
        assert sentence in problems(gates["Rollback"])


def test_a_provider_that_takes_one_call_at_a_time_is_moved_too():
    """
    As many are in flight as it takes.
    """
    gates = gates_of(Cellar, max_concurrent=1, policy={"max_queued": 0}, only=("Rollback",))

    assert {"pass"} == {*statuses(gates).values()}


def test_a_provider_none_of_whose_flows_succeeds_is_not_moved():
    """
    There is nothing to compare.
    """
    refused = changed(
        today__gets={"error": "ValueError"},
        today__audit=None,
        replies=[{"status": 400, "json": {"error": "no"}}],
        differences=[
            {
                "where": "today.gets",
                "ours": {"error": "ProviderInvalidRequestError", "message": "no"},
                "reason": "the sentence is the site's own",
            }
        ],
    )
    gates = gates_of(Cellar, refused, only=("Rollback",))

    assert ("skip", "no flow of it succeeds") == (
        gates["Rollback"].status,
        gates["Rollback"].reason,
    )


# ----------------------------------------------------------------- what can't be done


def test_a_provider_that_is_not_installed_fails_with_the_remedy():
    """
    It is said once.
    """
    subject = Subject(
        name="cellar",
        served_by="cellar",
        flows=(flow_of(FLOW),),
        registry=lambda: Registry(discover=False),
    )
    gates = [*Gates(subject).results()]

    assert ["fail"] * 4 == [gate.status for gate in gates]
    (finding,) = [finding for gate in gates for finding in gate.findings]
    assert "If a plugin brings it: pip install seedcore-cellar" in finding.problem


def test_settings_that_do_not_fit_are_a_finding():
    """
    A rewritten provider may know other settings.
    """
    gates = gates_of(Cellar, changed(ours__settings={"colour": "red"}))

    assert "fail" == gates["Behaviour"].status
    assert "it can't be replayed: " in problems(gates["Behaviour"])
    assert "fail" == gates["Audit"].status


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("cellar", "it runs a program, and only that of alttprdoor can be played"),
        ("alttprdoor", "it runs a program, which is looked for beside the file of the flow"),
    ],
)
def test_a_program_that_is_not_there_is_skipped(name, reason):
    """
    Each gate says so; with the switch, and on a build server, that isn't passed.
    """
    flow = changed(provider=name, course=["ok"])
    made = Registry(discover=False)
    made.add(name, provider(base_url="https://cellar.example")(Cellar))
    subject = Subject(name=name, served_by=name, flows=(flow,), registry=lambda: made)
    gates = [*Gates(subject).results()]

    assert {("skip", f"1 of 1 flows: {reason}")} == {(gate.status, gate.reason) for gate in gates}


def test_a_program_can_not_be_given_to_another_provider():
    """
    What stands for it is made for one.
    """
    gates = gates_of(Cellar, changed(course=["ok"]), served_by="cellar-next")

    assert {"skip"} == {*statuses(gates).values()}
    assert "which cellar-next can't be given" in gates["Behaviour"].reason


def test_on_a_build_server_nothing_may_be_skipped(monkeypatch):
    """
    There nobody reads what was left out.
    """
    monkeypatch.delenv("CI", raising=False)
    assert not must_not_skip(strict=False)
    assert must_not_skip(strict=True)
    monkeypatch.setenv("CI", "true")
    assert must_not_skip(strict=False)


# ------------------------------------------------------------------------------ files


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "cellar_x.json: line 1, column 2: it is no JSON"),
        ("[]", "cellar_x.json: the file must be an object, and is []"),
        ('{"provider": 1}', "the file lacks ['operation', 'about', 'today'"),
        ("\udcff", "cellar_x.json: it can't be read: UnicodeDecodeError"),
    ],
)
def test_a_file_that_is_none_is_named_with_the_place(text, sentence, tmp_path: Path):
    """
    Nobody has to look for it.
    """
    path = tmp_path / "cellar_x.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))

    with pytest.raises(BadFlow) as caught:
        read(path)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("places", "sentence"),
    [
        ({"provider": 7}, "provider must be a text, and is 7"),
        ({"today": []}, "today must be an object"),
        ({"today__sends": [{"method": "GET"}]}, "today.sends[0].url must be a text"),
        ({"today__sends": [{"metod": "GET"}]}, "today.sends[0] has metod"),
        ({"today__audit": 3}, "today.audit must be an object"),
        ({"ours__settings": None}, "ours.settings must be an object, and is null"),
        ({"replies": {}}, "replies must be a list"),
        ({"replies": [{"status": True}]}, "replies[0].status must be a number"),
        ({"replies": [{"status": 200, "body": ""}]}, "replies[0] has body"),
        ({"course": [1]}, "course[0] must be a text"),
        ({"differences": [3]}, "differences[0] must be an object"),
    ],
)
def test_a_place_that_is_wrong_is_named(places, sentence):
    """
    With what must be there.
    """
    with pytest.raises(BadFlow) as caught:
        changed(**places)
    assert sentence in str(caught.value)


def test_a_file_is_called_like_its_provider(tmp_path: Path):
    """
    Else nobody finds it.
    """
    (tmp_path / "attic_x.json").write_text('{"provider": "cellar"}')
    with pytest.raises(BadFlow, match="attic_x.json: the file lacks"):
        flows_in(tmp_path)
