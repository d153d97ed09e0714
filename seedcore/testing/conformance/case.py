"""
What an author says about a provider, checked: what is called, with what, and what answers.
"""

from __future__ import annotations

import difflib
import importlib.metadata
import inspect
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from seedcore.adapt import KEPT
from seedcore.errors import SeedcoreError, clean_text, did_you_mean
from seedcore.plugins import PROVIDERS, Registry
from seedcore.settings import RESERVED_PROVIDER_NAMES
from seedcore.testing.replies import Reply, json_reply
from seedcore.testing.upstream import Received

Answer = Callable[[Received, int], Reply]
"""What the kit's upstream answers to a request, and to which of an attempt, from 0."""
LONGEST_IMPORT = 10.0
"""Seconds after which an import is given up."""
UPSTREAM = "{upstream}"
"""In a text of the contract's settings, the address of the kit's upstream."""
NOT_GIVEN: Any = object()
ATTRIBUTES = (
    "provider",
    "request",
    "reply",
    "upstream",
    "leaking",
    "operation",
    "settings",
    "exempt",
)
"""What a contract may say."""


class ContractError(SeedcoreError):
    """
    A contract doesn't say what the kit must know, or says something impossible.
    """


@attrs.frozen(kw_only=True)
class Case:
    """
    One operation of one provider, as the kit calls it.

    ``target`` is the provider, ``answer`` what the upstream says where nothing is to go wrong,
    and ``scripted`` tells whether the author gave it anything to say. ``leaking`` is what it says
    of a seed whose spoiler isn't hidden.
    """

    name: str
    target: Any
    operation: str
    request: Mapping[str, Any]
    settings: Mapping[str, Any]
    answer: Answer
    scripted: bool
    leaking: Answer | None
    exempt: Mapping[str, str]


def case_of(contract: type[Any], rules: Sequence[str]) -> Case:
    """
    Return what a ProviderContract says. Raises ContractError with what to add or change.
    """
    who = contract.__name__
    told = _made(contract)
    if told.provider is NOT_GIVEN:
        msg = (
            f"{who} has no provider. Add provider = ...: the function, class or instance, "
            "or the name of an installed one."
        )
        raise ContractError(msg)
    request = _request(who, told.request)
    name, target = _provider(told.provider, who)
    if told.reply is not NOT_GIVEN and told.upstream is not NOT_GIVEN:
        msg = f"{who} has both reply and upstream. Keep one: reply is short for one JSON answer."
        raise ContractError(msg)
    return Case(
        name=name,
        target=target,
        operation=_operation(who, told.operation),
        request=request,
        settings=_mapping(who, "settings", told.settings),
        answer=_answer(who, told, "upstream", told.reply),
        leaking=_leaking(who, told),
        scripted=told.reply is not NOT_GIVEN or told.upstream is not NOT_GIVEN,
        exempt=_exempt(who, told.exempt, rules),
    )


def _made(contract: type[Any]) -> Any:
    """
    Return an instance of a contract, all of whose attributes are known.
    """
    who = contract.__name__
    own = {name for kind in contract.__mro__[:-2] for name in vars(kind) if name[0] != "_"}
    for name in sorted(own.difference(ATTRIBUTES)):
        missing = [known for known in ATTRIBUTES if known not in own]
        meant = difflib.get_close_matches(name, missing, 1, cutoff=0.8)
        if meant and not callable(getattr(contract, name)):
            msg = f"{who} has {name!r}, which means nothing. Did you mean {meant[0]!r}?"
            raise ContractError(msg)
    try:
        return contract()
    except TypeError as error:
        said = clean_text(error, 200)
        msg = f"{who} can't be made: {said}. A contract has attributes and no __init__."
        raise ContractError(msg) from error


def _mapping(who: str, what: str, given: Any) -> Mapping[str, Any]:
    if given is NOT_GIVEN:
        msg = (
            f"{who} has no {what}. Add {what} = {{...}}: the arguments of a call that succeeds; "
            "{} if it takes none."
        )
        raise ContractError(msg)
    if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
        msg = f"{who}: {what} must be a dict from names to values."
        raise ContractError(msg)
    return given


def _request(who: str, given: Any) -> Mapping[str, Any]:
    request = _mapping(who, "request", given)
    for name in KEPT:
        if name in request:
            msg = f"{who}: request has {name!r}, which the kit chooses. Leave it out."
            raise ContractError(msg)
    return request


def _operation(who: str, given: Any) -> str:
    if not isinstance(given, str) or not given:
        msg = f"{who}: operation must be the name of one, 'generate' if it isn't given."
        raise ContractError(msg)
    return given


def _provider(given: Any, who: str) -> tuple[str, Any]:
    """
    Return name and object of the provider; a text names an installed one.
    """
    # A function in the body of a class is a method of it.
    given = given.__func__ if inspect.ismethod(given) else given
    if not isinstance(given, str):
        target = _instance(who, given)
        return _name_for(target, who), target
    found = importlib.metadata.entry_points(group=PROVIDERS, name=given)
    if not found:
        known = Registry().names
        advice = did_you_mean(given, known) or f" Installed: {', '.join(known) or 'none'}."
        msg = f"{who}: no provider {given!r} is installed.{advice}"
        raise ContractError(msg)
    return given, _instance(who, imported(next(iter(found)).load, given))


def imported(load: Callable[[], Any], what: str) -> Any:
    """
    Return what *load* imports; it may do so for only so long. Raises ContractError.
    """
    outcome: list[Any] = []

    def work() -> None:
        try:
            outcome.append(load())
        except BaseException as error:  # noqa: BLE001 - somebody else's module
            outcome.append(error)

    thread = threading.Thread(target=work, name=f"importing {what}", daemon=True)
    thread.start()
    thread.join(LONGEST_IMPORT)
    if not outcome:
        limit = f"{LONGEST_IMPORT:g} s"
        msg = f"Importing {what} hasn't ended after {limit}. Do its work in a 'start' hook."
        raise ContractError(msg)
    if isinstance(outcome[0], BaseException):
        error = outcome[0]
        said = clean_text(error, 300)
        msg = f"Importing {what} raised {type(error).__name__}: {said}"
        raise ContractError(msg) from error
    return outcome[0]


def _instance(who: str, given: Any) -> Any:
    """
    Return *given*, or for a class an instance, made as the registry makes it.
    """
    try:
        return given() if inspect.isclass(given) else given
    except Exception as error:
        said = clean_text(error, 300)
        msg = f"{who}: making {given.__name__}() raised {type(error).__name__}: {said}"
        raise ContractError(msg) from error


def _name_for(target: Any, who: str) -> str:
    """
    Return a name that a provider may have: the object's own, or the contract's.
    """
    own = getattr(target, "__name__", type(target).__name__).rpartition(".")[2]
    for name in (own, who.removeprefix("Test")):
        plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
        if plain and plain not in RESERVED_PROVIDER_NAMES:
            return plain
    return "example"


def _leaking(who: str, told: Any) -> Answer | None:
    given = told.leaking
    if given is NOT_GIVEN:
        return None
    return _answer(who, told, "leaking", given if isinstance(given, Mapping) else NOT_GIVEN)


def _answer(who: str, told: Any, what: str, reply: Any) -> Answer:
    """
    Return what answers: the JSON, the replies in turn and the last for ever, or the method.
    """
    upstream = getattr(told, what)
    plain = inspect.getattr_static(type(told), what)
    if inspect.isfunction(plain) and len(inspect.signature(plain).parameters) == 1:
        upstream = plain  # a lambda in the body of a class, meant as it stands there
    if reply is not NOT_GIVEN:
        try:
            upstream = json_reply(reply)
        except (TypeError, ValueError) as error:
            told_as = "reply" if what == "upstream" else what
            msg = f"{who}: {told_as} can't be written as JSON: {error}. Use {what} = Reply(...)."
            raise ContractError(msg) from None
    if upstream is NOT_GIVEN:
        upstream = Reply(status=200, headers={"Content-Type": "application/json"}, body=b"{}")
    if callable(upstream):
        return lambda received, _: upstream(received)
    replies = [upstream] if isinstance(upstream, Reply) else upstream
    if not isinstance(replies, Sequence) or not replies or not all(map(_is_reply, replies)):
        msg = (
            f"{who}: {what} must be a Reply, a list of them, or a method "
            f"'def {what}(self, received)' that returns one."
        )
        raise ContractError(msg)
    return lambda _, place: replies[min(place, len(replies) - 1)]


def _is_reply(given: Any) -> bool:
    return isinstance(given, Reply)


def _exempt(who: str, given: Any, rules: Sequence[str]) -> Mapping[str, str]:
    exempt = _mapping(who, "exempt", given)
    for rule, reason in exempt.items():
        if rule not in rules:
            advice = did_you_mean(rule, rules) or f" Rules: {', '.join(rules)}."
            msg = f"{who}: exempt names a rule {rule!r} that doesn't exist.{advice}"
            raise ContractError(msg)
        if not isinstance(reason, str) or not reason.strip():
            msg = f"{who}: exempt has no reason for {rule!r}. Say in a sentence why it can't hold."
            raise ContractError(msg)
    return exempt


def filled_in(value: Any, url: str) -> Any:
    """
    Return *value* with ``{upstream}`` in its texts replaced by *url*.
    """
    if isinstance(value, str):
        return value.replace(UPSTREAM, url)
    if isinstance(value, Mapping):
        return {key: filled_in(item, url) for key, item in value.items()}
    if isinstance(value, list):
        return [filled_in(item, url) for item in value]
    return value
