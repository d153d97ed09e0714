"""
What people type: ``KEY=VALUE``, a settings document, a point in time.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import click

from seedcore.surface import words
from seedcore.surface.words import finite, no_number, value_of

if TYPE_CHECKING:
    from seedcore.surface.form import Form

_SPAN = re.compile(r"(\d{1,9})\s*([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
LATEST = 1e11
"""Epoch seconds beyond which nobody means a moment: the year 5138."""


def key_values(ctx: click.Context, _param: click.Parameter, items: Sequence[str]) -> dict[str, str]:
    """
    Return ``KEY=VALUE`` items as a mapping of texts.
    """
    try:
        return words.key_values(items)
    except words.BadWords as error:
        _refuse(ctx, str(error))


def meant(texts: Mapping[str, str], form: Form | None = None) -> dict[str, Any]:
    """
    Return what *texts* mean to an operation: what its *form* says of each, else JSON or a text.

    One in quotes is always the text in them.
    """
    quoted = {key: value_of(text) for key, text in texts.items() if text[:1] == '"'}
    plain = {key: text for key, text in texts.items() if key not in quoted}
    if form is None:
        return {key: value_of(text) for key, text in plain.items()} | quoted
    return form.own_arguments(plain) | quoted


def settings_document(source: str) -> Mapping[str, Any]:
    """
    Read a settings document: a JSON file, TOML if its name ends so, ``-`` for stdin.

    Raises SettingsError that names file, line and reason.
    """
    from seedcore.errors import SettingsError

    if source.lower().endswith(".toml"):
        from pathlib import Path

        from seedcore.settings.sources import read_toml

        return read_toml(Path(source))
    name = "on standard input" if source == "-" else source
    advice = ""
    try:
        stream = click.open_file(source, "rb")
        with stream:
            document = _document(stream.read())
    except OSError as error:
        problem = f"can't be read: {error.strerror}"
    except ValueError as error:
        problem = f"is not valid JSON: {error}"
        advice = _other_form(source)
    except RecursionError:
        problem = "is not valid JSON: it is nested too deeply"
    else:
        if isinstance(document, dict):
            return document
        problem = "must hold one JSON object: names and values in braces"
    msg = f"The settings file {name} {problem}.{advice}"
    raise SettingsError(msg)


def _other_form(source: str) -> str:
    """
    Return what to do with a file whose name promises something else than JSON.
    """
    ending = source.lower().rpartition(".")[2]
    if source == "-" or ending == "json":
        return ""
    advice = " A settings file is JSON, or TOML if its name ends with .toml."
    if ending in ("yaml", "yml"):
        advice += " Documents in YAML are presets: save it as one, and name it with --preset."
    return advice


def _document(content: bytes) -> Any:
    try:
        text = content.decode("utf-8-sig")
        return json.loads(text, parse_constant=no_number, parse_float=finite)
    except UnicodeDecodeError as error:
        reason, place = "no UTF-8 text", content.count(b"\n", 0, error.start)
    except json.JSONDecodeError as error:
        reason, place = error.msg, error.lineno - 1
    except ValueError as error:
        # json doesn't say where a number stands that it can't take.
        reason, word = str(error), str(error).partition(" ")[0]
        place = text.partition(word)[0].count("\n") if word in text else 0
    msg = f"{reason} (at line {place + 1})"
    raise ValueError(msg)


def point_in_time(ctx: click.Context, param: click.Parameter, text: str | None) -> float | None:
    """
    Return epoch seconds for a date or time (UTC if no zone is given), a number, or a span ago.
    """
    return _point(ctx, param, text, ahead=-1)


def moment_to_come(ctx: click.Context, param: click.Parameter, text: str | None) -> float | None:
    """
    Return epoch seconds as ``point_in_time`` does; a span is from now on.
    """
    return _point(ctx, param, text, ahead=1)


def _point(
    ctx: click.Context, param: click.Parameter, text: str | None, *, ahead: int
) -> float | None:
    if text is None:
        return None
    moment = _moment(text.strip(), ahead)
    if moment is None or not abs(moment) < LATEST:
        _refuse(
            ctx,
            f"{param.opts[0]} can't be {text[:40]!a}. Write a date (2026-11-21), a time "
            "(2026-11-21T18:30), epoch seconds (1795285800) or a span (30m, 2h, 7d).",
        )
    return max(0.0, moment)


def _moment(text: str, ahead: int) -> float | None:
    span = _SPAN.fullmatch(text)
    if span:
        return time.time() + ahead * int(span[1]) * _SECONDS[span[2]]
    try:
        # Eight digits are a date such as 20261121, not a night in 1970.
        if not re.fullmatch(r"\d{8}", text):
            return float(text)
    except ValueError:
        pass
    from datetime import UTC, datetime

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _refuse(ctx: click.Context, message: str) -> NoReturn:
    raise click.UsageError(message, ctx)
