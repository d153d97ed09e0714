"""
That nobody is shown a race seed whose spoiler anybody can look up.
"""

from __future__ import annotations

import pytest

from seedcore import (
    ProviderError,
    ProviderResponseFormatError,
    ProviderUnavailableError,
    SpoilerLeakError,
)

LOG = "<html>Morphing Ball: Morphing Ball</html>"
PAGE = "/seed/6nkv3t4x7my0/spoiler"


async def roll(runner, **asked):
    """
    Roll a race seed of classic_mm.
    """
    return await runner.generate(
        "smdash", **{"preset": "classic_mm", "race": True, "surface": "tests", **asked}
    )


async def test_a_race_with_a_spoiler_page_is_refused(runner, upstream, events):
    """
    The leak is named, an alert is left, and neither has the seed nor what the page says.
    """
    upstream.pages.append((200, LOG))

    with pytest.raises(SpoilerLeakError) as caught:
        await roll(runner)

    assert "it shows its spoiler page. The seed was thrown away" == caught.value.provider_message
    (alert,) = [event for event in events if event.event == "leak_refused"]
    assert ("ERROR", {"leak": "its spoiler page"}) == (alert.level, alert.extra)
    seen = f"{caught.value!r} {[event.fields() for event in events]}"
    assert "6nkv3t4x7my0" not in seen
    assert "Morphing Ball" not in seen
    assert ["/generate/classic_mm?race=1", PAGE] == upstream.targets


async def test_a_race_without_one_is_handed_out(runner, upstream):
    """
    404 is what the site says where there is no spoiler.
    """
    seed = await roll(runner)

    assert ("6nkv3t4x7my0", None) == (seed.id, seed.spoiler_url)
    assert PAGE == upstream.targets[-1]


@pytest.mark.parametrize("asked", [{}, {"spoilers": "on"}, {"preset": "mystery"}])
async def test_who_races_nobody_needs_no_look(runner, upstream, asked):
    """
    The page is asked for once, and only for a race.
    """
    await roll(runner, race=False, **asked)

    assert 1 == len(upstream.asked)


async def test_a_look_that_fails_is_repeated_alone(runner, upstream):
    """
    No second seed is made for it.
    """
    upstream.pages += [(503, ""), (500, "")]

    seed = await roll(runner)

    assert (1, False) == (seed.meta.attempts, seed.meta.possible_duplicate)
    assert ["6nkv3t4x7my0"] == [*upstream.made]
    assert [PAGE] * 3 == upstream.targets[1:]


@pytest.mark.parametrize(
    ("page", "error"),
    [
        ((503, ""), ProviderUnavailableError),
        ((403, ""), ProviderError),
        ((204, ""), ProviderResponseFormatError),
        ((200, "<html>Seed not found: 6nkv3t4x7my0</html>"), ProviderResponseFormatError),
    ],
)
async def test_a_race_that_nobody_could_judge_is_not_shown(runner, upstream, page, error):
    """
    What can't be looked at could show anything.
    """
    upstream.pages += [page] * 3

    with pytest.raises(error) as caught:
        await roll(runner)

    assert not isinstance(caught.value, SpoilerLeakError)
    assert "6nkv3t4x7my0" not in f"{caught.value!r} {caught.value}"
    assert ["6nkv3t4x7my0"] == [*upstream.made]
