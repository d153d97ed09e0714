"""
Secrets are taken out of everything that leaves.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from seedcore.redact import MASK, Redactor

SECRET = "canary/to ken+1"


@pytest.fixture
def redactor() -> Redactor:
    """
    One that knows two secrets.
    """
    return Redactor([SECRET, "hunter22"])


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        f"Authorization: Bearer {SECRET}",
        f"{SECRET}{SECRET} and hunter22",
        "?key=canary%2Fto%20ken%2B1",
        "?key=canary%2Fto+ken%2B1",
        "?key=canary%2fto%20ken%2b1",
        "?key=canary/to+ken%2B1",
    ],
)
def test_a_secret_is_masked_wherever_it_stands(redactor: Redactor, text: str) -> None:
    """
    Plain and in every way an address encodes it, as often as it occurs.
    """
    shown = redactor.text(text)

    assert MASK in shown
    for part in ("canary", "hunter", "ken"):
        assert part not in shown


def test_other_words_stay(redactor: Redactor) -> None:
    """
    Nothing else is changed.
    """
    assert "to ken, hunter2" == redactor.text("to ken, hunter2")


@pytest.mark.parametrize("secret", ["", "a", "abc"])
def test_short_ones_are_no_secrets(secret: str) -> None:
    """
    They would mask half of every text.
    """
    assert "abcabc" == Redactor([secret]).text("abcabc")


def test_a_secret_within_another_leaves_nothing_over() -> None:
    """
    The longer one is masked first.
    """
    assert MASK == Redactor(["hunter", "hunter22"]).text("hunter22")


def test_a_mask_is_not_masked_again() -> None:
    """
    A secret that looks like the mask does no harm.
    """
    assert "*** and ***" == Redactor(["hunter22", "****"]).text("hunter22 and ****")


class Pair(NamedTuple):
    """
    A tuple that isn't made of one iterable.
    """

    name: str
    value: str


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("hunter22", MASK),
        (["hunter22", 1], [MASK, 1]),
        (("hunter22", 1), (MASK, 1)),
        ({"a": {"b": ["hunter22"]}}, {"a": {"b": [MASK]}}),
        ({"hunter22": 1}, {MASK: 1}),
        (Pair("a", "hunter22"), Pair("a", MASK)),
        (7, 7),
        (None, None),
        (True, True),
        (1.5, 1.5),
    ],
    ids=repr,
)
def test_plain_data_is_searched_all_through(redactor: Redactor, value: Any, expected: Any) -> None:
    """
    Values and keys, at any depth; the shape stays.
    """
    shown = redactor.plain(value)

    assert (type(expected), expected) == (type(shown), shown)


def test_without_secrets_nothing_is_copied() -> None:
    """
    Most providers have none, and pay nothing.
    """
    value = {"a": ["b"]}

    assert value is Redactor().plain(value)
