"""
``seedcore check`` finds what the contract class finds, and says it to people and programs.
"""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from seedcore.testing.conformance.rules import RULES
from support.command_line import CommandLine
from support.installed import environment

GOOD = '''
from seedcore import Seed, provider

@provider(base_url="https://seeds.example")
async def cellar(request, context):
    """Roll a cellar."""
    async with context.http.get("/seed") as reply:
        reply.raise_for_status()
        body = await reply.json()
    return Seed(url=body["permalink"])
'''
TRUSTING = GOOD.replace("        body = await reply.json()\n", "        body = {}\n").replace(
    'body["permalink"]', '"https://seeds.example/new"'
)
"""It makes a seed of anything."""
CONTRACT = """
from seedcore.testing import ProviderContract
from seedcore_cellar import cellar

class TestCellar(ProviderContract):
    provider = cellar
    request = {}
    reply = {"permalink": "https://seeds.example/1"}
"""


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """
    The command line.
    """
    return CommandLine(tmp_path, monkeypatch, capsys)


def install(run, code=GOOD, contract=CONTRACT):
    """
    Install the plugin of a cellar, with a contract unless that is empty.
    """
    shipped = {"seedcore_cellar_contract.py": contract} if contract else {}
    run.install(
        "seedcore-cellar",
        entry_points={"cellar": "seedcore_cellar:cellar"},
        contracts={"cellar": "seedcore_cellar_contract:TestCellar"} if contract else {},
        files={"seedcore_cellar.py": code, **shipped},
    )


def test_a_good_provider_passes(run):
    """
    Status 0, a line for each rule with its id, and how many there were.
    """
    install(run)
    ended = run("check", "cellar")

    lines = ended.out.splitlines()
    assert 0 == ended.status
    assert "cellar generate (TestCellar)" == lines[0]
    assert [*RULES] == [line[16:].split()[0] for line in lines[1:-1]]
    assert lines[-1].startswith("  18 passed, 5 not applicable, ")


def test_a_broken_rule_is_named_with_the_reason(run):
    """
    Status 1; the others are looked at all the same.
    """
    install(run, TRUSTING)
    ended = run("check", "cellar")

    assert 1 == ended.status
    failed = [line.split() for line in ended.out.splitlines() if line.startswith("  failed")]
    assert ["maps-garbage"] == [words[1] for words in failed]
    assert "an HTML page becomes success (Seed) instead of ProviderResponseFormatError" in ended.out


def test_json_holds_the_same(run):
    """
    One object per contract, with the findings in order.
    """
    install(run, TRUSTING)
    ended = run("check", "cellar", "--json")

    assert 1 == ended.status
    (result,) = ended.json
    assert ("cellar", "generate", False) == (
        result["provider"],
        result["operation"],
        result["passed"],
    )
    assert "seedcore_cellar_contract:TestCellar" == result["contract"]
    assert [*RULES] == [finding["rule"] for finding in result["rules"]]
    failed = [finding["rule"] for finding in result["rules"] if finding["status"] == "failed"]
    assert ["maps-garbage"] == failed


def test_pytest_and_the_command_agree_on_every_rule(run):
    """
    The same contract in a file, run by a pytest without any plugin of ours.
    """
    install(run, TRUSTING, contract="")
    file = run.directory / "test_cellar.py"
    file.write_text(CONTRACT)
    ended = run("check", "cellar", "--contract", str(file), "--json")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:asyncio", "-p", "no:cacheprovider"]
    subprocess.run(
        [*command, "--junit-xml=junit.xml", file.name],
        cwd=run.directory,
        env=environment(run.plugins),
        capture_output=True,
        timeout=120,
        check=False,
    )

    found = {finding["rule"]: finding["status"] for finding in ended.json[0]["rules"]}
    assert found == dict(statuses(run.directory / "junit.xml"))


def statuses(junit: Path):
    """
    Yield each rule and its status as pytest reports it.
    """
    kinds = {"failure": "failed", "skipped": "not applicable"}
    for case in ET.parse(junit).iter("testcase"):
        if case.get("name") != "test_contract":
            kind = next((kinds[child.tag] for child in case if child.tag in kinds), "passed")
            yield case.get("name").removeprefix("test_").replace("_", "-"), kind


def test_a_contract_that_is_only_inherited_is_not_looked_at_twice(run):
    """
    A file of tests imports what the plugin ships, and inherits it.
    """
    install(run)
    file = run.directory / "test_cellar.py"
    file.write_text(
        "from seedcore_cellar_contract import TestCellar as Shipped\n"
        "class TestMine(Shipped):\n    pass\n"
    )
    ended = run("check", "--contract", str(file), "--rule", "hashable", "--json")

    assert ["test_cellar:TestMine"] == [result["contract"] for result in ended.json]


def test_what_a_provider_prints_is_no_part_of_the_json(run):
    """
    It goes to stderr.
    """
    install(run, GOOD.replace("    async with", "    print('asking')\n    async with"))
    ended = run("check", "cellar", "--rule", "hashable", "--json")

    assert ended.json[0]["passed"]
    assert "asking" in ended.err


def test_a_provider_that_cannot_be_loaded_is_looked_at_too(run):
    """
    The rule that it breaks is named, by name or without.
    """
    broken = GOOD.replace(
        "async def cellar(request, context)", "async def cellar(request, *, extra)"
    )
    install(run, broken)

    for command in (("check", "cellar", "--json"), ("check", "--json")):
        ended = run(*command)
        rules = next(one["rules"] for one in ended.json if one["provider"] == "cellar")
        assert ["hooks-valid"] == [one["rule"] for one in rules if one["status"] == "failed"]
        assert 1 == ended.status


def test_a_module_that_never_ends_its_import_is_given_up(run, monkeypatch):
    """
    The sentence says what to do instead.
    """
    monkeypatch.setattr("seedcore.testing.conformance.case.LONGEST_IMPORT", 0.1)
    install(run, contract="import threading\nthreading.Event().wait(1)\n")
    ended = run("check", "cellar")

    assert 2 == ended.status
    assert "hasn't ended after 0.1 s. Do its work in a 'start' hook." in ended.err


def test_single_rules_can_be_chosen(run):
    """
    Only they are looked at.
    """
    install(run, TRUSTING)
    ended = run("check", "cellar", "--rule", "hashable", "--rule", "maps-outage", "--json")

    assert 0 == ended.status
    assert ["hashable", "maps-outage"] == [finding["rule"] for finding in ended.json[0]["rules"]]


def test_all_installed_providers_are_looked_at_without_a_name(run):
    """
    One that ships no contract is said to be unproven, and fails nobody.
    """
    install(run)
    run.install("seedcore-bare", entry_points={"bare": "bare:bare"}, files={"bare.py": "bare = 1"})
    ended = run("check", "--rule", "hashable", "--json")

    mine = {one["provider"]: one["passed"] for one in ended.json}
    assert (True, None) == (mine["cellar"], mine["bare"])
    assert "bare: not looked at, since it ships no contract." in run("check", "--rule=hashable").out


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (("celler",), 3, "No provider is called 'celler'. Installed: "),
        (("cellar",), 2, "cellar ships no contract. Give the file with it: seedcore check ce"),
        (("cellar", "--rule", "maps-outrage"), 2, "There is no rule 'maps-outrage'. Did you mean"),
        (("cellar", "--contract", "none.py"), 2, "'none.py' does not exist"),
        (("cellar", "--contract", "empty.py"), 2, "empty.py is neither a ProviderContract nor a"),
        (("cellar", "--contract", "raising.py"), 2, "raised ZeroDivisionError: division by zero"),
        (("cellar", "--contract", "notes.txt"), 2, "notes.txt is no file of Python (.py)."),
        (("cellar", "--contract", "bad.py"), 1, "TestBad has no request. Add request = {...}"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_bad_input_gets_a_sentence(run, arguments, status, sentence):
    """
    It says what is wrong and what to do; no traceback.
    """
    install(run, contract="")
    bad = "from seedcore.testing import ProviderContract\nclass TestBad(ProviderContract):\n"
    bad += "    provider = lambda request: None\n"
    for name, text in (
        ("empty.py", ""),
        ("raising.py", "1 / 0"),
        ("notes.txt", ""),
        ("bad.py", bad),
    ):
        (run.directory / name).write_text(text)
    ended = run("check", *arguments)

    assert status == ended.status
    assert sentence in ended.out + ended.err
    assert "Traceback" not in ended.out + ended.err


def test_a_contract_that_cannot_be_imported_is_told(run):
    """
    The entry point is named, with what its import raised.
    """
    install(run, contract="1 / 0")
    ended = run("check", "cellar")

    assert 2 == ended.status
    assert "Importing seedcore_cellar_contract:TestCellar raised ZeroDivisionError" in ended.err
