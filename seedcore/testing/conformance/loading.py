"""
Rules about what a plugin is before anything is called.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import subprocess
import sys
import tempfile
import types
from pathlib import Path
from typing import Any

from seedcore.contract.deadline import Clock
from seedcore.errors import BrokenPluginError, InvalidPresetError, clean_text
from seedcore.hookspecs import Hooks, is_secret
from seedcore.model import kind_of
from seedcore.plugins import Registry
from seedcore.presets import Presets
from seedcore.presets.files import content_of, find_in, names_in, shipped_folder
from seedcore.presets.takers import taker_of
from seedcore.settings import Settings
from seedcore.settings.structure import fields_of
from seedcore.testing.conformance.rules import Broken, NotApplicable, Subject
from seedcore.testing.conformance.trial import loaded

LONGEST = 10.0
"""Seconds after which an import is given up."""
MARKS = ("seedcore_impl", "__seedcore_operation__")
"""What a method has that is a hook or an operation."""
TRIES = 3
"""Imports of which the fastest counts: a busy machine makes any of them slow."""


async def hashable(subject: Subject) -> None:
    """
    A plain ``@attrs.define`` class compares by value, which takes the hash away.
    """
    if not _can_be_hashed(subject.case.target):
        kind = type(subject.case.target).__name__
        text = (
            f"an instance of {kind} can't be hashed. Make the class with @attrs.define(eq=False)."
        )
        raise Broken(text)


async def hooks_valid(subject: Subject) -> None:
    """
    pluggy checks the marked hooks; a hook that lost its mark is never called, without a word.
    """
    target = subject.case.target
    if not _can_be_hashed(target):
        text = "a provider that can't be hashed (hashable) has its hooks not looked at"
        raise NotApplicable(text)
    try:
        loaded(subject.case)
    except BrokenPluginError as error:
        raise Broken(error.reason) from error
    if inspect.isroutine(target) or isinstance(target, types.ModuleType):
        return
    for name in vars(Hooks):
        member = getattr(type(target), name, None)
        marked = any(hasattr(member, mark) for mark in MARKS)
        if not name.startswith("_") and inspect.isroutine(member) and not marked:
            text = f"nothing ever calls its method {name}. Mark it with @hookimpl, or rename it."
            raise Broken(text)


def _can_be_hashed(target: Any) -> bool:
    try:
        hash(target)
    except TypeError:
        return False
    return True


async def settings_documented(subject: Subject) -> None:
    """
    What ``seedcore show`` prints is all that a user sees of a setting.
    """
    declaration = loaded(subject.case).declaration
    for what, declared in (("setting", declaration.settings), ("option", declaration.options)):
        for name, field in fields_of(declared).items() if declared else ():
            if not str(field.metadata.get("help", "")).strip():
                maker = "secret" if is_secret(field) else "setting"
                text = f"the {what} {name!r} has no help. Give it {maker}(..., help='...')."
                raise Broken(text)


async def presets_fit(subject: Subject) -> None:
    """
    A preset that no call can use is found here, and not by whoever asks for it.
    """
    registry = Registry()  # a preset may be for another provider
    registry.add(subject.case.name, subject.case.target)
    operation = registry.load(subject.case.name).operations[subject.case.operation]
    asked = operation.name if operation.rolls else "generate"
    taker = taker_of(registry, kind_of(subject.case.name, asked))
    declared = taker.documents.presets
    if declared is None:
        text = "it declares no presets"
        raise NotApplicable(text)
    folder = shipped_folder(taker)
    names = sorted(names_in(folder))
    if folder is None or not names:
        text = (
            f'it declares presets="{declared}", and there is no such folder with one beside its '
            f"module. Add {declared}/<name>.yaml, and see that the package contains it."
        )
        raise Broken(text)
    presets = _presets_of(registry)
    for name in names:
        _check_preset(presets, taker.name, folder, name)


def _presets_of(registry: Registry) -> Presets:
    """
    Return the presets of a program without settings and without a database.
    """
    with tempfile.TemporaryDirectory() as empty:
        settings = Settings.load({}, environ={}, directory=Path(empty))
    return Presets(registry, settings, lambda: None, Clock())


def _check_preset(presets: Presets, provider: str, folder: Path, name: str) -> None:
    file = find_in(folder, name)
    if file is None:  # it is gone by now
        return
    try:
        presets.check(provider, name, content_of(file, provider=provider, name=name))
    except InvalidPresetError as error:
        said = error.provider_message.removeprefix(f"the preset {name!r}: ")
        text = f"its {folder.name}/{file.path.name} can't be used: {said}."
        raise Broken(text) from None


async def loads_fast(subject: Subject) -> None:
    """
    Listing and starting must not wait for a plugin; a fresh process imports it alone.

    Counted is processor time, since a busy machine lets everybody wait.
    """
    seconds = float("inf")
    for _ in range(TRIES):
        facts = await _import_alone(subject)
        if facts["elsewhere"]:
            text = (
                f"importing it asks the network for {', '.join(facts['elsewhere'])}. "
                "Do that in a 'start' hook."
            )
            raise Broken(text)
        seconds = min(seconds, facts["seconds"])
        if seconds <= subject.limits.load:
            return
    text = (
        f"importing it takes {seconds:.1f} s, more than {subject.limits.load:g} s. "
        "Import what is heavy where it is used, and do work in a 'start' hook."
    )
    raise Broken(text)


ALONE = """
import importlib, importlib.util, json, sys, time
path, name, file = json.loads(sys.argv[1])
sys.path[:] = path
import seedcore.testing.conformance.guard as guard
import seedcore, seedcore.plugins, attrs, inspect
with guard.guarded() as watching:
    started, worked = time.perf_counter(), time.process_time()
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name not in (name, name.partition(".")[0]) or not file:
            raise
        spec = importlib.util.spec_from_file_location(name, file)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    except Exception:
        if not watching.elsewhere:
            raise
    worked = time.process_time() - worked
    waited = time.perf_counter() - started - worked
# A busy machine lets a process wait for its turn; a sleep on purpose is longer than that.
seconds = worked if waited < 4 else worked + waited
print(json.dumps({"seconds": seconds, "elsewhere": watching.elsewhere}))
"""
"""Imports one module in a process of its own; says how long it took and what it reached for."""


async def _import_alone(subject: Subject) -> dict[str, Any]:
    module = _module_of(subject.case.target)
    known = sys.modules.get(module)
    asked = json.dumps([sys.path, module, getattr(known, "__file__", None)])
    command = [sys.executable, "-c", ALONE, asked]
    try:
        process = await asyncio.to_thread(
            subprocess.run, command, capture_output=True, timeout=LONGEST, check=False
        )
    except subprocess.TimeoutExpired:
        text = f"importing {module} in a fresh process hasn't ended after {LONGEST:g} s."
        raise Broken(text) from None
    if process.returncode:
        last = process.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        text = f"importing {module} in a fresh process fails: {clean_text(' '.join(last), 300)}"
        raise Broken(text)
    facts: dict[str, Any] = json.loads(process.stdout.splitlines()[-1])
    return facts


def _module_of(target: Any) -> str:
    if isinstance(target, types.ModuleType):
        return target.__name__
    while hasattr(target, "func"):  # a functools.partial
        target = target.func
    holder = target if inspect.isroutine(target) else type(target)
    return str(holder.__module__)
