"""
The file-select code, read from any patch.
"""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from seedcore_alttpr.icons import ICONS, OFFSET, file_select_code

FLUTE_BOOK = "Flute/Book/Map/Big Key/Bow"
CODE = [14, 16, 29, 31, 0]

numbers = st.integers(-3, 300) | st.integers(OFFSET - 12, OFFSET + 12)
anything = st.recursive(
    st.none() | st.booleans() | st.floats() | numbers | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=9) | st.dictionaries(st.text(max_size=9), inner),
)
writes = st.dictionaries(numbers.map(str), st.lists(st.integers(-1, 40), max_size=20), max_size=3)


def test_there_are_as_many_icons_as_numbers():
    """
    A code's byte is one of 32.
    """
    assert 32 == len(set(ICONS))


@pytest.mark.parametrize(
    "patch",
    [
        [{str(OFFSET): CODE}],
        [{"20466": [49]}, {str(OFFSET - 2): [1, 0, *CODE, 9, 9]}, {"1601586": [1]}],
        [{str(OFFSET - 100): [255] * 100 + CODE}],
        [{str(OFFSET): CODE[:2]}, {str(OFFSET + 2): CODE[2:]}],
        [{str(OFFSET + 2): [*CODE[2:], 200]}, {str(OFFSET - 1): [77, *CODE[:2]]}],
        [{str(OFFSET): [1, 1, 1, 1, 1]}, {str(OFFSET): CODE}],
    ],
    ids=["alone", "in a longer write", "at its end", "in two", "unsorted", "written twice"],
)
def test_the_code_is_found_wherever_it_is_written(patch):
    """
    Neighbouring writes are merged on the site, so the offset is mostly inside a longer one.
    """
    assert FLUTE_BOOK == file_select_code(patch)


@pytest.mark.parametrize(
    "patch",
    [
        [],
        [{"1601586": [1, 2, 3]}],
        [{"20466": [49]}],
        [{str(OFFSET): CODE[:4]}],
        [{str(OFFSET + 1): CODE}],
        [{str(OFFSET - 1): CODE}],
        [{str(OFFSET): [14, 16, 29, 32, 0]}],
        [{str(OFFSET): [14, 16, 29, True, 0]}],
        [{str(OFFSET): [14, 16, 29, "3", 0]}],
        [{f" {OFFSET}": CODE}],
        [{"9" * 5000: CODE}],
        [{str(OFFSET): None}],
        [[OFFSET, CODE]],
        {str(OFFSET): CODE},
        None,
    ],
)
def test_without_five_icons_there_is_no_code(patch):
    """
    Before every write, past the last, too short, no icon: no code rather than a made-up one.
    """
    assert None is file_select_code(patch)


@given(st.lists(writes, max_size=6) | st.lists(anything, max_size=6) | anything)
def test_any_patch_has_five_icons_or_none(patch):
    """
    Whatever the site answers, reading the code raises nothing.
    """
    code = file_select_code(patch)

    assert None is code or (5 == len(code.split("/")) and set(code.split("/")) <= set(ICONS))


@given(
    before=st.lists(st.integers(0, 255), max_size=8),
    after=st.lists(st.integers(0, 255), max_size=8),
    icons=st.lists(st.integers(0, 31), min_size=5, max_size=5),
)
def test_every_code_is_read_out_of_every_run(before, after, icons):
    """
    What surrounds the five bytes doesn't matter.
    """
    patch = [{str(OFFSET - len(before)): [*before, *icons, *after]}]

    assert "/".join(ICONS[icon] for icon in icons) == file_select_code(patch)
