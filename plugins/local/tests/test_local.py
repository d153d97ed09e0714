"""
The five local providers through a runner.
"""

from __future__ import annotations

import functools
import random
import re
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

import seedcore_local
from seedcore import (
    ProviderCapabilityError,
    ProviderInvalidRequestError,
    Registry,
    Runner,
)

PYPROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"
NAMES = ("aosr", "ffr", "smb3r", "z1r", "z2r")
WITH_FLAGS = ("smb3r", "z1r", "z2r")
LINK = "https://finalfantasyrandomizer.com/?s=0&f=aB-3_x.Q"
OPTIONS = {"aosr": {}, "ffr": {"url": LINK}, **{name: {"flags": "aB3$@!#"} for name in WITH_FLAGS}}


class Lowest(random.Random):
    """
    Chance that always takes the lowest number there is.
    """

    def _randbelow(self, _):
        return 0


class Highest(random.Random):
    """
    Chance that always takes the highest.
    """

    def _randbelow(self, count):
        return count - 1


def runner_with(rng=None):
    """
    Make a runner with the five providers, drawing from *rng* if one is given.
    """
    registry = Registry(discover=False)
    for name in NAMES:
        provider = getattr(seedcore_local, name)
        registry.add(name, functools.partial(provider, rng=rng) if rng else provider)
    return Runner(registry=registry, database=None, sinks=[])


@pytest.fixture
async def runner():
    """
    A runner with the five providers.
    """
    async with runner_with() as opened:
        yield opened


# ------------------------------------------------------------------------------ seeds


@pytest.mark.parametrize(
    ("name", "lowest", "highest"),
    [
        ("z1r", "0", "8999999999999999999"),
        ("z2r", "0", "1000000000"),
        ("ffr", "00000000", "FFFFFFFF"),
        ("smb3r", "0", "999999999998"),
        ("aosr", "-2147483648", "2147483647"),
    ],
)
async def test_seeds_span_the_range_of_their_generator(name, lowest, highest):
    """
    The lowest and the highest seed are those that the game's generator takes.
    """
    drawn = []
    for rng in (Lowest(), Highest()):
        async with runner_with(rng) as runner:
            drawn.append(await runner.generate(name, options=OPTIONS[name], surface="tests"))

    assert [lowest, highest] == [seed.id for seed in drawn]


@pytest.mark.parametrize("name", NAMES)
async def test_seeds_do_not_come_from_the_generator_everyone_can_seed(runner, name):
    """
    The same state of Python's shared random numbers brings different seeds.
    """
    drawn = set()
    for _ in range(3):
        random.seed(1)
        drawn.add((await runner.generate(name, options=OPTIONS[name], surface="tests")).id)

    assert 3 == len(drawn)


@pytest.mark.parametrize("name", WITH_FLAGS)
@pytest.mark.parametrize("flags", ["aB3xYz", "$@!#", "  x ", "*_`~|<@1>", "äß", "f" * 2000])
async def test_flags_are_shown_exactly_as_given(runner, name, flags):
    """
    The line to post holds seed and flags, with their case and special characters.
    """
    seed = await runner.generate(name, options={"flags": flags}, surface="tests")

    assert f"Seed: {seed.id} - Flags: {flags}" == seed.extra["text"] == seed.text
    assert {"flags": flags} == dict(seed.settings)
    assert None is seed.url
    assert None is seed.spoiler_url
    assert 1 == seed.meta.attempts


@pytest.mark.parametrize("name", NAMES)
async def test_a_race_seed_is_drawn_like_any_other(runner, name):
    """
    There is nothing to hide: race is allowed and changes nothing.
    """
    seed = await runner.generate(name, options=OPTIONS[name], race=True, surface="tests")

    assert seed.text


# -------------------------------------------------------------------------------- ffr


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (LINK, "https://finalfantasyrandomizer.com/?s=FFFFFFFF&f=aB-3_x.Q"),
        (
            "https://finalfantasyrandomizer.com/?f=a+b%20c%2b&blank=&s=1&bare&x=%c3%A9#top",
            "https://finalfantasyrandomizer.com/?s=FFFFFFFF&f=a+b%20c%2b&blank=&bare&x=%c3%A9#top",
        ),
        (
            "http://4-2-0.finalfantasyrandomizer.com/Randomize?f=A",
            "http://4-2-0.finalfantasyrandomizer.com/Randomize?s=FFFFFFFF&f=A",
        ),
        (
            "https://finalfantasyrandomizer.com",
            "https://finalfantasyrandomizer.com?s=FFFFFFFF",
        ),
        (
            "https://finalfantasyrandomizer.com/?s=1&%73=2&S=3&s",
            "https://finalfantasyrandomizer.com/?s=FFFFFFFF&S=3",
        ),
        (
            "HTTPS://FinalFantasyRandomizer.com/?f=aB",
            "HTTPS://FinalFantasyRandomizer.com/?s=FFFFFFFF&f=aB",
        ),
    ],
)
async def test_ffr_sets_the_seed_and_nothing_else(given, expected):
    """
    ``s`` is the new seed, once; every other parameter stays byte for byte.
    """
    async with runner_with(Highest()) as runner:
        seed = await runner.generate("ffr", options={"url": given}, surface="tests")

    assert expected == seed.url == seed.text
    assert "FFFFFFFF" == seed.id
    assert {"url": given} == dict(seed.settings)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "finalfantasyrandomizer.com/?f=a",
        "//finalfantasyrandomizer.com/?f=a",
        "ftp://finalfantasyrandomizer.com/?f=a",
        "javascript:alert(1)//finalfantasyrandomizer.com/",
        "https://evil.example/?f=a",
        "https://evil.example/?x=https://finalfantasyrandomizer.com/",
        "https://evilfinalfantasyrandomizer.com/?f=a",
        "https://finalfantasyrandomizer.com.evil.example/?f=a",
        "https://finalfantasyrandomizer.com@evil.example/?f=a",
        "https://me:word@finalfantasyrandomizer.com/?f=a",
        "https://finalfantasyrandomizer.com:8443/?f=a",
        "https://evil.example\\.finalfantasyrandomizer.com/?f=a",
        "https://evil.example#.finalfantasyrandomizer.com/",
        "https://evil.example?.finalfantasyrandomizer.com/",
        "https://finalfanta\u017fyrandomizer.com/?f=a",
        "https://finalfantasyrandomizer.com/?f=a b",
        "https://finalfantasyrandomizer.com/?f=a\n",
        "https://finalfantasyrandomizer.com/?f=<a>",
        "https://finalfantasyrandomizer.com/?f=\x1b[2J",
        "https://finalfantasyrandomizer.com/?f=" + "a" * 2000,
    ],
)
async def test_ffr_takes_links_to_its_own_site_only(runner, url):
    """
    Anything else would be posted as a link that a bot vouches for.
    """
    with pytest.raises(ProviderInvalidRequestError, match="finalfantasyrandomizer") as caught:
        await runner.generate("ffr", options={"url": url}, surface="tests")

    assert 0 == caught.value.attempts
    assert "evil.example" not in caught.value.user_message


# ------------------------------------------------------------------------------- aosr


async def test_aosr_encodes_values_and_keeps_their_order():
    """
    Whatever the values hold, the generator reads what was given, in the order given.
    """
    options = {"z": "a&b=c", "m": "1 + 1", "a": "ä/?#%", "n": -3, "x": 1.5, "on": True, "no": ""}
    async with runner_with(Lowest()) as runner:
        seed = await runner.generate("aosr", options=options, surface="tests")

    assert seed.url == (
        "https://aosrando.surge.sh/?seed=-2147483648&z=a%26b%3Dc&m=1%20%2B%201"
        "&a=%C3%A4%2F%3F%23%25&n=-3&x=1.5&on=true&no="
    )
    read = parse_qsl(urlsplit(seed.url).query, keep_blank_values=True)
    assert [
        ("seed", "-2147483648"),
        ("z", "a&b=c"),
        ("m", "1 + 1"),
        ("a", "ä/?#%"),
        ("n", "-3"),
        ("x", "1.5"),
        ("on", "true"),
        ("no", ""),
    ] == read
    assert dict(read[1:]) == dict(seed.settings)
    assert "-2147483648" == seed.id


async def test_aosr_needs_no_options(runner):
    """
    A seed alone is a link too.
    """
    seed = await runner.generate("aosr", surface="tests")

    assert f"https://aosrando.surge.sh/?seed={seed.id}" == seed.url
    assert re.fullmatch(r"-?\d{1,10}", seed.id)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"seed": 7}, "seed is drawn"),
        ({"mode": None}, "mode must be"),
        ({"mode": ["a"]}, "mode must be"),
        ({"mode": float("nan")}, "mode must be"),
        ({"mode": "a\nb"}, "mode must be"),
        ({"mode": "\ud800"}, "mode must be"),
        ({"": "a"}, "the name of an option"),
        ({"a\nb": "a"}, "the name of an option"),
        ({7: "a"}, "the name of an option"),
        ({"mode": "a" * 2000}, "2,000 characters"),
        ({f"k{number}": "a" * 100 for number in range(20)}, "2,000 characters"),
    ],
)
async def test_aosr_refuses_what_can_not_stand_in_a_link(runner, options, words):
    """
    Each refusal says which option, and what is allowed.
    """
    with pytest.raises(ProviderInvalidRequestError, match=words):
        await runner.generate("aosr", options=options, surface="tests")


# --------------------------------------------------------------------- wrong requests


@pytest.mark.parametrize("name", WITH_FLAGS)
@pytest.mark.parametrize("flags", ["", "   ", "a\nb", "a\rb", "a\tb", "a\u202eb", "a" * 2001, True])
async def test_flags_that_can_not_be_posted_are_refused(runner, name, flags):
    """
    One printable line of at most 2,000 characters, checked before the provider runs.
    """
    with pytest.raises(ProviderInvalidRequestError, match="flags must be") as caught:
        await runner.generate(name, options={"flags": flags}, surface="tests")

    assert 0 == caught.value.attempts


@pytest.mark.parametrize("name", ["ffr", *WITH_FLAGS])
async def test_a_missing_option_is_named(runner, name):
    """
    Without flags or a link there is nothing to draw a seed for.
    """
    (option,) = OPTIONS[name]
    with pytest.raises(ProviderInvalidRequestError, match=f"give {option}="):
        await runner.generate(name, surface="tests")


@pytest.mark.parametrize("name", ["ffr", *WITH_FLAGS])
async def test_a_mistyped_option_is_corrected(runner, name):
    """
    An option nobody declared is no option.
    """
    with pytest.raises(ProviderInvalidRequestError, match="Known: "):
        await runner.generate(name, options={**OPTIONS[name], "colour": "red"}, surface="tests")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("options", [None, "as needed"])
async def test_presets_are_refused_with_the_way_out(runner, name, options):
    """
    The generators' presets are not known here: the sentence says what to give instead.
    """
    with pytest.raises(ProviderCapabilityError, match="it has no presets; give ") as caught:
        await runner.generate(
            name, preset="sgl24", options=options and OPTIONS[name], surface="tests"
        )

    assert 0 == caught.value.attempts


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("spoilers", ["on", "delayed"])
async def test_spoilers_do_not_exist(runner, name, spoilers):
    """
    No generator writes a spoiler log for a seed that isn't made yet.
    """
    with pytest.raises(ProviderCapabilityError):
        await runner.generate(name, options=OPTIONS[name], spoilers=spoilers, surface="tests")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("wrong", [{"settings": {"flags": "x"}}, {"branch": "beta"}])
async def test_settings_and_branches_are_refused(runner, name, wrong):
    """
    Nothing that was asked for is ignored in silence.
    """
    with pytest.raises(ProviderInvalidRequestError, match=f"it takes no {next(iter(wrong))}"):
        await runner.generate(name, options=OPTIONS[name], surface="tests", **wrong)


# ------------------------------------------------------------------------- the plugin


def test_the_entry_points_are_providers():
    """
    What pyproject.toml names can be imported, and each is one plain function.
    """
    declared = tomllib.loads(PYPROJECT.read_text())["project"]["entry-points"]
    assert ["seedcore.providers", "seedcore.contracts"] == [*declared]
    assert {*declared["seedcore.providers"]} == {*declared["seedcore.contracts"]}
    registry = Registry(discover=False)
    for name, value in declared["seedcore.providers"].items():
        registry.add(name, EntryPoint(name, value, "seedcore.providers").load())

    assert NAMES == registry.names
    for name in NAMES:
        operations = registry.load(name).operations
        assert ["generate"] == [*operations]
        assert operations["generate"].sync
        assert registry.load(name).declaration.title


@pytest.mark.parametrize(
    ("provider", "options", "words"),
    [
        ("z1r", {}, "the option flags is missing"),
        ("ffr", {"url": "https://seeds.example"}, "finalfantasyrandomizer.com"),
        ("aosr", {"seed": "1"}, "the option seed is drawn here"),
        ("aosr", {"souls": "x" * 2_000}, "more than 2,000 characters"),
    ],
)
@pytest.mark.parametrize("dry_run", [True, False])
async def test_a_dry_run_refuses_what_a_real_one_would(runner, provider, options, words, dry_run):
    """
    In the same words, before the provider is asked.
    """
    with pytest.raises(ProviderInvalidRequestError, match=words) as caught:
        await runner.generate(provider, surface="tests", options=options, dry_run=dry_run)

    assert 0 == caught.value.attempts
