"""
Rolls a seed of every provider that is installed, third-party ones too, and needs no network.

Each site is played as the contract says that its plugin ships for ``seedcore check``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import seedcore
from seedcore.testing import FaultUpstream, LeapingClock, Received, Reply
from seedcore.testing.conformance.case import Case, case_of, filled_in
from seedcore.testing.conformance.find import shipped
from seedcore.testing.conformance.rules import RULES

SURFACE = "first-run"


async def roll_installed(database: str, directory: str, sinks: list[Any]) -> int:
    """
    Roll a seed of every installed provider; return how many failed.

    Files that they make are put into *directory*, as if a web server stood in front of it.
    """
    registry = seedcore.Registry()
    cases = cases_of(registry)
    for name, case in cases.items():
        registry.add(name, case.target)  # one that runs a program has a stand-in there
    failed = 0
    async with FaultUpstream() as site:
        settings = {name: filled_in(case.settings, site.url) for name, case in cases.items()}
        async with seedcore.Runner(
            registry=registry,
            settings={
                "storage_directory": f"{directory}/storage",
                "storage_url": "https://files.example",
                "providers": settings,
            },
            database=database,
            clock=LeapingClock(),  # a site that is asked again and again has its answer at once
            sinks=sinks,
            http_middlewares=[site.middleware],
        ) as runner:
            for name, case in cases.items():
                site.script(answering(case))
                try:
                    seed = await runner.generate(name, surface=SURFACE, **case.request)
                    said = seed.text
                except seedcore.SeedcoreError as error:
                    failed, said = failed + 1, error.user_message
                print(f"{name:<12}{said}", flush=True)
    return failed


def cases_of(registry: seedcore.Registry) -> Mapping[str, Case]:
    """
    Return for each provider the call that its contract describes, of ``generate``.

    One that ships no such contract is named and left out.
    """
    cases: dict[str, Case] = {}
    for name in registry.names:
        try:
            contracts = [one for one in shipped(name) if one.operation == "generate"]
            if contracts:
                cases[name] = case_of(contracts[0], tuple(RULES))
                continue
            why = "its plugin ships no contract of generate"
            if "generate" not in registry.load(name).operations:
                why = "it rolls no seeds"
        except seedcore.SeedcoreError as error:
            why = str(error)
        print(f"{name:<12}left out: {why}", flush=True)
    return cases


def answering(case: Case) -> Callable[[Received], Reply]:
    """
    Return what the site says to one request after another of a call that succeeds.
    """
    number = -1

    def answer(received: Received) -> Reply:
        nonlocal number
        number += 1
        return case.answer(received, number)

    return answer
