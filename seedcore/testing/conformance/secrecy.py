"""
Rules about what must never be seen.
"""

from __future__ import annotations

import io
import json
import logging
import pickle
import re
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import attrs

from seedcore.errors import (
    ProviderCapabilityError,
    ProviderInvalidRequestError,
    SeedcoreError,
    SpoilerLeakError,
)
from seedcore.hookspecs import is_secret
from seedcore.model import Seed
from seedcore.redact import SHORTEST
from seedcore.settings.structure import Fields, fields_of, structure
from seedcore.testing.conformance.case import filled_in
from seedcore.testing.conformance.rules import Broken, NotApplicable, Subject
from seedcore.testing.conformance.scripts import Scripted, failing
from seedcore.testing.conformance.trial import Trial, loaded, run
from seedcore.testing.replies import json_reply

SOUNDS_SECRET = re.compile(r"token|passw|secret|api_?key|credential|private", re.IGNORECASE)
CREDENTIALS = re.compile(r"authorization|cookie|token|secret|api-?key|auth", re.IGNORECASE)
"""Names of headers that carry credentials."""


async def secrets_masked(subject: Subject) -> None:
    """
    Each text setting gets a value of its own, which is then looked for in everything that leaves.
    """
    declared = loaded(subject.case).declaration.settings
    fields = fields_of(declared) if declared else {}
    if not fields:
        text = "it has no settings of its own"
        raise NotApplicable(text)
    for name, field in fields.items():
        if SOUNDS_SECRET.search(name) and not is_secret(field):
            text = f"its setting {name!r} sounds like a secret. Declare it with secret(...)."
            raise Broken(text)
    everywhere = _canaries(subject, declared, fields)
    with _printed():  # what it warns of once must not be used up here
        trial = await run(subject.case, settings=everywhere)
    _check_sent(trial, everywhere, fields)
    canaries = {name: text for name, text in everywhere.items() if is_secret(fields[name])}
    given = {name: str(subject.case.settings[name]) for name in _kept(subject, fields, canaries)}
    for script in (None, failing(json_reply({"error": " ".join(canaries.values())}, 422))):
        for place, text in (await _watched_run(subject, canaries, script)).items():
            for name, canary in {**canaries, **given}.items():
                if canary in text:
                    found = f"the secret setting {name!r} is in {place}. Leave it out there."
                    raise Broken(found)


def _canaries(subject: Subject, declared: type[Any], fields: Fields) -> Mapping[str, str]:
    """
    Return a telling text for each setting that takes one.

    Where the contract says something that is no secret, it stays: the kit's address, and what a
    call depends on.
    """
    given = dict(subject.case.settings)
    canaries: dict[str, str] = {}
    for name, field in fields.items():
        canary = f"canary-{name}-7c1e9b52"
        if not is_secret(field) and name in given:
            continue
        try:
            whole = filled_in({**given, **canaries, name: canary}, "http://localhost")
            structure(declared, whole, subject=name)
        except SeedcoreError:
            continue
        canaries[name] = canary
    return canaries


def _kept(subject: Subject, fields: Fields, canaries: Mapping[str, str]) -> Iterator[str]:
    """
    Yield the secrets that take no text of the kit's, and are looked for as the contract has them.
    """
    for name, field in fields.items():
        if is_secret(field) and name not in canaries:
            if len(str(subject.case.settings.get(name, ""))) < SHORTEST:
                text = (
                    f"no text fits the secret setting {name!r}. Add it to the contract's settings, "
                    f"{SHORTEST} characters at least, so that it can be looked for."
                )
                raise Broken(text)
            yield name


def _check_sent(trial: Trial, canaries: Mapping[str, str], fields: Fields) -> None:
    """
    What a provider sends as a credential is a secret, whatever it is called.
    """
    for received in trial.requests:
        for header, text in received.headers.items():
            for name, canary in canaries.items():
                if canary in text and CREDENTIALS.search(header) and not is_secret(fields[name]):
                    found = (
                        f"its setting {name!r} is sent in the header {header}, so it is a secret. "
                        "Declare it with secret(...)."
                    )
                    raise Broken(found)


async def _watched_run(
    subject: Subject, canaries: Mapping[str, str], script: Scripted | None
) -> Mapping[str, str]:
    """
    Make a call with the canaries as settings, and return all that came out of it by place.
    """
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder, "audit.sqlite3")
        with _printed() as printed:
            trial = await run(
                subject.case, script, settings=canaries, database=f"sqlite://{database}"
            )
        stored = _read_all(folder)
    seen = {
        "what it prints or logs": printed.getvalue(),
        "an event": json.dumps([event.fields() for event in trial.events], default=str),
        "the database": stored,
    }
    error = trial.error
    if error is not None:
        texts = (str(error), repr(error), error.user_message, repr(pickle.dumps(error)))
        seen["the error"] = "\n".join(texts)
    if isinstance(trial.value, Seed):
        seen["the Seed"] = repr(attrs.asdict(trial.value))
    elif error is None:
        seen["the result"] = repr(trial.value)
    return seen


def _read_all(folder: str) -> str:
    files = (path.read_bytes() for path in sorted(Path(folder).iterdir()))
    return b"".join(files).decode("utf-8", "replace")


@contextmanager
def _printed() -> Iterator[io.StringIO]:
    """
    Collect what goes to stdout, stderr, logging, and loguru, of the whole process.
    """
    from loguru import logger

    printed = io.StringIO()
    handler = logging.StreamHandler(printed)
    root = logging.getLogger()
    level, handlers = root.level, root.handlers
    sink = logger.add(printed, level=0, format="{message} {extra}")
    make = logging.getLogRecordFactory()

    def record(*arguments: Any, **named: Any) -> logging.LogRecord:
        # Also what a logger of its own hands to nobody else.
        made = make(*arguments, **named)
        printed.write(f"{made.getMessage()}\n")
        return made

    def warned(message: Warning | str, *_: Any) -> None:
        printed.write(f"{message}\n")

    logging.setLogRecordFactory(record)
    root.handlers = [handler]  # nobody else wants to see what happens down to DEBUG
    root.setLevel(logging.DEBUG)
    try:
        with redirect_stdout(printed), redirect_stderr(printed), warnings.catch_warnings():
            warnings.simplefilter("always")
            # pytest keeps warnings from being printed.
            warnings.showwarning = warned  # type: ignore[assignment]
            yield printed
    finally:
        logging.setLogRecordFactory(make)
        root.setLevel(level)
        root.handlers = handlers
        logger.remove(sink)


# ------------------------------------------------------------------- race seeds


async def race_no_spoiler(subject: Subject) -> None:
    """
    A spoiler in a seed that people race is an unfair race; refusing races is fine.
    """
    if not loaded(subject.case).operations[subject.case.operation].rolls:
        text = "it makes no seeds"
        raise NotApplicable(text)
    trial = await run(subject.case, request={"race": True, "spoilers": "off"})
    if isinstance(trial.error, (ProviderCapabilityError, ProviderInvalidRequestError)):
        return
    if isinstance(trial.error, SpoilerLeakError):
        text = f"its race seed is refused: {trial.error.provider_message}"
        raise Broken(text)
    seed = trial.value
    if not isinstance(seed, Seed):
        text = f"a race seed becomes {trial.outcome}. Refuse races with ProviderCapabilityError."
        raise Broken(text)
    for name, value in _spoilers({"extra": seed.extra, "settings": seed.settings}, ""):
        if name.startswith("extra.") or isinstance(value, (str, list, Mapping)):
            text = f"its race seed shows {name}. Leave it out where request.race is true."
            raise Broken(text)


async def leaks_refused(subject: Subject) -> None:
    """
    A hook that overlooks a spoiler is found here, and not by whoever races.
    """
    case = subject.case
    provider = loaded(case)
    if not provider.operations[case.operation].rolls or provider.leak is None:
        text = "it has no hook leak" if provider.leak is None else "it makes no seeds"
        raise NotApplicable(text)
    leaking = case.leaking
    if leaking is None:
        text = (
            "nobody has seen its hook leak at work. Add leaking = ... to the contract: what the "
            "upstream answers, in the forms of reply and upstream, where a spoiler isn't hidden."
        )
        raise Broken(text)
    asked = {"race": True, "spoilers": "off"}
    trial = await run(case, leaking, request=asked)
    if isinstance(trial.error, SpoilerLeakError):
        return
    text = (
        f"an answer with a spoiler becomes {trial.outcome}. Let leak(shown, request) say what it "
        "shows, of the answer or page that Rolled(seed, shown=...) carries."
    )
    raise Broken(text)


def _spoilers(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """
    Yield each name with 'spoiler' in it whose value says something.
    """
    if not isinstance(value, Mapping):
        return
    for key, item in value.items():
        name = f"{path}.{key}".lstrip(".")
        if "spoiler" in str(key).lower() and item and item != "off":
            yield name, item
        else:
            yield from _spoilers(item, name)
