"""
The conformance kit finds what is wrong with a provider, all of it and nothing else.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import logging
import socket
import sys
import threading
import types
import typing
import warnings

import aiohttp
import attrs
import httpx
import pytest

from seedcore import (
    ProviderAuthenticationError,
    ProviderRateLimitError,
    Rolled,
    Seed,
    SeedRequest,
    hookimpl,
    operation,
    provider,
    secret,
    setting,
)
from seedcore.testing import ProviderContract, Reply, replies
from seedcore.testing.conformance.check import Conformance
from seedcore.testing.conformance.guard import guarded
from seedcore.testing.conformance.rules import RULES, Limits
from seedcore.testing.upstream import refused_port
from support.broken import MADE, ask, seed_of

SITE = "https://seeds.example"
QUICK = Limits(block=0.003, leave=0.05)
"""Limits that a broken provider hits sooner than those of a real run."""


def contract_of(target, **said):
    """
    Return a contract as an author writes it.
    """
    body = {"provider": target, "request": {}, "reply": MADE, **said}
    return type("TestExample", (ProviderContract,), body)


def findings_of(contract, *names, limits=None):
    """
    Return what comes of the rules, by id; the contract itself must be without fault.
    """
    conformance = Conformance(contract, limits=limits)
    assert None is conformance.problem
    return {finding.rule: finding for finding in conformance.findings(names or tuple(RULES))}


def failed(findings):
    """
    Return the rules that are broken, with the reasons.
    """
    return {name: one.reason for name, one in findings.items() if one.status == "failed"}


def passed(findings):
    """
    Return the rules that hold.
    """
    return {name for name, one in findings.items() if one.status == "passed"}


# ------------------------------------------------------------------- broken providers


@pytest.mark.parametrize("name", RULES)
def test_a_provider_that_breaks_one_rule_fails_exactly_that(name):
    """
    There is a provider for each rule that breaks it; all other rules hold or have no say.
    """
    module = importlib.import_module(f"support.broken.{name.replace('-', '_')}")
    limits = QUICK if name in ("never-blocks", "cancellable") else None

    assert [name] == [*failed(findings_of(module.Broken, limits=limits))]


@provider(base_url=SITE)
async def hard_coded(request, context):
    async with aiohttp.ClientSession() as session, session.get("https://elsewhere.example/") as got:
        return seed_of(await got.json())


@provider(base_url=SITE)
async def resigned(request, context):
    try:
        return seed_of(await ask(context))
    except asyncio.CancelledError:
        return Seed(id="given up")


@provider(base_url=SITE)
async def careless(request, context):
    careless.session = aiohttp.ClientSession()
    del careless.session
    return seed_of(await ask(context))


@provider(base_url=SITE, effect="keyed")
async def fickle(request, context):
    fickle.count = getattr(fickle, "count", 0) + 1
    key = {"Idempotency-Key": context.idempotency_key, "X-Try": "1"}
    async with context.http.post("/generate", json={"n": fickle.count}, headers=key) as reply:
        reply.raise_for_status()
        return seed_of(await reply.json())


@provider(base_url=SITE)
async def nameless(request, context):
    await ask(context)
    return Seed()


@provider(base_url=SITE)
async def telling(request, context):
    return seed_of(await ask(context), extra={"log": {"spoiler": "the bow is in the well"}})


@provider(base_url=SITE)
async def pauseless(request, context):
    async with context.http.get("/generate") as reply:
        if reply.status == 429:
            raise ProviderRateLimitError
        reply.raise_for_status()
        return seed_of(await reply.json())


@attrs.frozen
class Unmasked:
    api_key: str = setting("", help="from your account's page")


@attrs.frozen
class Innocent:
    login: str = setting("", help="from your account's page")


@attrs.frozen
class Masked:
    token: str = secret("", help="from your account's page")


@attrs.frozen
class Moded:
    mode: typing.Literal["open", "standard"] = setting("open", help="how it begins")


@attrs.frozen
class Needed:
    region: str = setting(help="where it rolls")


@provider(base_url=SITE, settings=Needed)
async def needy(request, context):
    return seed_of(await ask(context))


@provider(base_url=SITE, settings=Unmasked)
async def unmasked(request, context):
    return seed_of(await ask(context))


@provider(base_url=SITE, settings=Innocent)
async def innocent(request, context):
    return seed_of(await ask(context, headers={"Authorization": context.settings.login}))


@provider(base_url=SITE, settings=Masked)
async def logging_it(request, context):
    logging.getLogger("seeds").debug("asking with %s", context.settings.token)
    return seed_of(await ask(context))


@provider(base_url=SITE, settings=Masked)
async def printing_it(request, context):
    print(context.settings.token)
    return seed_of(await ask(context))


@provider(base_url=SITE)
async def careless_in_between(request, context):
    for path in ("/session", "/check"):
        async with context.http.get(path):
            pass
    return seed_of(await ask(context))


@provider(base_url=SITE)
async def only_on_500(request, context):
    async with context.http.post("/generate") as reply:
        if reply.status != 500:
            reply.raise_for_status()
            return seed_of(await reply.json())
    return seed_of(await ask(context))


@provider(base_url=SITE, effect="keyed")
async def keyless_reader(request, context):
    async with context.http.get("/generate") as reply:
        reply.raise_for_status()
        return seed_of(await reply.json())


@provider(base_url=SITE, settings=Masked)
async def warning_of_it(request, context):
    warnings.warn(f"asking with {context.settings.token}", stacklevel=1)
    return seed_of(await ask(context))


@provider(base_url=SITE)
async def shielding(request, context):
    return seed_of(await asyncio.shield(asyncio.ensure_future(ask(context))))


@pytest.mark.parametrize(
    ("target", "name", "words"),
    [
        (careless_in_between, "maps-outage", "status 500 becomes success (Seed)"),
        (only_on_500, "no-own-retries", "it sent POST /generate 2 times in one attempt"),
        (keyless_reader, "idempotency-key", "its GET /generate carries no key"),
        (warning_of_it, "secrets-masked", "'token' is in what it prints or logs"),
        (shielding, "nothing-left", "Task exception was never retrieved"),
        (hard_coded, "lent-session", "it asks elsewhere.example:443 with a client of its own"),
        (resigned, "cancellable", "Catch Exception, not BaseException"),
        (careless, "nothing-left", "Unclosed client session"),
        (fickle, "effect-true", "its second attempt sends another POST /generate"),
        (nameless, "promised-type", "its Seed shows nothing"),
        (telling, "race-no-spoiler", "its race seed shows extra.log.spoiler"),
        (pauseless, "maps-rate-limit", "it loses the Retry-After of a 429"),
        (unmasked, "secrets-masked", "'api_key' sounds like a secret"),
        (innocent, "secrets-masked", "'login' is sent in the header authorization"),
        (logging_it, "secrets-masked", "'token' is in what it prints or logs"),
        (printing_it, "secrets-masked", "'token' is in what it prints or logs"),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_another_way_to_break_a_rule_is_found_too(target, name, words):
    """
    The reason says what was seen and what to do.
    """
    finding = findings_of(contract_of(target), name)[name]

    assert "failed" == finding.status
    assert words in finding.reason


@pytest.mark.parametrize(
    ("folder", "files", "said"),
    [
        ("none", {}, 'it declares presets="none", and there is no such folder with one beside'),
        ("empty", {"notes.txt": ""}, 'it declares presets="empty", and there is no such folder'),
        ("bad", {"a.yaml": "settings: {}", "b.yml": "settings: ["}, "its bad/b.yml can't be used:"),
        ("far", {"a.yaml": "randomizer: /\nsettings: {}"}, "randomizer must be the name of a"),
        ("odd", {"a.yaml": "settings: {moed: open}"}, "option: moed is unknown. Did you mean"),
        ("good", {"a.yaml": "settings: {}", "b.yaml": "doors: false\nsettings: {mode: open}"}, ""),
        ("loose", {"a.yaml": "goal: x\nsettings: {}"}, ""),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isalpha() else "",
)
def test_presets_are_read_as_they_are_saved(folder, files, said, tmp_path, monkeypatch):
    """
    The reason names the file; what is only ignored, and what a caller may add, breaks nothing.
    """
    module = types.ModuleType("shipping_presets")
    module.__file__ = str(tmp_path / "shipping_presets.py")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for name, text in files.items():
        path = tmp_path / folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

    async def shipping(request, context):
        return seed_of(await ask(context))

    shipping.__module__ = module.__name__
    target = provider(base_url=SITE, options=Moded, presets=folder)(shipping)
    finding = findings_of(contract_of(target), "presets-fit")["presets-fit"]

    assert ("failed" if said else "passed") == finding.status
    assert said in finding.reason


def test_an_operation_that_breaks_its_annotation_is_found():
    """
    What else than generate promises a type does so with its annotation.
    """

    @provider(base_url=SITE)
    class Listing:
        @operation(effect="read")
        async def presets(self, context) -> list:
            async with context.http.get("/presets") as reply:
                return await reply.json()

    listing = contract_of(Listing(), operation="presets", reply={"open": 1})

    found = findings_of(listing, "promised-type")["promised-type"].reason
    assert "it returns dict, and its annotation says list." == found


class Shape(typing.TypedDict):
    open: int


@pytest.mark.parametrize(
    ("promised", "holds"),
    [
        (dict | None, True),
        (list | None, False),
        (typing.Optional[dict[str, int]], True),  # noqa: UP045 - both ways to write it
        (typing.Any, True),
        (Shape, True),
        (None, False),
        (dict, True),
        (typing.SupportsIndex, False),
    ],
    ids=str,
)
def test_annotations_are_compared_as_far_as_that_can_be_done(promised, holds):
    """
    A union is any of its parts; what has no form at run time may be anything.
    """

    async def presets(self, context):
        async with context.http.get("/presets") as reply:
            return await reply.json()

    presets.__annotations__["return"] = promised
    made = {"presets": operation(effect="read")(presets)}
    target = provider(base_url=SITE)(type("Annotated", (), made))
    contract = contract_of(target, operation="presets", reply={"open": 1})

    found = findings_of(contract, "promised-type")["promised-type"].status
    assert ("passed" if holds else "failed") == found


def test_only_the_annotation_of_the_result_must_be_there_at_run_time():
    """
    Parameters are often annotated with what only type checkers import.
    """

    async def presets(self, context):
        async with context.http.get("/presets") as reply:
            return await reply.json()

    presets.__annotations__.update({"context": "OnlyForTypeCheckers", "return": "list[str]"})
    made = {"presets": operation(effect="read")(presets)}
    target = provider(base_url=SITE)(type("Annotated", (), made))
    contract = contract_of(target, operation="presets", reply={"open": 1})

    found = findings_of(contract, "promised-type")["promised-type"]
    assert "it returns dict, and its annotation says list[str]." == found.reason


def test_a_provider_that_wants_what_no_plugin_may_have_is_told_so():
    """
    What pluggy refuses is the reason of hooks-valid; nothing else can be looked at.
    """

    class Odd:
        @hookimpl
        async def generate(self, request, context, weather):
            """
            Take what there is not.
            """

    findings = findings_of(contract_of(Odd()))

    assert {"hooks-valid"} == set(failed(findings))
    assert "weather" in findings["hooks-valid"].reason
    assert "not run" == findings["maps-outage"].status
    assert "it can't be loaded" in findings["maps-outage"].reason


# ------------------------------------------------------------------- good providers


@provider(base_url=SITE)
async def helper(request, context):
    return seed_of(await ask(context))


def rolled_here(request):
    return Seed(extra={"text": "flags"}, id="1")


@attrs.frozen
class Address:
    site: str = setting(SITE, help="where it asks")


@provider(settings=Address)
def plain(request, context):
    reply = httpx.post(f"{context.settings.site}/generate", timeout=5)
    reply.raise_for_status()
    return seed_of(reply.json())


@provider(base_url=SITE, settings=Masked, effect="keyed")
class Everything:
    @hookimpl
    def start(self, context):
        return {"asked": 0}

    @hookimpl
    async def generate(self, request, context):
        async with context.http.get("/session") as reply:
            reply.raise_for_status()
        sent = {"Idempotency-Key": context.idempotency_key}
        if context.settings.token:
            sent["Authorization"] = f"Bearer {context.settings.token}"
        return seed_of(await ask(context, headers=sent), settings={"race": request.race})

    @hookimpl
    def map_error(self, error, request):
        if getattr(error, "status", None) == 403:
            return ProviderAuthenticationError("log in again", status_code=403)
        return None

    @operation(effect="read")
    async def presets(self, context) -> list[str]:
        async with context.http.get("/presets") as reply:
            reply.raise_for_status()
            return list((await reply.json())["names"])


@pytest.mark.parametrize(
    ("target", "says_nothing"),
    [
        (helper, {"sync-off-loop", "idempotency-key", "secrets-masked"}),
        (functools.partial(helper), {"sync-off-loop", "idempotency-key", "secrets-masked"}),
        (Everything(), {"sync-off-loop"}),
        (Everything, {"sync-off-loop"}),
        (plain, {"idempotency-key"}),
    ],
    ids=["helper", "partial", "instance", "class", "plain"],
)
def test_a_good_provider_breaks_no_rule(target, says_nothing):
    """
    One plain function gets through the same rules as a class with everything.
    """
    said = {"settings": {"site": "{upstream}"}} if target is plain else {}
    about_requests = {"maps-outage", "no-own-retries", "cancellable"}
    findings = findings_of(contract_of(target, **said))

    assert {} == failed(findings)
    silent = {n for n, one in findings.items() if one.status == "not applicable"}
    assert says_nothing | {"presets-fit", "leaks-refused"} == silent
    assert about_requests < passed(findings)


def test_a_provider_without_network_has_nothing_to_prove_about_it():
    """
    Rules about requests don't apply; the others hold.
    """
    offline = {"provider": rolled_here, "request": {}}
    findings = findings_of(type("TestOffline", (ProviderContract,), offline))

    assert {} == failed(findings)
    assert "it sends no request" == findings["maps-outage"].reason
    assert {"promised-type", "never-blocks", "sync-off-loop", "race-no-spoiler"} < passed(findings)


def test_a_further_operation_has_a_contract_of_its_own():
    """
    It is called in place of generate.
    """
    presets = contract_of(Everything(), operation="presets", reply={"names": ["open"]})
    findings = findings_of(presets)

    assert {} == failed(findings)
    assert {"promised-type", "maps-garbage", "effect-true"} < passed(findings)
    assert "not applicable" == findings["race-no-spoiler"].status


def test_an_upstream_may_answer_by_a_list_or_a_method():
    """
    In turn, the last for ever; or whatever the method makes of the request.
    """

    class TestByMethod(ProviderContract):
        provider = Everything()
        request = {}

        def upstream(self, received):
            return replies.json_reply(MADE if received.method == "POST" else {})

    in_turn = {"upstream": [Reply(), replies.json_reply(MADE)]}
    TestInTurn = type("TestInTurn", (TestByMethod,), in_turn)  # noqa: N806 - a class

    assert {} == failed(findings_of(TestByMethod))
    assert {} == failed(findings_of(TestInTurn))


@provider(base_url=SITE, effect="keyed")
class Careful:
    @hookimpl
    async def start(self, context):
        async with context.http.get("/version") as reply:
            return (await reply.json())["version"]

    @hookimpl
    async def generate(self, request, context):
        key = {"Idempotency-Key": context.idempotency_key}
        async with context.http.post("/session", headers=key) as reply:
            reply.raise_for_status()
            session = (await reply.json())["session"]
        async with context.http.post("/generate", json=[session], headers=key) as reply:
            reply.raise_for_status()
            return seed_of(await reply.json())


def test_what_start_asks_is_no_part_of_an_attempt():
    """
    A second attempt doesn't repeat it, and a list of replies begins after it again.
    """
    answers = ({"version": 1}, {"session": "s"}, MADE)
    in_turn = {"provider": Careful(), "request": {}}
    in_turn["upstream"] = [replies.json_reply(answer) for answer in answers]
    contract = type("TestCareful", (ProviderContract,), in_turn)

    assert {"effect-true", "idempotency-key"} == passed(
        findings_of(contract, "effect-true", "idempotency-key")
    )


@attrs.frozen
class Numbered:
    pin: int = secret(0, help="from your account's page")


@provider(base_url=SITE, settings=Numbered)
async def numbering(request, context):
    return seed_of(await ask(context), extra={"pin": context.settings.pin})


def test_a_secret_that_is_no_text_is_looked_for_as_the_contract_has_it():
    """
    Without one there is nothing to look for, which is told.
    """
    without = findings_of(contract_of(numbering), "secrets-masked")["secrets-masked"]
    given = contract_of(numbering, settings={"pin": 998877})

    assert "no text fits the secret setting 'pin'. Add it to the contract's" in without.reason
    found = findings_of(given, "secrets-masked")["secrets-masked"].reason
    assert "the secret setting 'pin' is in the Seed." in found


def test_a_login_that_is_kept_is_no_difference_between_attempts():
    """
    What only the first attempt sends has nothing to be compared with.
    """

    @provider(base_url=SITE, effect="keyed")
    class Remembering:
        session = None

        @hookimpl
        async def generate(self, request, context):
            key = {"Idempotency-Key": context.idempotency_key}
            if self.session != context.call_id:
                async with context.http.get("/login") as reply:
                    reply.raise_for_status()
                self.session = context.call_id
            return seed_of(await ask(context, headers=key))

    contract = contract_of(Remembering())
    assert {} == failed(findings_of(contract, "effect-true", "idempotency-key"))


def test_a_login_that_is_kept_for_ever_is_no_fault():
    """
    Later calls send less than the first; faults are tried where there still are requests.
    """

    @provider(base_url=SITE)
    class LoggedIn:
        session = None

        @hookimpl
        async def generate(self, request, context):
            if self.session is None:
                async with context.http.get("/login") as reply:
                    reply.raise_for_status()
                self.session = "kept"
            return seed_of(await ask(context))

    findings = findings_of(contract_of(LoggedIn()))

    assert {} == failed(findings)
    assert {"cancellable", "maps-outage", "maps-garbage", "nothing-left"} < passed(findings)


def test_a_task_of_a_slow_provider_is_found_too():
    """
    A call takes as long as it takes, and is looked at then.
    """

    @provider(base_url=SITE)
    async def slow_and_messy(request, context):
        body = await ask(context)
        await asyncio.sleep(0.01)
        slow_and_messy.task = asyncio.create_task(asyncio.sleep(3600))
        return seed_of(body)

    found = findings_of(contract_of(slow_and_messy), "nothing-left", limits=Limits(leave=0.001))
    assert "it leaves a task running: sleep" in found["nothing-left"].reason


def test_a_call_that_succeeds_only_once_is_the_contracts_fault():
    """
    Nothing could be proved by it.
    """

    @provider(base_url=SITE)
    async def once(request, context):
        once.calls = getattr(once, "calls", 0) + 1
        body = await ask(context)
        return seed_of(body if once.calls == 1 else {})

    assert "The call succeeds once, and then gives ProviderResponseFormatError" in bad(
        provider=staticmethod(once)
    )


def test_a_blocking_client_is_found_though_its_call_can_never_succeed():
    """
    It waits for the kit's upstream in the very loop that upstream lives in.
    """

    @provider(settings=Address)
    async def blocking(request, context):
        httpx.post(f"{context.settings.site}/generate", timeout=0.2)

    contract = contract_of(blocking, settings={"site": "{upstream}"})
    findings = findings_of(contract, "never-blocks", "maps-outage")

    assert "it held the event loop for" in failed(findings)["never-blocks"]
    assert "not run" == findings["maps-outage"].status


def test_a_contract_may_have_members_of_its_own():
    """
    What an upstream's method needs is no mistyped attribute.
    """

    class TestRecording(ProviderContract):
        provider = helper
        request = {}
        requests = []
        _reply = MADE

        def upstream(self, received):
            self.requests.append(received)
            return replies.json_reply(self._reply)

    assert {} == failed(findings_of(TestRecording, "lent-session"))
    assert TestRecording.requests


def test_a_plain_function_may_stand_as_upstream():
    """
    A lambda in the body of a class is meant as it stands there.
    """
    contract = contract_of(helper, upstream=lambda received: replies.json_reply(MADE))
    del contract.reply

    assert {} == failed(findings_of(contract, "lent-session"))


def test_nobody_elses_settings_change_the_outcome(monkeypatch, tmp_path):
    """
    Neither the environment nor a seedcore.toml of whoever runs it.
    """
    (tmp_path / "seedcore.toml").write_text("retry_max_attempts = 'many'\n")
    monkeypatch.setenv("SEEDCORE_HELPER_BASE_URL", "https://wrong.example")
    monkeypatch.setenv("SEEDCORE_ATTEMPT_TIMEOUT", "-1")

    assert {} == failed(findings_of(contract_of(helper), "lent-session", "maps-outage"))


# ------------------------------------------------------------------- exemptions


def test_a_rule_with_a_reason_is_exempt():
    """
    It is reported as such, with the reason, and fails nobody.
    """
    reason = "the site has only one answer to everything"
    finding = findings_of(contract_of(nameless, exempt={"promised-type": reason}), "promised-type")

    assert ("exempt", reason) == (
        finding["promised-type"].status,
        finding["promised-type"].reason,
    )


def test_an_exemption_that_starts_to_hold_fails():
    """
    Else nobody would ever take it out.
    """
    contract = contract_of(helper, exempt={"maps-outage": "it is always up"})
    finding = findings_of(contract, "maps-outage")["maps-outage"]

    assert "failed" == finding.status
    assert "it is exempt ('it is always up'), and holds. Take it out of exempt." == finding.reason


# ------------------------------------------------------------------- as tests of pytest


def run_as_tests(contract):
    """
    Return the outcome of each test of *contract*, as pytest sees it.
    """
    outcomes = {}
    for name in dir(contract):
        if name.startswith("test_"):
            try:
                getattr(contract(), name)()
            except (pytest.fail.Exception, pytest.skip.Exception, pytest.xfail.Exception) as ended:
                outcomes[name] = (type(ended).__name__, str(ended))
            else:
                outcomes[name] = ("passed", "")
    return outcomes


def test_pytest_runs_one_test_for_each_rule_and_one_for_the_contract():
    """
    Their names are the ids of the rules; each has the rule's sentence as its docstring.
    """
    tests = {name for name in dir(ProviderContract) if name.startswith("test_")}

    assert {f"test_{rule.replace('-', '_')}" for rule in RULES} | {"test_contract"} == tests
    for name, (_, title, _) in RULES.items():
        assert title in getattr(ProviderContract, f"test_{name.replace('-', '_')}").__doc__


def test_pytest_sees_what_the_kit_finds():
    """
    Broken fails with the id and the reason, exempt is expected to fail, the rest is skipped.
    """
    exempt = {"race-no-spoiler": "all seeds are public"}
    outcomes = run_as_tests(contract_of(telling, exempt=exempt))
    assert ("passed", "") == outcomes["test_contract"]
    assert ("passed", "") == outcomes["test_maps_outage"]
    assert ("XFailed", "all seeds are public") == outcomes["test_race_no_spoiler"]
    assert "not applicable: the operation is async" == outcomes["test_sync_off_loop"][1]

    outcomes = run_as_tests(contract_of(telling))
    kind, said = outcomes["test_race_no_spoiler"]
    assert "Failed" == kind
    assert said.startswith("race-no-spoiler: its race seed shows extra.log.spoiler")


# ------------------------------------------------------------------- bad input


def bad(**said):
    """
    Return the problem of a contract that says something wrong.
    """
    body = {"provider": helper, "request": {}, "reply": MADE, **said}
    given = {name: value for name, value in body.items() if value is not Ellipsis}
    return Conformance(type("TestBad", (ProviderContract,), given)).problem


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"provider": ...}, "TestBad has no provider. Add provider = ...: the function, class or"),
        ({"request": ...}, "TestBad has no request. Add request = {...}: the arguments of a call"),
        ({"request": [1]}, "TestBad: request must be a dict from names to values."),
        ({"request": {"surface": "x"}}, "TestBad: request has 'surface', which the kit chooses."),
        ({"provider": "nobody"}, "TestBad: no provider 'nobody' is installed."),
        ({"upstream": Reply()}, "TestBad has both reply and upstream. Keep one"),
        ({"reply": ..., "upstream": []}, "TestBad: upstream must be a Reply, a list of them, or"),
        ({"reply": {1, 2}}, "TestBad: reply can't be written as JSON"),
        ({"exempt": {"maps-outrage": "x"}}, "a rule 'maps-outrage' that doesn't exist. Did you me"),
        ({"exempt": {"maps-outage": " "}}, "TestBad: exempt has no reason for 'maps-outage'"),
        ({"provider": SeedRequest}, "TestBad: making SeedRequest() raised TypeError"),
        ({"operation": "preset"}, "helper has no operation 'preset'"),
        ({"setings": {}}, "TestBad has 'setings', which means nothing. Did you mean 'settings'?"),
        ({"__init__": lambda self, a: None}, "TestBad can't be made: "),
        ({"reply": {"hash": "1"}}, "KeyError: 'permalink' in "),
        ({"reply": ..., "upstream": Reply(body=bytes(9 << 20))}, "larger than the limit"),
        ({"operation": ""}, "TestBad: operation must be the name of one"),
        ({"reply": {"id": 1}}, "The call of the contract must succeed, and gives ProviderResponse"),
        ({"provider": needy}, "The provider needs settings. Add settings = {'region': ...} to the"),
        ({"reply": ...}, "Give what the upstream answers on success as reply or upstream."),
        ({"request": {"speed": 1}}, "generate has no argument 'speed'"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_contract_that_says_too_little_gets_one_sentence(said, problem):
    """
    It names what is missing and what to write; no rule is looked at.
    """
    found = bad(**said)

    assert problem in found
    assert 1 == len(found.splitlines())


def test_a_contract_with_a_problem_fails_one_test_and_skips_the_others():
    """
    One mistake is told once.
    """
    outcomes = run_as_tests(type("TestBad", (ProviderContract,), {"provider": helper}))

    assert "Failed" == outcomes.pop("test_contract")[0]
    assert {"Skipped"} == {kind for kind, _ in outcomes.values()}


def test_an_upstream_that_fails_is_the_contracts_fault():
    """
    What its method raises, or returns in place of a reply, is told.
    """

    def raising(self, received):
        return received["path"]

    assert "The contract's upstream failed: TypeError" in bad(reply=..., upstream=raising)
    assert "it returned NoneType, not a Reply" in bad(reply=..., upstream=lambda *_: None)


# ------------------------------------------------------------------- it never hangs

SHORT = Limits(rule=0.3)


def test_a_script_that_never_answers_is_named(monkeypatch):
    """
    The request that was left without an answer is in the sentence.
    """
    monkeypatch.setattr("seedcore.testing.conformance.trial.LONGEST_ATTEMPT", 0.1)

    problem = bad(reply=..., upstream=replies.hanging())
    assert "The contract's upstream never answers POST /generate." in problem


def test_a_provider_that_blocks_for_ever_is_left_behind():
    """
    never-blocks says where it stands; what needs a call is not run, and the rest is looked at.
    """
    release = threading.Event()

    async def blocking(request, context):
        release.wait()

    try:
        names = ("hashable", "never-blocks", "maps-outage")
        findings = findings_of(contract_of(blocking), *names, limits=SHORT)
    finally:
        release.set()

    assert ["never-blocks"] == [*failed(findings)]
    reason = findings["never-blocks"].reason
    assert "the first call hit its limit of 0.3 s: the event loop is blocked in wait" in reason
    assert "not run" == findings["maps-outage"].status
    assert "passed" == findings["hashable"].status


def test_a_provider_that_outlives_its_limit_is_not_passed_over():
    """
    It neither blocks nor ends: cancellable fails, and what needs a call is not run.
    """
    over = threading.Event()

    async def immortal(request, context):
        while not over.is_set():
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                continue
        return Seed(id="1")

    try:
        names = ("hashable", "never-blocks", "cancellable", "maps-outage")
        findings = findings_of(contract_of(immortal), *names, limits=SHORT)
    finally:
        over.set()

    assert ["cancellable"] == [*failed(findings)]
    assert "the first call hasn't ended after its limit" in findings["cancellable"].reason
    assert "not run" == findings["maps-outage"].status


def test_a_limit_that_was_hit_is_no_exemption():
    """
    The rules behind it were not looked at, so nothing is proved.
    """

    async def endless(request, context):
        if request.race:
            await asyncio.Event().wait()
        return seed_of(await ask(context))

    exempt = {"race-no-spoiler": "all seeds are public"}
    contract = contract_of(provider(base_url=SITE)(endless), exempt=exempt)

    assert ["race-no-spoiler"] == [*failed(findings_of(contract, "race-no-spoiler", limits=SHORT))]


def test_a_thread_of_somebody_else_may_reach_what_it_likes():
    """
    A live server of the author's own tests has nothing to do with the provider.
    """
    asked, answered, over = threading.Event(), [], threading.Event()

    def elsewhere():
        asked.wait(5)
        try:
            socket.create_connection(("127.0.0.1", refused_port()), timeout=1)
        except OSError as error:
            answered.append("kit" in str(error))
        over.set()

    thread = threading.Thread(target=elsewhere)
    thread.start()

    async def asking(request, context):
        asked.set()
        await asyncio.to_thread(over.wait, 5)
        return seed_of(await ask(context))

    contract = contract_of(provider(base_url=SITE)(asking))
    assert {} == failed(findings_of(contract, "lent-session"))
    thread.join()
    assert [False] == answered


def test_a_rule_that_takes_too_long_says_which_limit_it_hit():
    """
    A provider may hang on what is not its upstream.
    """

    async def endless(request, context):
        if request.race:
            await asyncio.Event().wait()
        return seed_of(await ask(context))

    finding = findings_of(
        contract_of(provider(base_url=SITE)(endless)), "race-no-spoiler", limits=SHORT
    )["race-no-spoiler"]

    assert "failed" == finding.status
    assert finding.reason.startswith("race-no-spoiler hasn't ended after its limit of 0.3")
    assert [] == [one.name for one in threading.enumerate() if one.name.startswith("conformance")]


def test_a_thread_that_was_given_up_keeps_nobody_from_the_network():
    """
    Only what it does itself is still refused.
    """
    release, tried = threading.Event(), []

    def connect():
        try:
            socket.create_connection(("127.0.0.1", refused_port()), timeout=1)
        except ConnectionRefusedError as error:
            tried.append("kit" in str(error))

    async def blocking(request, context):
        release.wait()
        connect()

    findings_of(contract_of(blocking), "hashable", limits=SHORT)
    connect()
    with guarded() as later:  # of the next contract, which is not about that thread
        release.set()
        for thread in threading.enumerate():
            if thread.name.startswith("conformance"):
                thread.join(5)

    assert [False, True] == tried
    assert [] == later.elsewhere


@pytest.fixture(autouse=True)
def _quiet():
    """
    What a provider leaves open on purpose is no warning of these tests.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        warnings.simplefilter("ignore", UserWarning)
        yield


def hidden(shown, request):
    """
    Name the items.
    """
    return "the locations of its items" if "items" in shown else None


@provider(base_url="https://seeds.example", leak=hidden)
async def fair(request, context):
    """
    Make a seed and say what is shown of it.
    """
    async with context.http.post("/generate", json={"race": request.race}) as reply:
        reply.raise_for_status()
        body = await reply.json()
    return Rolled(Seed(url=body["permalink"], id=body["hash"]), shown=body)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({}, "Add leaking = ..."),
        ({"leaking": MADE}, "an answer with a spoiler becomes success"),
        ({"leaking": replies.json_reply({**MADE, "items": [1]})}, None),
        ({"leaking": [replies.json_reply({**MADE, "items": [1]})]}, None),
        ({"leaking": lambda received: replies.json_reply({**MADE, "items": [1]})}, None),
    ],
    ids=["missing", "none", "reply", "list", "function"],
)
def test_a_hook_for_leaks_is_seen_at_work(said, words):
    """
    With what the contract says the upstream answers where a spoiler isn't hidden.
    """
    finding = findings_of(contract_of(fair, **said))["leaks-refused"]

    assert ("passed" if words is None else "failed") == finding.status
    assert (words or "") in (finding.reason or "")


def test_what_leaks_must_be_an_answer():
    """
    As upstream must.
    """
    problem = Conformance(contract_of(fair, leaking=7)).problem

    assert "leaking must be a Reply, a list of them, or a method" in problem
