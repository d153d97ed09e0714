"""
What may be asked: it is checked before anything is sent.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest
from hypothesis import given, strategies as st

from seedcore import ProviderInvalidRequestError
from seedcore_s3.asked import LARGEST, disposition_of, fault_of_key

FILE = {"key": "logs/one.json", "content": b"{}", "content_type": "application/json"}
KEYS = [
    "",
    "/a",
    "a/",
    "a//b",
    "..",
    "a/../b",
    "./a",
    "a\nb",
    "a\x7f",
    "a\x85",
    "x" * 901,
    "ü" * 451,
]
WRONG = [
    ("put", {"content": "text"}, "must be bytes, not str"),
    ("put", {"content": bytes(LARGEST + 1)}, "67,108,865 bytes, and 67,108,864 are allowed"),
    ("put", {"content_type": "json"}, "content_type must be one such as"),
    ("put", {"content_type": "text/plain\r\nX-Evil: 1"}, "content_type must be one such as"),
    ("put", {"encoding": "br"}, "encoding must be gzip"),
    ("put", {"encoding": ["gzip"]}, "encoding must be gzip"),
    ("put", {"filename": "../.."}, "filename must be a name"),
    ("put", {"filename": b"a"}, "filename must be a name"),
    ("put", {"public": "yes"}, "public must be true or false"),
    ("link", {"seconds": 0}, "from 1 to 604,800"),
    ("link", {"seconds": 604_801}, "from 1 to 604,800"),
    ("link", {"seconds": 1.5}, "from 1 to 604,800"),
    ("link", {"seconds": True}, "from 1 to 604,800"),
    *(
        (operation, {"key": key}, "the key ")
        for operation in ("put", "get", "link", "delete")
        for key in (*KEYS, "a\ud800", None, b"a")
    ),
]
FILENAMES = {
    "spoiler.json": 'attachment; filename="spoiler.json"',
    "../../etc/passwd": 'attachment; filename="passwd"',
    "C:\\logs\\a.txt": 'attachment; filename="a.txt"',
    'a"; evil="b.txt': 'attachment; filename="a; evil=b.txt"',
    "a\r\nX-Evil: 1": 'attachment; filename="aX-Evil 1"',
    "zelda\u202egpj.exe": 'attachment; filename="zeldagpj.exe"',
    "Söß 日.txt": (
        "attachment; filename=\"S__ _.txt\"; filename*=UTF-8''S%C3%B6%C3%9F%20%E6%97%A5.txt"
    ),
    " .hidden. ": 'attachment; filename="hidden"',
}


@pytest.mark.parametrize(("operation", "wrong", "words"), WRONG, ids=range(len(WRONG)))
async def test_what_can_not_be_is_refused(runner, store, operation, wrong, words):
    """
    With a sentence that has no key in it, and without a request.
    """
    asked = {"put": FILE, "link": {"seconds": 60}}.get(operation, {})
    asked = {"key": "logs/one.json", **asked, **wrong}

    with pytest.raises(ProviderInvalidRequestError) as caught:
        await runner.call("s3", operation, surface="tests", **asked)

    assert words in caught.value.provider_message
    assert (0, []) == (caught.value.attempts, store.requests)


@pytest.mark.parametrize("seconds", [1, 604_800])
async def test_a_link_may_be_good_for_a_second_and_for_a_week(runner, seconds):
    """
    These are the limits of the signature.
    """
    found = await runner.call("s3", "link", key="a", seconds=seconds, surface="tests")

    assert f"X-Amz-Expires={seconds}&" in found


@pytest.mark.parametrize(("filename", "header"), FILENAMES.items())
def test_a_filename_is_made_harmless(filename, header):
    """
    No folder, no second header, no letters that turn the others around.
    """
    assert header == disposition_of(filename)


@given(st.text())
def test_no_filename_makes_another_header(filename):
    """
    One quoted name of printable letters, and the same as UTF-8 where it has others.
    """
    header = disposition_of(filename)

    found = re.fullmatch(r"attachment; filename=\"([ -~]*)\"(?:; filename\*=UTF-8''(\S*))?", header)
    assert found is not None
    assert not set(found[1]) & set('"\\/')
    assert len(found[1]) == len(unquote(found[2] or found[1]))


@given(st.text(min_size=1, max_size=950))
def test_a_key_that_is_taken_is_a_plain_path(key):
    """
    Within its bytes, without parts that lead elsewhere.
    """
    if fault_of_key(key) is None:
        assert 0 < len(key.encode()) <= 900
        assert not {"", ".", ".."} & set(key.split("/"))
        assert not any(ord(letter) < 32 for letter in key)
