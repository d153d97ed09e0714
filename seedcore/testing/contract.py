"""
The class that an author inherits: pytest runs one test per rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from seedcore.testing.conformance.case import NOT_GIVEN
from seedcore.testing.conformance.check import Conformance
from seedcore.testing.conformance.rules import RULES


class ProviderContract:
    """
    Proves one operation of a provider; inherit it and say what to call.

    ``provider`` is the function, class or instance, or the name of an installed provider;
    ``request`` the arguments of a call that succeeds; ``reply`` the JSON that the kit's upstream
    answers then, or in its place ``upstream``: a Reply, a list of them, or a method
    ``upstream(self, received)`` that returns one. ``leaking`` is, in the same forms, what it
    answers where a spoiler isn't hidden: for a provider with the hook ``leak``.
    ``operation`` is ``generate`` unless given. ``settings`` are the provider's own, in which
    ``{upstream}`` is the upstream's address. ``exempt`` maps ids of rules that can't hold to
    the reason; one that starts to hold fails.

    It needs no plugin of pytest. ``seedcore check`` looks at the same rules without it.
    """

    provider: ClassVar[Any] = NOT_GIVEN
    request: ClassVar[Any] = NOT_GIVEN
    reply: ClassVar[Any] = NOT_GIVEN
    upstream: ClassVar[Any] = NOT_GIVEN
    leaking: ClassVar[Any] = NOT_GIVEN
    operation: ClassVar[str] = "generate"
    settings: ClassVar[Mapping[str, Any]] = {}
    exempt: ClassVar[Mapping[str, str]] = {}

    _examined: ClassVar[dict[type[Any], Conformance]] = {}

    def test_contract(self) -> None:
        """
        The contract says all that is needed, and the call it describes succeeds.
        """
        import pytest

        problem = self._conformance().problem
        if problem:
            pytest.fail(problem, pytrace=False)

    @classmethod
    def _conformance(cls) -> Conformance:
        if cls not in cls._examined:
            cls._examined[cls] = Conformance(cls)
        return cls._examined[cls]


def _test_of(name: str, title: str) -> Callable[[ProviderContract], None]:
    def test(self: ProviderContract) -> None:
        import pytest

        finding = self._conformance().finding(name)
        if finding.status == "failed":
            pytest.fail(f"{name}: {finding.reason}", pytrace=False)
        if finding.status == "exempt":
            pytest.xfail(finding.reason)
        if finding.status != "passed":
            pytest.skip(f"{finding.status}: {finding.reason}")

    test.__name__ = f"test_{name.replace('-', '_')}"
    test.__qualname__ = f"ProviderContract.{test.__name__}"
    test.__doc__ = f"\n    {title}.\n    "
    return test


for _name, (_, _title, _) in RULES.items():
    _test = _test_of(_name, _title)
    setattr(ProviderContract, _test.__name__, _test)
