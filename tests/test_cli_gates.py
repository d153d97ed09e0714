"""
``seedcore gates`` says of each provider which gates it passes, to people and programs.
"""

from __future__ import annotations

import copy
import json
import sys
from pathlib import Path

import pytest

from seedcore.testing.flows.records import GATES
from support.command_line import CommandLine

REPOSITORY = Path(__file__).parents[1]
CODE = '''
from seedcore import Seed, provider

@provider(base_url="https://cellar.example")
async def cellar(request, context):
    """Roll a cellar."""
    print("rolling")
    async with context.http.get("seed", params={"of": request.preset}) as reply:
        reply.raise_for_status()
        body = await reply.json()
    return Seed(url=body["permalink"])

@provider
async def attic(request):
    """Roll an attic, whatever is asked."""
    return Seed(url="https://attic.example/1")
'''
FLOW = {
    "provider": "cellar",
    "operation": "generate",
    "about": "a bot rolls a cellar",
    "today": {
        "call": "roll('deep')",
        "sends": [{"method": "GET", "url": "https://cellar.example/seed", "query": {"of": "deep"}}],
        "gets": {"url": "https://cellar.example/1"},
        "audit": {"genoption": "deep"},
    },
    "ours": {"arguments": {"preset": "deep"}},
    "replies": [{"status": 200, "json": {"permalink": "https://cellar.example/1"}}],
}
LOCAL = {
    "provider": "attic",
    "operation": "generate",
    "about": "a bot rolls an attic",
    "today": {"call": "roll()", "gets": {"url": "https://attic.example/1"}, "audit": {}},
    "ours": {},
    "replies": [],
}
FIRST, AGAIN = '"https://cellar.example/1"', '"https://cellar.example/1?again"'
PASSED = """\
cellar (1 flow)
  Behaviour    pass  1 flow as today
  Reliability  pass  generate under 5 faults and 4 outages
  Audit        pass  1 rows of 1 calls, as they must be
  Rollback     pass  generate to cellar-next and back, with calls in flight

PROVIDER  BEHAVIOUR  RELIABILITY  AUDIT  ROLLBACK
cellar    pass       pass         pass   pass
"""


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """
    The command line, where a cellar, its second edition and an attic are installed.
    """
    monkeypatch.delenv("CI", raising=False)  # where a skip is a failure
    command = CommandLine(tmp_path, monkeypatch, capsys)
    code = CODE.replace('body["permalink"]', 'body["permalink"] + "?again"')
    command.install(
        "seedcore-cellar",
        entry_points={"cellar": "seedcore_cellar:cellar", "attic": "seedcore_cellar:attic"},
        files={"seedcore_cellar.py": CODE},
    )
    command.install(
        "seedcore-cellar-next",
        entry_points={"cellar-next": "seedcore_cellar_next:cellar"},
        files={"seedcore_cellar_next.py": code},
    )
    return command


def write(run, *flows, folder="tests/flows"):
    """
    Write flows as files into a folder of the directory that commands run in.
    """
    place = run.directory / folder
    place.mkdir(parents=True, exist_ok=True)
    for number, flow in enumerate(flows):
        text = flow if isinstance(flow, str) else json.dumps(flow)
        name = "cellar" if isinstance(flow, str) else flow["provider"]
        (place / f"{name}_{number}.json").write_text(text)
    return place


def test_a_good_provider_passes_every_gate(run):
    """
    Status 0, a line for each gate, and a table; what a provider prints doesn't come between.
    """
    write(run, FLOW)
    ended = run("gates")

    assert (0, PASSED) == (ended.status, ended.out)
    assert "rolling" in ended.err
    assert ["tests"] == [path.name for path in run.directory.iterdir()]


def test_another_provider_can_be_put_in_place_of_one(run):
    """
    What it does otherwise is told below the gate, with file, place and both values; status 1.
    """
    write(run, FLOW)
    ended = run("gates", "cellar", "--with", "cellar=cellar-next")

    assert 1 == ended.status
    assert [
        "cellar, served by cellar-next (1 flow)",
        "  Behaviour    fail  1 finding in 1 flow",
        f"    cellar_0.json: today.gets.url: today {FIRST}, ours {AGAIN}",
        "  Reliability  pass  generate under 5 faults and 4 outages",
    ] == ended.out.splitlines()[:4]
    assert "cellar (cellar-next)  fail       pass" in ended.out


def test_json_holds_the_same(run):
    """
    An object for each gate, with its findings.
    """
    write(run, FLOW)
    ended = run("gates", "cellar", "--with", "cellar=cellar-next", "--json")

    assert 1 == ended.status
    assert [*GATES] == [gate["gate"] for gate in ended.json]
    first = ended.json[0]
    assert 0 < first.pop("seconds")
    assert {
        "provider": "cellar",
        "served_by": "cellar-next",
        "gate": "Behaviour",
        "status": "fail",
        "reason": "1 finding in 1 flow",
        "findings": [
            {
                "file": "cellar_0.json",
                "place": "today.gets.url",
                "problem": f"today {FIRST}, ours {AGAIN}",
            }
        ],
    } == first


def test_many_findings_are_cut_short(run):
    """
    For people; the rest is counted.
    """
    flow = copy.deepcopy(FLOW)
    flow["today"]["gets"] = {f"field{number}": number for number in range(23)}
    write(run, flow)
    ended = run("gates")

    lines = [line for line in ended.out.splitlines() if "today.gets.field" in line]
    assert (1, 20) == (ended.status, len(lines))
    assert "    and 3 more; --json shows them all" in ended.out


# ------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("flows", "arguments", "sentence"),
    [
        ((), (), "There are no flows: tests/flows is no folder. Run this in a checkout"),
        ((FLOW,), ("--flows", "elsewhere"), "There are no flows: elsewhere is no folder."),
        (("{",), (), "cellar_0.json: line 1, column 2: it is no JSON"),
        (
            ({**FLOW, "replies": [{"status": "200"}]},),
            (),
            "cellar_0.json: replies[0].status must be a number, and is",
        ),
        ((FLOW, LOCAL), ("smdash",), "No flow is about smdash; flows are about: attic, cellar."),
        ((FLOW,), ("--with", "cellar"), "--with takes NAME=PROVIDER, such as"),
        ((FLOW,), ("--with", "smdash=cellar-next"), "No flow is about smdash"),
        (
            (FLOW, LOCAL),
            ("attic", "--with", "cellar=cellar-next"),
            "which is not among those to look at: attic. Add cellar.",
        ),
        (
            (FLOW,),
            ("--with", "cellar=cellar-next", "--with", "cellar=attic"),
            "--with has both cellar-next and attic in place of cellar.",
        ),
    ],
)
def test_what_can_not_be_done_is_a_sentence(run, flows, arguments, sentence):
    """
    Status 2, with the file and the place, or with what there is.
    """
    if flows:
        write(run, *flows)
    ended = run("gates", *arguments)

    assert (2, "") == (ended.status, ended.out)
    assert sentence in ended.err
    assert 1 == len(ended.err.splitlines())


def test_a_folder_without_flows_is_none(run):
    """
    It says what files are looked for.
    """
    write(run)
    ended = run("gates")

    assert (2, "") == (ended.status, ended.out)
    assert "tests/flows has no flows, which are files <provider>_<what>.json." in ended.err


@pytest.mark.parametrize("arguments", [("barn",), ("--with", "barn=barn-next")])
def test_a_provider_that_is_named_must_be_there(run, arguments):
    """
    Status 3.
    """
    write(run, {**FLOW, "provider": "barn"})
    ended = run("gates", *arguments)

    name = arguments[-1].split("=")[-1]
    assert (3, "") == (ended.status, ended.out)
    assert f"No provider is called '{name}'." in ended.err


def test_a_provider_that_is_not_named_fails_its_gates(run):
    """
    The others are looked at all the same; the remedy is told once.
    """
    write(run, {**FLOW, "provider": "barn"}, LOCAL)
    ended = run("gates")

    assert 1 == ended.status
    assert 1 == ended.out.count("pip install seedcore-barn")
    assert "barn      fail       fail         fail   fail" in ended.out
    assert "attic     pass       skip         pass   pass" in ended.out


# ---------------------------------------------------------------------------- skips


@pytest.mark.parametrize(
    ("arguments", "variables", "status"),
    [((), {}, 0), (("--strict",), {}, 1), ((), {"CI": "true"}, 1)],
)
def test_what_is_skipped_is_told_and_may_be_refused(run, arguments, variables, status):
    """
    With the switch, and on a build server, it isn't passed.
    """
    write(run, LOCAL)
    run.set(**variables)
    ended = run("gates", *arguments)

    assert status == ended.status
    assert "  Reliability  skip  it asks no site, and takes any input" in ended.out


def test_on_a_terminal_it_says_how_far_it_is(run, monkeypatch):
    """
    On stderr, on a line that is taken away again.
    """
    write(run, FLOW)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    ended = run("gates")

    assert (0, PASSED) == (ended.status, ended.out)
    assert "\r\x1b[Kcellar: Behaviour 1 of 1, cellar_0.json" in ended.err
    assert "\r\x1b[Kcellar: Reliability 3 of 9, cellar_0.json, a connection that is" in ended.err
    assert ended.err.endswith("\r\x1b[K")


@pytest.mark.together
def test_the_providers_of_this_repository_pass(run):
    """
    Two of them here, with the flows that lie in it.
    """
    ended = run("gates", "avianart", "sm", "--flows", str(REPOSITORY / "tests" / "flows"))

    assert (0, "") == (ended.status, ended.err)
    assert ended.out.endswith(
        "avianart  pass       pass         pass   pass\n"
        "sm        pass       pass         pass   pass\n"
    )
