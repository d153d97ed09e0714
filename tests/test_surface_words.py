"""
What people type in a chat and on a command line.
"""

from __future__ import annotations

import pytest

from seedcore import chat_words
from seedcore.surface.words import BadWords, key_values, value_of


@pytest.mark.parametrize(
    ("text", "plain", "named"),
    [
        ("", [], {}),
        ("open", ["open"], {}),
        ("  open   hard  ", ["open", "hard"], {}),
        ("open --players=2 --hints", ["open"], {"players": "2", "hints": "yes"}),
        ("--spoiler-race=no", [], {"spoiler_race": "no"}),
        ('--name="Link and Zelda" x', ["x"], {"name": "Link and Zelda"}),
        ("--name=“Link and Zelda”", [], {"name": "Link and Zelda"}),
        ('--name=""', [], {"name": ""}),
        ("--name=", [], {"name": ""}),
        ('"two words" one', ["two words", "one"], {}),
        ("it's a flag", ["it's", "a", "flag"], {}),
        ("iyHq$J9g7@ABC", ["iyHq$J9g7@ABC"], {}),
        ("--flags=a=b", [], {"flags": "a=b"}),
        ("—players=2", [], {"players": "2"}),
    ],
)
def test_a_chat_line_is_read(text: str, plain: list[str], named: dict[str, str]) -> None:
    """
    Words keep their case; phones write one dash for two.
    """
    assert (plain, named) == chat_words(text)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("--", "names nothing. Write for example --players=2 or --hints."),
        ("--=2", "names nothing."),
        ("--a=1 --a=2", "'a' is given twice."),
        ('--name="Link', "has a quote that isn't closed."),
        ("--name=\udce4", "is not valid UTF-8."),
    ],
)
def test_what_cant_be_read_is_said(text: str, sentence: str) -> None:
    """
    With what to write instead.
    """
    with pytest.raises(BadWords) as caught:
        chat_words(text)

    assert sentence in str(caught.value)


def test_a_long_word_is_shown_in_part() -> None:
    """
    Whoever pastes a file hears a short sentence.
    """
    with pytest.raises(BadWords) as caught:
        key_values(["x" * 100_000])

    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2", 2),
        ("true", True),
        ('["a"]', ["a"]),
        ("text", "text"),
        ("NaN", "NaN"),
        ("-Infinity", "-Infinity"),
        ("1e999", "1e999"),
        ("[" * 100_000, "[" * 100_000),
    ],
)
def test_a_value_is_text_unless_it_is_json(text: str, value: object) -> None:
    """
    What JSON itself doesn't have stays text.
    """
    assert value == value_of(text)
