"""
``KEY=VALUE``, settings documents and points in time, as people type them.
"""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import given, strategies as st

from seedcore.cli.values import key_values, meant, point_in_time, settings_document
from seedcore.errors import SettingsError

CONTEXT = click.Context(click.Command("demo"))
PARAMETER = click.Option(["--since"])
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def values(*items: str) -> dict[str, Any]:
    """
    Return what the items mean.
    """
    return meant(key_values(CONTEXT, PARAMETER, items))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("classic", "classic"),
        ("", ""),
        ("7", 7),
        ("-1.5", -1.5),
        ("007", "007"),
        ("true", True),
        ("True", "True"),
        ("null", None),
        ('"7"', "7"),
        ("[1, 2]", [1, 2]),
        ('{"a": {"b": []}}', {"a": {"b": []}}),
        ("[1, 2", "[1, 2"),
        ("a=b", "a=b"),
        ("NaN", "NaN"),
        ("-Infinity", "-Infinity"),
        ("[NaN]", "[NaN]"),
        ("1e999", "1e999"),
        ("[" * 100_000, "[" * 100_000),
        ("9" * 5_000, "9" * 5_000),
    ],
)
def test_a_value_is_text_unless_it_is_json(text: str, value: object) -> None:
    """
    Numbers, true, false, null, quoted text, lists and objects are JSON; all else is text.
    """
    result = values(f"key={text}")

    assert {"key": value} == result
    assert type(value) is type(result["key"])


@given(value=JSON_VALUES, key=st.from_regex(r"[a-z_]+", fullmatch=True))
def test_every_json_value_arrives(value: object, key: str) -> None:
    """
    Whatever JSON can say can be passed.
    """
    assert {key: value} == values(f"{key}={json.dumps(value)}")


@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_every_text_arrives_quoted(text: str) -> None:
    """
    Any text can be passed as it is when it is quoted.
    """
    assert {"key": text} == values(f"key={json.dumps(text, ensure_ascii=False)}")


@pytest.mark.parametrize(
    ("items", "sentence"),
    [
        (["classic"], "'classic' is not KEY=VALUE. Write for example players=2 or name=text."),
        (["=2"], "'=2' is not KEY=VALUE."),
        (["a=1", "a=2"], "'a' is given twice. Give it once; a list is [1, 2]."),
        (["a=\udcff"], "is not valid UTF-8"),
        (["x" * 1000], "..."),
    ],
)
def test_what_is_no_key_and_value_is_refused(items: list[str], sentence: str) -> None:
    """
    The sentence names the item and how it should look.
    """
    with pytest.raises(click.UsageError) as caught:
        values(*items)

    assert sentence in caught.value.message
    assert len(caught.value.message) < 200


@pytest.fixture
def far_from_greenwich() -> Iterator[None]:
    """
    A machine whose local time is not UTC.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "NST+3:30")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1795285800", 1795285800.0),
        ("1795285800.5", 1795285800.5),
        ("0", 0.0),
        ("2026-11-21", 1795219200.0),
        ("20261121", 1795219200.0),
        ("2026-11-21T18:30", 1795285800.0),
        ("2026-11-21 18:30:00Z", 1795285800.0),
        ("2026-11-21T19:30+01:00", 1795285800.0),
        ("9999w", 0.0),
    ],
)
def test_a_point_in_time(far_from_greenwich: None, text: str, moment: float) -> None:
    """
    Dates and times are UTC unless they name a zone; numbers are epoch seconds.
    """
    assert moment == point_in_time(CONTEXT, PARAMETER, text)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30m", 1800), ("2h", 7200), ("7d", 604800), ("1w", 604800)]
)
def test_a_span_counts_back_from_now(text: str, seconds: int) -> None:
    """
    2h is two hours ago.
    """
    before = time.time()
    moment = point_in_time(CONTEXT, PARAMETER, text)
    after = time.time()

    assert moment is not None
    assert before - seconds <= moment <= after - seconds


@pytest.mark.parametrize("text", ["yesterday", "", "2026-13-01", "nan", "inf", "1e300", "2 hours"])
def test_what_is_no_point_in_time_is_refused(text: str) -> None:
    """
    The sentence shows all the forms that can be written.
    """
    with pytest.raises(click.UsageError, match=r"--since can't be .*2026-11-21.*30m, 2h, 7d"):
        point_in_time(CONTEXT, PARAMETER, text)


def test_no_point_in_time_is_none() -> None:
    """
    Without --since there is no limit.
    """
    assert point_in_time(CONTEXT, PARAMETER, None) is None


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", b'{"goal": "ganon", "n": [1, 2.5]}'),
        ("a.txt", b'\xef\xbb\xbf{"goal": "ganon",\n "n": [1, 2.5]}\n'),
        ("a.toml", b'goal = "ganon"\nn = [1, 2.5]\n'),
        ("A.TOML", b'goal = "ganon"\nn = [1, 2.5]\n'),
    ],
)
def test_a_settings_document(tmp_path: Path, name: str, content: bytes) -> None:
    """
    A file is JSON, unless its name ends in .toml.
    """
    path = tmp_path / name
    path.write_bytes(content)

    assert {"goal": "ganon", "n": [1, 2.5]} == settings_document(str(path))


def test_a_settings_document_from_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A hyphen reads JSON from standard input.
    """
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"goal": 1}')))

    assert {"goal": 1} == settings_document("-")


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.json", b"{\n'a': 1}", "is not valid JSON: Expecting property name enclosed in double"),
        ("a.json", b"{}\n\nx", "is not valid JSON: Extra data (at line 3)."),
        ("a.json", b"", "is not valid JSON: Expecting value (at line 1)."),
        ("a.json", b'{\n"a":\nNaN}', "is not valid JSON: NaN is not a JSON number (at line 3)."),
        ("a.json", b'{\n"a": 1e999}', "1e999 is not a JSON number (at line 2)."),
        ("a.json", b'{\n"a": "\xff"}', "is not valid JSON: no UTF-8 text (at line 2)."),
        ("a.json", b"[" * 100_000, "is not valid JSON: it is nested too deeply."),
        ("a.json", b"x", "Expecting value (at line 1)."),
        ("a.txt", b"x", "(at line 1). A settings file is JSON, or TOML if its name ends with .t"),
        ("a.yaml", b"x: 1", "Documents in YAML are presets: save it as one, and name it with --pr"),
        ("a.json", b"[1]", "must hold one JSON object: names and values in braces."),
        ("a.toml", b"a = 1\nb =\n", "is not valid TOML: Invalid value (at line 2"),
    ],
)
def test_a_settings_document_that_is_not_valid(
    tmp_path: Path, name: str, content: bytes, problem: str
) -> None:
    """
    The sentence names file, line and reason.
    """
    path = tmp_path / name
    path.write_bytes(content)

    with pytest.raises(SettingsError) as caught:
        settings_document(str(path))

    assert str(caught.value).startswith(f"The settings file {path} ")
    assert problem in str(caught.value)


@pytest.mark.parametrize("name", ["missing.json", "missing.toml", "."])
def test_a_settings_document_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    """
    The sentence names the file and the system's reason.
    """
    with pytest.raises(SettingsError, match=r"can't be read: (No such file|Is a directory)"):
        settings_document(str(tmp_path / name))
