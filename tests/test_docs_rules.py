"""
Each rule of the kit has a page, and what it shows as wrong and right is so.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from seedcore.testing import ProviderContract
from seedcore.testing.conformance.check import Conformance, Status
from seedcore.testing.conformance.leaving import ATTEMPT
from seedcore.testing.conformance.loading import LONGEST
from seedcore.testing.conformance.mapping import PAUSE
from seedcore.testing.conformance.rules import RULES, Limits
from seedcore.testing.conformance.trial import LONGEST_ATTEMPT
from seedcore.testing.conformance.watching import BEAT
from seedcore.testing.conformance.wire import IDEMPOTENT, SAFE
from support.documents import ROOT, Block, page, pages
from support.reader import imported

INDEX = "docs/reference/rules/README.md"
HEADINGS = [
    "What is looked at",
    "When it doesn't apply",
    "Why it matters",
    "How it breaks",
    "When an exemption is right",
]
MADE = {"permalink": "https://seeds.example/1", "hash": "1"}
LEAKING = {**MADE, "spoiler": {"Chest": "Lamp"}}
KEPT = {"sync-off-loop": "not applicable"}
"""What comes of the right example where that isn't "passed": made async, it has no thread."""
QUICK = Limits(block=0.003, leave=0.05)
"""Limits that what is wrong hits sooner than those of a real run."""


def page_of(rule: str) -> str:
    """
    Return the name of the page about *rule*.
    """
    return f"docs/reference/rules/{rule}.md"


# ------------------------------------------------------------------- pages


def test_every_rule_has_a_page_and_every_page_a_rule() -> None:
    """
    Their files are called like the ids.
    """
    found = {path.stem for path in (ROOT / "docs/reference/rules").glob("*.md")}

    assert {*RULES} == found - {"README"}


@pytest.mark.parametrize("rule", RULES)
def test_the_page_of_a_rule_says_what_the_rule_says(rule: str) -> None:
    """
    Its heading is the id, its first sentence the rule's; it answers the same questions as all.
    """
    _, sentence, _ = RULES[rule]
    text = page(page_of(rule)).text

    assert text.startswith(f"# {rule}\n\n{sentence}.\n\n## ")
    assert HEADINGS == re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert all(page(page_of(rule)).section(title).strip() for title in HEADINGS)


def test_the_index_lists_every_rule_in_order() -> None:
    """
    With its sentence, and a link to its page.
    """
    linked = [row for row in page(INDEX).rows if row[0].startswith("[")]

    assert [[f"[{rule}]({rule}.md)", title] for rule, (_, title, _) in RULES.items()] == linked


def test_pages_that_count_the_rules_count_them_right() -> None:
    """
    Wherever a link speaks of a number of rules.
    """
    counted = [found for each in pages() for found in re.findall(r"\[(\d+) rules\]", each.text)]

    assert {str(len(RULES))} == {*counted}


def test_every_status_of_a_finding_is_explained() -> None:
    """
    Each has a row.
    """
    assert all(page(INDEX).row_of(status) for status in get_args(Status))


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("README", f"{Limits().rule:g} s; each runs in a thread"),
        ("README", f"nothing is meant to hang | {LONGEST_ATTEMPT:g} s |"),
        ("README", f"{Limits().load:g} s of processor time; given up after {LONGEST:g} s"),
        ("README", f"leaving a hung upstream | {Limits().leave:g} s |"),
        ("README", f"holding the event loop | {Limits().block * 1e3:g} ms |"),
        ("loads-fast", f"at most {Limits().load:g} s of processor time. Up to three"),
        ("loads-fast", f"after {LONGEST:g} s it is given up"),
        ("never-blocks", f"every {BEAT * 1e3:g} ms whether"),
        ("never-blocks", f"may be {Limits().block * 1e3:g} ms. Up to three"),
        ("cancellable", f"after {ATTEMPT:g} s. The call must end within {Limits().leave:g} s"),
        ("maps-rate-limit", f"`Retry-After: {PAUSE}`"),
        ("maps-rate-limit", f"at least {PAUSE}"),
        ("effect-true", "all requests are GET, HEAD, OPTIONS or TRACE"),
        ("idempotency-key", "that isn't GET, HEAD, OPTIONS or TRACE"),
    ],
)
def test_the_numbers_on_the_pages_are_those_of_the_kit(rule: str, words: str) -> None:
    """
    What is measured, and where it is too much, is as the code has it.
    """
    assert words in " ".join(page(page_of(rule)).text.split())


def test_the_methods_on_the_pages_are_those_of_the_kit() -> None:
    """
    What HTTP calls safe and idempotent.
    """
    assert {"GET", "HEAD", "OPTIONS", "TRACE"} == SAFE
    assert {"PUT", "DELETE"} == IDEMPOTENT - SAFE


# ------------------------------------------------------------------- wrong and right


def examples(rule: str) -> Iterator[tuple[bool, Block]]:
    """
    Yield whether a block of a rule's page is right, and the block.
    """
    for block in page(page_of(rule)).blocks:
        if block.language != "python":
            continue
        (found,) = re.findall(r"^(Wrong|Right)\b[^\n]*:\n\s*\Z", block.before, re.MULTILINE)
        yield found == "Right", block


EXAMPLES = [
    pytest.param(rule, right, block, id=f"{rule}-{'right' if right else 'wrong'}")
    for rule in RULES
    for right, block in examples(rule)
]


@pytest.mark.parametrize("rule", RULES)
def test_every_page_shows_what_is_wrong_and_what_is_right(rule: str) -> None:
    """
    In this order, as two whole modules.
    """
    assert [False, True] == [right for right, _ in examples(rule)]


@pytest.mark.parametrize(("rule", "right", "block"), EXAMPLES)
def test_the_wrong_one_breaks_the_rule_and_the_right_one_keeps_it(
    rule: str, right: bool, block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The kit says so, with the contract that the index shows.
    """
    # Importing what must not ask the network asks it.
    monkeypatch.setattr("urllib.request.urlopen", lambda _: _Presets())
    monkeypatch.syspath_prepend(str(tmp_path))
    for saved in (each for each in page(page_of(rule)).blocks if each.language == "yaml"):
        path = tmp_path / str(saved.file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(saved.text, encoding="utf-8")
    module = imported(block, tmp_path, **{"sleep(2)": "sleep(0.01)"})
    monkeypatch.setitem(sys.modules, module.__name__, module)  # what it ships lies beside it
    said = {"provider": module.example, "request": {}, "reply": MADE, "leaking": LEAKING}
    contract = type("TestExample", (ProviderContract,), said)
    conformance = Conformance(contract, limits=None if right else QUICK)
    finding = conformance.finding(rule)

    assert conformance.problem is None
    assert (KEPT.get(rule, "passed") if right else "failed") == finding.status, finding.reason


class _Presets:
    """
    What a site answers to ``urlopen``.
    """

    def read(self) -> bytes:
        return b'["open"]'


def test_the_contract_of_the_index_is_the_one_used_here() -> None:
    """
    Its request and its reply.
    """
    shown = page(INDEX).blocks[0].text

    assert "request = {}" in shown
    assert 'reply = {"permalink": "https://seeds.example/1", "hash": "1"}' in shown
