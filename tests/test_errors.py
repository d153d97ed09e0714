"""
The error tree: what every class can do, and what is shown to people.
"""

from __future__ import annotations

import copy
import json
import pickle
import re
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

import seedcore.errors
from seedcore import (
    BrokenPluginError,
    CircuitOpenError,
    DisabledProviderError,
    DuplicateCallError,
    IncompatiblePluginError,
    InvalidPresetError,
    PartialFailureError,
    PluginError,
    ProviderClashError,
    ProviderError,
    ProviderInvalidRequestError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    RevealError,
    SeedcoreError,
    SettingsError,
    UnconfiguredProviderError,
    UnknownOperationError,
    UnknownProviderError,
    error_from_json,
)
from seedcore.errors import (
    PROVIDER_MESSAGE_LIMIT,
    clean_text,
    did_you_mean,
    environment_name,
    error_classes,
)

FACTS: dict[str, Any] = {
    "provider": "demo",
    "operation": "generate",
    "attempts": 3,
    "status_code": 503,
    "retryable": True,
    "call_id": "0f3c-7",
    "retry_at": 1_700_000_000.25,
    "retry_after": 2.5,
    "in_doubt": True,
    "stopped_by": "attempts",
    "reason": "plugin_error",
}


class OwnError(ProviderUnavailableError):
    """
    A plugin's own error, whose constructor looks like none of ours.
    """

    sentence = "{provider} is being painted"

    def __init__(self, colour: str, /, *, layers: tuple[str, ...] = ()) -> None:
        super().__init__(f"wet paint: {colour}")
        self.colour = colour
        self.layers = layers


class MutedError(SeedcoreError):
    """
    A subclass that takes nothing.
    """

    def __init__(self) -> None:
        super().__init__("nothing to say")


MAKERS: dict[type[SeedcoreError], Callable[[], SeedcoreError]] = {
    UnknownProviderError: lambda: UnknownProviderError("demi", ["demo", "a"], "seedcore-demi"),
    UnknownOperationError: lambda: UnknownOperationError("demo", "rol", ["roll", "presets"]),
    BrokenPluginError: lambda: BrokenPluginError("demo", "seedcore-demo", "it is empty."),
    IncompatiblePluginError: lambda: IncompatiblePluginError("demo", "seedcore-demo", "too old."),
    ProviderClashError: lambda: ProviderClashError("demo", None, "a and b both offer it."),
    DisabledProviderError: lambda: DisabledProviderError("demo", "SEEDCORE_DISABLE"),
    UnconfiguredProviderError: lambda: UnconfiguredProviderError("demo", ["api_key", "user"]),
    RevealError: lambda: RevealError("c-1", "is sealed until 2026-11-30 18:00:00 UTC.", due_at=1.0),
    DuplicateCallError: lambda: DuplicateCallError("0f3c-7"),
    PartialFailureError: lambda: PartialFailureError(
        "no labels", created="item 12", completed_steps=["item_created"], **FACTS
    ),
    OwnError: lambda: OwnError("red", layers=("one", "two")),
    MutedError: MutedError,
}


def made(kind: type[SeedcoreError]) -> SeedcoreError:
    """
    Return an error of *kind* with everything filled in.
    """
    maker = MAKERS.get(kind)
    if maker is not None:
        return maker()
    if issubclass(kind, ProviderError):
        return kind("the site says no", **FACTS)
    return kind("something is wrong")


def ours() -> list[type[SeedcoreError]]:
    """
    Return the classes of the tree, and the two above.
    """
    own = (OwnError, MutedError)
    return [kind for kind in error_classes() if kind.__module__ == "seedcore.errors" or kind in own]


EVERY = pytest.mark.parametrize("kind", ours(), ids=lambda kind: kind.__name__)


def facts_of(error: SeedcoreError) -> tuple[Any, ...]:
    """
    Return all that makes two errors the same.
    """
    return type(error), error.args, vars(error), str(error), repr(error), error.user_message


# ------------------------------------------------------------------- every class


@EVERY
def test_it_can_be_pickled(kind: type[SeedcoreError]) -> None:
    """
    With every protocol, and nothing is lost.
    """
    error = made(kind)

    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        assert facts_of(error) == facts_of(pickle.loads(pickle.dumps(error, protocol)))


@EVERY
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy], ids=["copy", "deepcopy"])
def test_it_can_be_copied(kind: type[SeedcoreError], copied: Callable[[Any], Any]) -> None:
    """
    A copy is another object that says the same.
    """
    error = made(kind)
    twin = copied(error)

    assert twin is not error
    assert facts_of(error) == facts_of(twin)


@EVERY
def test_it_can_be_turned_into_json_and_back(kind: type[SeedcoreError]) -> None:
    """
    What comes back from plain data is the same error.
    """
    error = made(kind)
    record = json.loads(json.dumps(error.to_json()))

    assert (kind.__name__, str(error)) == (record["type"], record["message"])
    assert facts_of(error) == facts_of(error_from_json(record))


@EVERY
def test_it_says_what_it_is(kind: type[SeedcoreError]) -> None:
    """
    ``str`` is a sentence, ``repr`` names the class, and the two don't fail on a bare one.
    """
    error = made(kind)

    assert re.fullmatch(r"[^\n]{10,}", str(error))
    assert str(error) == error.user_message
    assert kind.__name__ in repr(error)
    if issubclass(kind, ProviderError) and kind is not OwnError:
        assert str(kind())
        assert f"{kind.__name__}(" in repr(kind())


@EVERY
def test_its_sentence_is_one_of_its_own(kind: type[SeedcoreError]) -> None:
    """
    Every class has a docstring, and every failure of a provider its own words.
    """
    assert kind.__doc__
    assert kind.__doc__.strip()
    if issubclass(kind, ProviderError):
        others = [other.sentence for other in ours() if issubclass(other, ProviderError)]
        assert 1 == others.count(kind.sentence)
        assert "{provider}" in kind.sentence


@EVERY
def test_it_can_be_raised_and_caught_as_the_root(kind: type[SeedcoreError]) -> None:
    """
    SeedcoreError catches everything, and the cause is kept.
    """
    cause = KeyError("x")

    with pytest.raises(SeedcoreError) as caught:
        raise made(kind) from cause

    assert cause is caught.value.__cause__


def test_the_tree_in_the_docstring_is_the_real_one() -> None:
    """
    Every class is drawn, in its place, and nothing else is.
    """
    drawn: dict[str, str | None] = {}
    branch: list[str] = []
    for line in (seedcore.errors.__doc__ or "").splitlines():
        match = re.match(r"([│├└─ ]*)(\w+Error)\b", line)
        if match:
            depth = len(match[1]) // 4
            drawn[match[2]] = branch[depth - 1] if depth else None
            branch[depth:] = [match[2]]

    real = {
        kind.__name__: kind.__bases__[0].__name__ if kind is not SeedcoreError else None
        for kind in ours()
        if kind.__module__ == "seedcore.errors"
    }
    assert real == drawn


def test_every_class_is_public() -> None:
    """
    All of the tree can be imported from the package itself.
    """
    names = {kind.__name__ for kind in ours() if kind.__module__ == "seedcore.errors"}

    assert set() == names - set(seedcore.__all__)


def test_what_is_unknown_is_also_what_python_would_raise() -> None:
    """
    A host that catches LookupError or ValueError catches these.
    """
    for kind in (UnknownProviderError, UnknownOperationError):
        assert issubclass(kind, LookupError)
        assert issubclass(kind, ValueError)
    assert issubclass(UnconfiguredProviderError, SettingsError)
    assert issubclass(UnconfiguredProviderError, PluginError)


def test_an_error_of_a_plugin_that_is_not_installed_comes_back_as_its_root() -> None:
    """
    Its class is unknown here, its facts are not lost.
    """
    record = {**OwnError("red").to_json(), "type": "SomebodyElsesError"}

    error = error_from_json(record)

    assert ProviderError is type(error)
    assert ("wet paint: red", "red") == (error.provider_message, error.colour)


# ------------------------------------------------------------------------- filling


def test_filling_makes_a_copy() -> None:
    """
    A plugin's own instance, perhaps shared by all its calls, is never changed.
    """
    error = InvalidPresetError("no such preset")

    filled = error.filled(provider="demo", attempts=2)

    assert (None, 0) == (error.provider, error.attempts)
    assert (InvalidPresetError, "demo", 2) == (type(filled), filled.provider, filled.attempts)


def test_filling_keeps_what_a_subclass_added() -> None:
    """
    A plugin's own constructor isn't called again.
    """
    filled = OwnError("red", layers=("one",)).filled(provider="demo")

    assert ("red", ("one",)) == (filled.colour, filled.layers)
    assert "demo is being painted: wet paint: red" == str(filled)


@pytest.mark.parametrize(
    ("kind", "retryable"),
    [
        (ProviderTimeoutError, True),
        (ProviderUnavailableError, True),
        (seedcore.ProviderRateLimitError, True),
        (ProviderInvalidRequestError, False),
        (seedcore.ProviderAuthenticationError, False),
        (seedcore.ProviderCapabilityError, False),
        (seedcore.ProviderResponseFormatError, False),
        (PartialFailureError, False),
    ],
)
def test_retryable_has_a_default_that_can_be_overruled(
    kind: type[ProviderError], *, retryable: bool
) -> None:
    """
    The class knows, the one who raises it knows better.
    """
    assert retryable is kind().retryable
    assert (not retryable) is kind(retryable=not retryable).retryable


# ------------------------------------------------------------------ what people see


def test_the_message_is_a_sentence_about_the_provider() -> None:
    """
    Its name first, then its own words; without a name a sentence all the same.
    """
    assert "demo did not answer in time." == str(ProviderTimeoutError(provider="demo"))
    assert "demo refused the request: no weapon" == str(
        ProviderInvalidRequestError("no weapon", provider="demo")
    )
    assert "The provider did not answer in time." == str(ProviderTimeoutError())


def test_a_doubt_is_told() -> None:
    """
    Whoever may have ordered twice must look first.
    """
    error = ProviderTimeoutError(provider="demo", in_doubt=True)

    assert "may have been done" in error.user_message


@pytest.mark.parametrize(
    ("retry_at", "shown"),
    [(1_700_000_000.0, "22:13:20"), (1_700_000_000.01, "22:13:21"), (0.0, "00:00:00")],
)
def test_the_time_to_ask_again_is_told(retry_at: float, shown: str) -> None:
    """
    Never a moment before it makes sense.
    """
    error = CircuitOpenError(provider="demo", retry_at=retry_at)

    assert f"Try again after {shown} UTC." in error.user_message


def test_a_provider_name_with_braces_breaks_nothing() -> None:
    """
    Names are put into sentences, not interpreted.
    """
    error = ProviderTimeoutError("{0} {x}", provider="{demo}")

    assert "{demo} did not answer in time: {0} {x}" == str(error)


def test_unknown_names_come_with_help() -> None:
    """
    What is installed, the closest name, and what to install.
    """
    text = str(UnknownProviderError("smdahs", ["z1r", "smdash"], "seedcore-smdahs"))

    assert "No provider is called 'smdahs'" in text
    assert "Installed: smdash, z1r." in text
    assert "Did you mean 'smdash'?" in text
    assert "pip install seedcore-smdahs" in text
    assert "Installed: none." in str(UnknownProviderError("x", [], "seedcore-x"))


def test_missing_settings_come_with_the_variables_to_set() -> None:
    """
    By environment or by file.
    """
    text = str(UnconfiguredProviderError("my-site", ["api_key"]))

    assert "SEEDCORE_MY_SITE_API_KEY" in text
    assert "[providers.my-site]" in text


# --------------------------------------------------------------------------- cleaning


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("plain words", "plain words"),
        ("  around  ", "around"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("windows\r\nand mac\rlines", "windows\nand mac\nlines"),
        ("nul\x00bell\x07back\x08del\x7f", "nulbellbackdel"),
        ("c1 \x85\x9b31m", "c1 31m"),
        ("\x1b[31;1mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bPdevice\x1b\\text", "text"),
        ("lonely \x1b", "lonely"),
        ("left\u202eright\u2066x\u2069", "leftrightx"),
        ("zero\u200bwidth\ufeff\u2060", "zerowidth"),
        ("soft\u00adhyphen\u061c", "softhyphen"),
        ("line\u2028and\u2029paragraph", "lineandparagraph"),
        ("half a pair \ud800!", "half a pair ?!"),
        ("Ünïcödé 日本 🎲", "Ünïcödé 日本 🎲"),
        ("see https://me:pw@seeds.example/a?key=canary", "see https://seeds.example/a"),
        ("see https://seeds.example/a?key=canary#part", "see https://seeds.example/a#part"),
        ("postgres://me:pw@db/x?sslkey=canary", "postgres://db/x"),
        ("what? no address", "what? no address"),
        ("me@seeds.example", "me@seeds.example"),
        ("", ""),
    ],
    ids=repr,
)
def test_text_is_made_fit_for_a_person(raw: str, clean: str) -> None:
    """
    No control, escape or bidirectional characters, no userinfo and no query of an address.
    """
    assert clean == clean_text(raw)


@pytest.mark.parametrize(
    "raw",
    [
        "https://me:canary@seeds.example:8443/a",
        "HTTPS://me:canary@seeds.example/a",
        "<https://seeds.example/a?token=canary>",
        "url='https://seeds.example/a?token=canary'",
        "https://seeds.example/?a=1&token=canary",
        "https://me:ca@nary@seeds.example/",
        "https://seeds.example/a?next=https://b.example/?token=canary",
        "https://me:can\u200bary@seeds.example/",
    ],
    ids=repr,
)
def test_no_secret_of_an_address_gets_through(raw: str) -> None:
    """
    In quotes, in brackets, in capitals, with a port, twice, or hidden by invisible characters.
    """
    cleaned = clean_text(raw)

    assert "seeds.example" in cleaned
    for secret in ("canary", "nary@", "token"):
        assert secret not in cleaned


def test_long_text_is_cut() -> None:
    """
    At 2,000 characters, with a sign that something is missing.
    """
    assert 2_000 == PROVIDER_MESSAGE_LIMIT
    assert "x" * 2_000 == clean_text("x" * 2_000)
    assert "x" * 1_999 + "…" == clean_text("x" * 2_001)
    assert "xxxx…" == clean_text("x" * 9, limit=5)


@pytest.mark.parametrize(
    "worst",
    ["\x1b]", "\x1bP", "\x1b[" + "0" * 50, "a.", "a" * 50 + "://", "https://a@", "?", "\u202e"],
    ids=lambda worst: repr(worst[:8]),
)
def test_a_huge_text_costs_no_more_than_a_long_one(worst: str) -> None:
    """
    A reply made of the worst that can be doesn't hold up the loop: a megabyte in 50 ms of CPU.
    """
    huge = worst * (2**20 // len(worst))
    begun = time.process_time()

    clean_text(huge)

    assert time.process_time() - begun < 0.05


@pytest.mark.parametrize("thing", [None, 7, {"a": 1}, KeyError("x"), b"bytes"])
def test_anything_can_be_a_message(thing: object) -> None:
    """
    Plugins pass on what they got; that must not fail.
    """
    assert str(thing) == ProviderError(thing).provider_message


def test_a_message_is_cleaned_when_the_error_is_made() -> None:
    """
    Whoever reads ``provider_message`` reads clean text.
    """
    assert "red" == ProviderError("\x1b[31mred\x1b[0m").provider_message


@pytest.mark.parametrize(
    ("word", "known", "expected"),
    [
        ("presett", ["preset", "settings"], " Did you mean 'preset'?"),
        ("xyz", ["preset", "settings"], ""),
        ("preset", [], ""),
    ],
)
def test_a_suggestion_is_made_when_one_is_close(word: str, known: list[str], expected: str) -> None:
    """
    The closest name, or nothing.
    """
    assert expected == did_you_mean(word, known)


@pytest.mark.parametrize(
    ("provider", "key", "expected"),
    [
        (None, "retry_jitter", "SEEDCORE_RETRY_JITTER"),
        ("smdash", "base_url", "SEEDCORE_SMDASH_BASE_URL"),
        ("door-rando.v2", "base_url", "SEEDCORE_DOOR_RANDO_V2_BASE_URL"),
    ],
)
def test_a_setting_has_one_variable(provider: str | None, key: str, expected: str) -> None:
    """
    Whatever isn't a letter or digit becomes an underscore.
    """
    assert expected == environment_name(provider, key)


def test_importing_errors_imports_nothing_heavy() -> None:
    """
    A surface that only catches errors pays for nothing else.
    """
    code = "import sys, seedcore.errors; print(*sorted(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()

    assert set() == {"aiohttp", "tortoise", "loguru", "pluggy", "attr", "asyncio"} & set(loaded)


def test_advice_is_a_sentence_of_its_own() -> None:
    """
    Whether or not the upstream's words end like one.
    """
    for words, shown in (("it is full", "it is full. Try"), ("Full!", "Full! Try")):
        error = ProviderUnavailableError(words, provider="demo", retry_at=0)
        assert shown in str(error)


def test_a_refusal_without_a_word_tells_its_status() -> None:
    """
    It is all there is to go by; where there are words they say more.
    """
    silent = ProviderInvalidRequestError(provider="demo", status_code=404)
    spoken = ProviderInvalidRequestError("no such game", provider="demo", status_code=404)

    assert "demo refused the request (status 404, without a word)." == str(silent)
    assert "demo refused the request: no such game" == str(spoken)
