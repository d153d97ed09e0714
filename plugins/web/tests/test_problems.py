"""
That every failure has a status on purpose, and the words that it has everywhere.
"""

from __future__ import annotations

import asyncio
import json
import time

import pytest

import seedcore
from seedcore import (
    CircuitOpenError,
    InvalidPresetError,
    PartialFailureError,
    PresetNotFoundError,
    ProviderAuthenticationError,
    ProviderCapabilityError,
    ProviderInvalidRequestError,
    ProviderRateLimitError,
    ProviderResponseFormatError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    RevealError,
    SpoilerLeakError,
    UnknownProviderError,
)
from seedcore.cli.group import run
from seedcore.errors import error_classes
from seedcore.surface.shown import shown_error
from seedcore_web.problems import REFUSED, STATUS, Refusal, kinds, problem_of, slug_of

HOSTILE = "<script>alert('x')</script> \x1b[31m @everyone \u202e https://a:b@c.example/?key=secret"


def sentence(message):
    """
    Return *message* without its time, which may be a second later for the second of two calls.
    """
    return message.partition(" Try again after")[0].rstrip(".")


def test_every_class_of_error_has_a_status():
    """
    A new one needs a decision here.
    """
    ours = {kind for kind in error_classes() if kind.__module__ == "seedcore.errors"}

    assert ours == set(STATUS)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ProviderTimeoutError("slow"), 504),
        (ProviderUnavailableError("down"), 503),
        (ProviderRateLimitError("busy"), 429),
        (ProviderInvalidRequestError("no"), 422),
        (ProviderAuthenticationError("who"), 502),
        (PresetNotFoundError("which"), 404),
        (InvalidPresetError("wrong"), 422),
        (ProviderCapabilityError("never"), 501),
        (ProviderResponseFormatError("odd"), 502),
        (SpoilerLeakError("seen"), 502),
        (PartialFailureError("half"), 502),
    ],
)
async def test_a_failure_says_the_same_as_everywhere(serve, runner_of, demo, error, status):
    """
    Type and sentence are those of the command line and of Python.
    """
    alone = {"database": None, "settings": {"retry_enabled": False}}
    site = await serve(runner_of(**alone))
    demo.error = error
    async with runner_of(**alone) as other:
        with pytest.raises(seedcore.SeedcoreError) as raised:
            await other.generate("demo", surface="tests", patience=0.01)
    expected = shown_error(raised.value)

    answer = await site.roll(patience=0.01)

    assert answer.status == status
    assert answer.body["error"] == expected.type == type(error).__name__
    assert sentence(answer.body["detail"]) == sentence(expected.message)
    assert answer.body["type"] == f"/problems/{slug_of(expected.type)}"
    assert answer.body["provider"] == "demo"
    assert answer.body["operation"] == "generate"
    assert answer.body["attempts"] == 1
    assert answer.body["provider_message"] == error.provider_message


@pytest.mark.parametrize(
    ("arguments", "body"),
    [
        (["nobody"], {"provider": "nobody"}),
        (["here", "--deadline", "-1"], {"provider": "here", "deadline": -1}),
        (
            ["here", "--race", "--spoilers", "on"],
            {"provider": "here", "race": True, "spoilers": "on"},
        ),
        (["here", "--spoilers", "delayed"], {"provider": "here", "spoilers": "delayed"}),
        (["here", "x=1"], {"provider": "here", "options": {"x": 1}}),
    ],
)
async def test_a_failure_says_the_same_on_the_command_line(
    serve, monkeypatch, capsys, arguments, body
):
    """
    Word for word, and by the same type.
    """

    def failing(request):
        raise ProviderInvalidRequestError("it takes nothing")

    class Registry(seedcore.Registry):
        def __init__(self, **_):
            super().__init__(discover=False)
            self.add("here", failing)

    runner = seedcore.Runner(registry=Registry(), database=None, sinks=[])
    site = await serve(runner)
    monkeypatch.setattr("seedcore.lifetime.Registry", Registry)
    monkeypatch.setenv("SEEDCORE_DATABASE_URL", "sqlite://:memory:")
    monkeypatch.setenv("SEEDCORE_LOG", "off")

    answer = await site.post("/api/v1/generate", body)
    await asyncio.to_thread(run, ["generate", *arguments, "--json"])
    told = json.loads(capsys.readouterr().out)["error"]

    assert (answer.body["error"], answer.body["detail"]) == (told["type"], told["message"])


async def test_what_an_upstream_says_is_text_and_no_more(serve, runner_of, demo):
    """
    Neither an escape nor a secret of an address gets through; markup stays a text in JSON.
    """
    site = await serve(runner_of(database=None))
    demo.error = ProviderInvalidRequestError(HOSTILE)

    answer = await site.roll()

    assert "\x1b" not in answer.body["detail"]
    assert "\u202e" not in answer.body["detail"]
    assert "secret" not in answer.text
    assert "<script>" in answer.body["provider_message"]
    assert answer.headers["Content-Type"].startswith("application/problem+json")


async def test_a_pause_says_how_long_it_is(serve, runner_of, demo):
    """
    Retry-After are the seconds until then.
    """
    site = await serve(runner_of(database=None))
    demo.error = ProviderRateLimitError("busy", retry_after=90)

    answer = await site.roll(patience=0.01)

    assert answer.status == 429
    assert 85 <= int(answer.headers["Retry-After"]) <= 95
    assert answer.body["retry_at"] > time.time() + 80


def test_an_open_circuit_says_when_to_come_again():
    """
    In whole seconds, never before.
    """
    problem = problem_of(CircuitOpenError(retry_at=time.time() + 1.5))

    assert (problem.status, problem.headers) == (503, {"Retry-After": "2"})


def test_a_log_that_is_due_later_says_when():
    """
    It is refused until then; one that isn't there is not found.
    """
    later = problem_of(RevealError("x", "is sealed", due_at=time.time() + 10))
    never = problem_of(RevealError("x", "is not there"))

    assert (later.status, never.status) == (403, 404)
    assert 9 <= int(later.headers["Retry-After"]) <= 10
    assert never.headers == {}


def test_an_error_of_a_plugins_own_counts_as_what_it_is_made_from():
    """
    Its name is told all the same.
    """

    class TournamentClosedError(ProviderInvalidRequestError):
        sentence = "{provider} takes nobody any more"

    problem = problem_of(TournamentClosedError())

    assert problem.status == 422
    assert problem.to_json()["error"] == "TournamentClosedError"
    assert problem.to_json()["type"] == "/problems/provider-invalid-request"


async def test_a_bug_gets_a_sentence_and_no_detail(site, monkeypatch, caplog):
    """
    Where it happened is in the log; what was in the error is nowhere.
    """

    def broken(self):
        raise RuntimeError("the secret is 1234")

    monkeypatch.setattr(type(site.runner.registry), "listing", broken)

    answer = await site.get("/api/v1/providers")

    assert answer.status == 500
    assert answer.body["detail"] == "Something unexpected went wrong (RuntimeError). This is a bug."
    assert "1234" not in answer.text + caplog.text
    assert "RuntimeError at GET /api/v1/providers, in" in caplog.text


async def test_every_kind_of_problem_is_explained(site):
    """
    At the address that its type is.
    """
    for slug, kind in kinds().items():
        answer = await site.get(f"/problems/{slug}")
        assert answer.status == 200
        assert answer.text.startswith(f"{kind}: ")


async def test_a_method_that_an_address_does_not_have(site):
    """
    The answer names those that it has.
    """
    answer = await site.ask("DELETE", "/api/v1/routes")

    assert answer.status == 405
    assert set(answer.headers["Allow"].split(",")) == {"GET", "HEAD"}
    assert "GET" in answer.body["detail"]


async def test_people_get_a_page_where_programs_get_json(site):
    """
    Outside of the API.
    """
    answer = await site.get("/nothing", headers={"Accept": "text/html"})
    program = await site.get("/nothing", headers={"Accept": "application/json"})

    assert (answer.status, program.status) == (404, 404)
    assert "html" in answer.headers["Content-Type"]
    assert program.headers["Content-Type"].startswith("application/problem+json")


def test_refusals_are_named():
    """
    Those of this server have a name and a sentence as those of providers have.
    """
    error = UnknownProviderError("x", ["y"], "seedcore-x")

    assert problem_of(error).kind == "UnknownProviderError"
    assert problem_of(Refusal(400, "BadRequest", "no")).to_json() == {
        "type": "/problems/bad-request",
        "title": REFUSED["BadRequest"],
        "status": 400,
        "detail": "no",
        "error": "BadRequest",
    }
