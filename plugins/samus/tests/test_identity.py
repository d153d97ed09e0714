"""
Slugs and guids name the same seed.
"""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from seedcore import ProviderInvalidRequestError
from seedcore_samus.identity import guid_in, guid_of, slug_of


@given(st.uuids())
def test_a_slug_leads_back_to_its_guid(value):
    """
    22 characters that need no quoting in a URL, for every guid.
    """
    slug = slug_of(value.hex)

    assert 22 == len(slug)
    assert slug.replace("-", "").replace("_", "").isalnum()
    assert value.hex == guid_of(slug) == guid_of(value.hex) == guid_of(str(value).upper())


def test_a_slug_is_the_one_that_the_site_makes():
    """
    A pair that is known.
    """
    assert "HJxLGzsPT1-KT9DW9PGisw" == slug_of("1c9c4b1b3b0f4f5f8a4fd0d6f4f1a2b3")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "HJxLGzsPT1-KT9DW9PGis",
        "HJxLGzsPT1-KT9DW9PGisww",
        "HJxLGzsPT1-KT9DW9PGisx",  # its last bits are no part of a guid
        "HJxLGzsPT1/KT9DW9PGisw",
        "HJxLGzsPT1 KT9DW9PGisw",
        "../../../api/randomize",
        "1c9c4b1b3b0f4f5f8a4fd0d6f4f1a2b",
        "1c9c4b1b3b0f4f5f8a4fd0d6f4f1a2bg",
        "\u0661c9c4b1b3b0f4f5f8a4fd0d6f4f1a2b3",
        7,
        None,
    ],
)
def test_anything_else_names_no_seed(text):
    """
    It never becomes a part of a URL.
    """
    with pytest.raises(ProviderInvalidRequestError, match="id must be the name of a seed"):
        guid_of(text)


@pytest.mark.parametrize("text", [None, 7, "", "1c9c", "1c9c4b1b-3b0f-4f5f-8a4f-d0d6f4f1a2b3"])
def test_a_guid_of_the_site_has_32_digits(text):
    """
    Its answers have no dashes.
    """
    assert None is guid_in(text)
