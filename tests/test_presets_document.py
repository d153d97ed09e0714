"""
A preset's YAML is read without trusting it.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import example, given, settings, strategies as st

from seedcore.errors import InvalidPresetError
from seedcore.presets import document
from seedcore.presets.document import MOST_BYTES, read
from seedcore.presets.values import MOST_LEVELS, MOST_NODES

OPEN = """
goal_name: Open
settings:
  mode: open
  crystals: {ganon: "7", tower: 7}
  hints: off
  notes:
    - plain
    - 1.5
    - null
    - >
      folded
      text
"""


def load(content: str | bytes) -> dict[str, Any]:
    """
    Read *content* as the preset ``open`` of ``demo``.
    """
    return read(content, provider="demo", name="open")


def refusal(content: str | bytes) -> str:
    """
    Return what is wrong with *content*.
    """
    with pytest.raises(InvalidPresetError) as caught:
        load(content)
    error = caught.value
    assert ("demo", None) == (error.provider, error.__cause__)
    assert error.provider_message.startswith("the preset 'open': ")
    assert len(error.provider_message) < 250
    return error.provider_message.removeprefix("the preset 'open': ")


def test_a_document_is_plain_values() -> None:
    """
    Texts, numbers, booleans, nothing, lists and mappings, as PyYAML's safe loader has them.
    """
    expected = {
        "goal_name": "Open",
        "settings": {
            "mode": "open",
            "crystals": {"ganon": "7", "tower": 7},
            "hints": False,
            "notes": ["plain", 1.5, None, "folded text\n"],
        },
    }

    assert expected == load(OPEN)
    assert expected == load(OPEN.encode())
    assert expected == load(b"\xef\xbb\xbf" + OPEN.encode())
    assert expected == load("\ufeff" + OPEN.replace("\n", "\r\n"))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("007", 7),
        ("0x1F", 31),
        ("1_000", 1000),
        (".5", 0.5),
        ("~", None),
        ("", None),
        ("yes", True),
        ("'yes'", "yes"),
        ("!!str 7", "7"),
        ("!!int '7'", 7),
        ("=", "="),
        ("<<", "<<"),
        ("3.1.0", "3.1.0"),
        ("1e5", "1e5"),
        ("{}", {}),
        ("[]", []),
        ('"\\u00e9 \\U0001F40E"', "é 🐎"),
    ],
)
def test_values(text: str, value: object) -> None:
    """
    Scalars mean what they mean to every reader of YAML 1.1.
    """
    found = load(f"a: {text}")["a"]

    assert (type(value), value) == (type(found), found)


def test_keys_are_the_text_that_was_written() -> None:
    """
    A number or an unquoted switch as a key is not made into something else.
    """
    expected = {"0": 1, "007": 2, "on": 3, "1.50": 4, "~": 5, "": 6, "2001-01-01": 7}

    assert expected == load("0: 1\n007: 2\non: 3\n1.50: 4\n~: 5\n? \n: 6\n2001-01-01: 7")


def test_aliases_and_merges() -> None:
    """
    Each use is a copy of its own; in a merge, what a mapping says itself wins.
    """
    found = load(
        "base: &base {a: 1, b: [2]}\n"
        "more: &more {b: 3, c: 4}\n"
        "one: {<<: *base, a: 5}\n"
        "two: {d: 6, <<: [*base, *more]}\n"
        "same: *base\n"
        "&key text: *key\n"
    )
    found["base"]["b"].append("changed")

    assert {"a": 5, "b": [2]} == found["one"]
    assert {"a": 1, "b": [2], "c": 4, "d": 6} == found["two"]
    assert {"a": 1, "b": [2]} == found["same"]
    assert "text" == found["text"]


def test_every_reader_has_a_copy() -> None:
    """
    The document is parsed once; what one call changes, the next one doesn't see.
    """
    first = load(OPEN)
    first["settings"]["notes"].clear()
    first["settings"]["mode"] = "changed"

    assert "open" == load(OPEN)["settings"]["mode"]
    assert 4 == len(load(OPEN)["settings"]["notes"])


def test_documents_that_are_kept_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The one that was not used for longest is parsed again.
    """
    parsed = []
    parse = document._parsed
    monkeypatch.setattr(document, "KEPT", 30)
    monkeypatch.setattr(document, "_KNOWN", document._Documents())
    monkeypatch.setattr(document, "_parsed", lambda text: parsed.append(text) or parse(text))
    for key in ("a", "b", "a", "c", "a", "b"):
        load(f"{key}: 12345678")

    assert ["a", "b", "c", "b"] == [text[0] for text in parsed]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "it must be a mapping, with a line 'settings:'"),
        ("# nothing", "it must be a mapping, with a line 'settings:'"),
        ("- a", "it must be a mapping, with a line 'settings:'"),
        ("just text", "it must be a mapping, with a line 'settings:'"),
        ("7", "it must be a mapping, with a line 'settings:'"),
        (b"\xff\xfea\x00", "it is binary, no UTF-8 text"),
        (b"a: \xc3", "it is binary, no UTF-8 text"),
        (b"\x89PNG\r\n", "it is binary, no UTF-8 text"),
        (b"a: 1\nb: \x00", "it is binary: line 2 has a control character"),
        ("a: \x1b[31m", "it is binary: line 1 has a control character"),
        ("a: \x9b", "it is binary: line 1 has a control character"),
        ("a: \ud800", "it is binary: line 1 has a control character"),
        ("a: " + "x" * MOST_BYTES, "it is longer than 64 KiB, the most that is read"),
        ("é" * (MOST_BYTES // 2 + 1), "it is longer than 64 KiB, the most that is read"),
        ("a: 1\n---\nb: 2", "line 2, column 1: a second document begins, and a preset is one"),
        ("a: [1, 2", "line 1, column 9: expected ',' or ']', but got the end"),
        ("a: b: c", "line 1, column 5: mapping values are not allowed here"),
        (
            "a:\n\t- b",
            "line 2, column 1: found character '\\t' that cannot start any token; indent with",
        ),
        ("a: 1\nb: 2\na: 3", "line 3, column 1: the key 'a' is there twice"),
        ("0: 1\n'0': 2", "line 2, column 1: the key '0' is there twice"),
        ("a: {b: 1, b: 1}", "line 1, column 11: the key 'b' is there twice"),
        ("? [a]\n: b", "line 1, column 3: a key must be a plain text"),
        ("a: &x {}\n? *x\n: b", "line 2, column 3: a key must be a plain text"),
        ("a: 2001-01-01", "line 1, column 4: a date is no value that a preset may have; a text "),
        ("a: 2001-01-01 10:00:00", "line 1, column 4: a date is no value that a preset may have"),
        ("a: !!binary aGk=", "line 1, column 4: binary is no value that a preset may have"),
        ("a: !!set {b}", "line 1, column 4: a set is no value that a preset may have"),
        ("a: !!omap [b: 1]", "line 1, column 4: an ordered map is no value that a preset may"),
        ("!!set {b}", "line 1, column 1: a set is no value that a preset may have"),
        (
            "a: !!python/object/apply:os.system ['true']",
            "line 1, column 4: the tag 'python/object/apply:os.system' is not allowed",
        ),
        ("a: !!python/name:os.system ''", "line 1, column 4: the tag 'python/name:os.system' is"),
        ("a: !own 7", "line 1, column 4: the tag '!own' is not allowed"),
        ("a: !!map 7", "line 1, column 4: the tag 'map' is not allowed"),
        ("a: !!seq {}", "line 1, column 4: the tag 'seq' is not allowed"),
        ("a: .nan", "line 1, column 4: a number must be finite"),
        ("a: -.inf", "line 1, column 4: a number must be finite"),
        ("a: 1.0e+999", "line 1, column 4: a number must be finite"),
        ("a: " + "9" * 101, "line 1, column 4: a number has at most 100 characters; quote a text"),
        ("a: " + "1:" * 5000 + "1", "line 1, column 4: a number has at most 100 characters"),
        ("a: !!int many", "line 1, column 4: 'many' is not what its tag says"),
        ("a: !!bool maybe", "line 1, column 4: 'maybe' is not what its tag says"),
        ("a: !!float ''", "line 1, column 4: '' is not what its tag says"),
        ("a: 0b_", "line 1, column 4: '0b_' is not what its tag says"),
        ('a: "\\ud800"', "line 1, column 4: a text must not have control characters"),
        ('a: "\\0"', "line 1, column 4: a text must not have control characters"),
        ('"\\e": a', "line 1, column 1: a text must not have control characters"),
        ('a: "\\UFFFFFFFF"', "it is no valid YAML (OverflowError)"),
        ("a: *b", "line 1, column 4: nothing is called &b"),
        ("a: &b [*b]", "line 1, column 8: &b contains itself"),
        ("a: &b {c: {d: *b}}", "line 1, column 15: &b contains itself"),
        ("a: &b {<<: *b}", "line 1, column 12: &b contains itself"),
        ("a: &b 1\nc: &b 2", "line 2, column 4: &b is there twice"),
        ("a: {<<: 7}", "line 1, column 9: << takes a mapping or a list of mappings"),
        ("a: {<<: [{}, 7]}", "line 1, column 15: << takes a mapping or a list of mappings"),
        ("%YAML 9.9\n---\na: 1", "line 1, column 1: found incompatible YAML document"),
    ],
)
def test_what_is_wrong_gets_a_sentence(content: str | bytes, sentence: str) -> None:
    """
    It says what, and in which line and column.
    """
    assert refusal(content).startswith(sentence)


def test_long_things_are_quoted_in_part() -> None:
    """
    A sentence stays a sentence.
    """
    long = "k" * 500
    for content in (
        f"{long}: 1\n{long}: 2",
        f"a: *{long}",
        f"a: !{long} 1",
        f"a: &{long} [*{long}]",
        f"a: !!int {long[:90]}",
        f"a: !{long}!x 1",
    ):
        assert "kkkkk" in refusal(content)


@pytest.mark.parametrize(
    ("begin", "end"), [("[", "]"), ("{a: ", "}"), ("[{a: ", "}]"), ("- ", "")], ids=str
)
def test_nesting_has_a_limit(begin: str, end: str) -> None:
    """
    However deep it is, it is a sentence and no RecursionError.
    """
    levels = (begin.count("[") + begin.count("{")) or 1
    fits = (MOST_LEVELS - 1) // levels
    line_break = "\n" if not end else ""
    deep = 60_000 // len(begin + end)

    load(f"a: {line_break}{begin * fits}x{end * fits}")
    text = f"a: {line_break}{begin * deep}x{end * deep}"
    assert refusal(text).endswith("it is nested more than 20 levels deep")
    assert refusal(f"a: {begin * deep}")


def test_aliases_count_as_deep_as_what_they_repeat() -> None:
    """
    A chain of them reaches the limit as if it were written out.
    """
    lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 30))]

    load("\n".join(lines[: MOST_LEVELS - 1]))
    assert "nested more than 20 levels deep" in refusal("\n".join(lines))


def test_aliases_count_as_often_as_they_are_used() -> None:
    """
    A few lines that would become 10^29 values are refused before any is made.
    """
    bomb = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    bomb += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 15)]

    assert "it has more than 10,000 values" in refusal("\n".join(bomb))
    merges = ["a0: &a0 {k: [1, 2, 3, 4, 5, 6, 7, 8, 9]}"]
    merges += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 20)}]}}" for n in range(1, 15)]
    assert "it has more than 10,000 values" in refusal("\n".join(merges))


def test_the_number_of_values_has_a_limit() -> None:
    """
    The whole, the key and the list count too.
    """
    fits = MOST_NODES - 3

    assert fits == len(load(f"a: [{'1,' * fits}]")["a"])
    assert "it has more than 10,000 values" in refusal(f"a: [{'1,' * (fits + 1)}]")


WORDS = (
    "a b settings: - [ ] { } , : ? & * ! | > ' \" % @ ` # << &a *a !!int !!python/x .nan 1 0x "
    "0b_ 1:2 --- ... \\u \\x 2001-01-01 é 🐎"
)
PIECES = st.sampled_from([*WORDS.split(), "\t", "\n", "\r", "\x00", "\x85", "\ufeff", "\ud800"])


@settings(deadline=None)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.text(max_size=200),
        st.lists(st.one_of(PIECES, st.sampled_from([" ", "\n", "\n  "])), max_size=40).map("".join),
    )
)
@example(b"")
@example("a: " + "&a " * 100)
@example("? " * 100)
@example('a: "\\')
def test_anything_is_a_document_or_a_sentence(content: str | bytes) -> None:
    """
    What is read can be sent as JSON, and nothing else is ever raised.
    """
    try:
        found = load(content)
    except InvalidPresetError as error:
        message = error.provider_message
        assert re.match(r"the preset 'open': ", message)
        assert "\n" not in message
        return
    assert isinstance(found, dict)
    json.dumps(found, allow_nan=False).encode()


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text("abc on07é", max_size=8),
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.text("ab0", max_size=3), inner)
        ),
        max_leaves=20,
    )
)
def test_json_is_read_as_it_is(value: Any) -> None:
    """
    Whatever a program writes as JSON is a document too.
    """
    assert {"a": value} == load(json.dumps({"a": value}))
