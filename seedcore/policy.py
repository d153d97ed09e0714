"""
The limits one call runs under: what may be repeated, and every number of the contract.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Literal

import attrs

from seedcore.errors import SettingsError, did_you_mean

Profile = Literal["interactive", "batch"]


class Effect(StrEnum):
    """
    What repeating an operation does.
    """

    READ = "read"
    """It changes nothing."""
    IDEMPOTENT = "idempotent"
    """Done twice is the same as done once."""
    KEYED = "keyed"
    """The upstream recognises a repetition by ``context.idempotency_key``."""
    REPEATABLE = "repeatable"
    """A second one does no harm; the result is marked as a possible duplicate."""
    UNSAFE = "unsafe"
    """It must not happen twice: retried only when it was provably not processed."""


def number(lowest: float, highest: float, unit: str) -> Callable[[Any, Any, Any], None]:
    """
    Return a validator for a number in a range; nan is in none.
    """

    def check(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        numeric = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not numeric or not lowest <= value <= highest:  # which nan is not either
            msg = f"{attribute.name} must be between {lowest:g} and {highest:g} {unit}."
            raise SettingsError(msg)

    return check


def count(lowest: int, highest: int) -> Callable[[Any, Any, Any], None]:
    """
    Return a validator for a whole number in a range.
    """

    def check(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
            msg = f"{attribute.name} must be a whole number between {lowest} and {highest}."
            raise SettingsError(msg)

    return check


def limit(default: Any, validator: Callable[[Any, Any, Any], None], text: str) -> Any:
    """
    Return the field of a setting with its default, range and help.
    """
    return attrs.field(default=default, validator=validator, metadata={"help": text})


_RATE = re.compile(r"(?P<count>[1-9]\d{0,5})/(?P<number>\d{0,6}(?:\.\d{1,3})?)(?P<unit>s|min|h)")
_UNITS: Mapping[str, float] = {"s": 1.0, "min": 60.0, "h": 3600.0}


def rate_of(text: str) -> tuple[int, float]:
    """
    Return the requests and the seconds of a rate such as ``20/10s``. Raises SettingsError.
    """
    found = _RATE.fullmatch(text)
    seconds = float(found["number"] or 1) * _UNITS[found["unit"]] if found else 0.0
    if found is None or not 0 < seconds <= 86400:
        msg = "rate must be requests per time up to a day, such as 20/10s, 5/s or 300/h."
        raise SettingsError(msg)
    return int(found["count"]), seconds


def _true_or_false(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, bool):
        msg = f"{attribute.name} must be true or false."
        raise SettingsError(msg)


def _switch(*, default: bool, text: str) -> bool:
    switch: bool = limit(default, _true_or_false, text)
    return switch


LONGEST_PATIENCE = 86400


@attrs.frozen(kw_only=True)
class Policy:
    """
    Times are seconds. The defaults are the interactive profile: a person is waiting.

    The breaker's numbers come from simulations at 20 calls/s: 14 failures of the last 20
    never opened falsely at 15 % random faults, where five failed attempts in a row did in
    half of the runs.
    """

    attempt_timeout: float = limit(
        60.0, number(0.01, 3600, "seconds"), "limit of one attempt, response body included"
    )
    total_timeout: float = limit(
        200.0, number(0.01, 86400, "seconds"), "limit of a whole call with retries and waits"
    )
    patience: float = limit(
        5.0,
        number(0, LONGEST_PATIENCE, "seconds"),
        "time a call may wait in all for a gate or a circuit",
    )
    queue_timeout: float | None = limit(
        None,
        attrs.validators.optional(number(0, 86400, "seconds")),
        "time a call may wait for a free slot; unset: its patience",
    )
    resilience_enabled: bool = _switch(default=True, text="false turns retries and breaker off")
    retry_enabled: bool = _switch(default=True, text="false makes one attempt only")
    retry_max_attempts: int = limit(3, count(1, 100), "attempts of one call")
    retry_base_delay: float = limit(1.0, number(0, 3600, "seconds"), "first delay")
    retry_max_delay: float = limit(60.0, number(0, 86400, "seconds"), "longest delay")
    retry_exponential_base: float = limit(2.0, number(1, 10, "times"), "growth of the delay")
    retry_jitter: bool = _switch(default=True, text="full jitter: a random part of the delay")
    circuit_breaker_enabled: bool = _switch(default=True, text="false never opens a circuit")
    circuit_breaker_failure_threshold: int = limit(
        5, count(1, 1000), "calls in a row that failed before the circuit opens"
    )
    circuit_breaker_success_threshold: int = limit(
        2, count(1, 100), "probes that must succeed before the circuit closes"
    )
    circuit_breaker_timeout: float | None = limit(
        None,
        attrs.validators.optional(number(0.01, 86400, "seconds")),
        "fixed open time; unset: 0.25 s growing by 1.5 to 2 s",
    )
    circuit_breaker_half_open_max_calls: int = limit(1, count(1, 100), "probes at a time")
    circuit_breaker_window: int = limit(20, count(1, 1000), "attempts looked back on")
    circuit_breaker_window_failures: int = limit(
        14, count(1, 1000), "failures among them that open the circuit"
    )
    max_concurrent: int = limit(64, count(1, 100_000), "attempts of a provider at a time")
    max_queued: int = limit(1024, count(0, 1_000_000), "calls waiting for a slot")

    def __attrs_post_init__(self) -> None:
        if self.total_timeout < self.attempt_timeout:
            msg = (
                "total_timeout must not be shorter than attempt_timeout; "
                "raise the one or lower the other."
            )
            raise SettingsError(msg)
        if self.circuit_breaker_window_failures > self.circuit_breaker_window:
            msg = (
                "circuit_breaker_window_failures must not be larger than circuit_breaker_window; "
                "lower the one or raise the other."
            )
            raise SettingsError(msg)

    @functools.cached_property
    def retries(self) -> bool:
        """
        Whether a failed attempt may be repeated, after the switches.
        """
        return self.resilience_enabled and self.retry_enabled

    @functools.cached_property
    def attempts_allowed(self) -> int:
        """
        Attempts of one call, after the switches.
        """
        return self.retry_max_attempts if self.retries else 1

    @functools.cached_property
    def queue_wait(self) -> float:
        """
        Seconds a call may wait for a free slot.
        """
        return self.patience if self.queue_timeout is None else self.queue_timeout

    @functools.cached_property
    def patient(self) -> Policy:
        """
        The same limits with all the patience that a deadline leaves.
        """
        return attrs.evolve(self, patience=LONGEST_PATIENCE)

    @functools.cached_property
    def breaker_enabled(self) -> bool:
        """
        Whether circuits may open, after the switches.
        """
        return self.resilience_enabled and self.circuit_breaker_enabled

    @classmethod
    def keys(cls) -> tuple[str, ...]:
        """
        Return the names of all limits, which are also their setting keys.
        """
        return tuple(field.name for field in attrs.fields(cls))

    def override(self, changes: Mapping[str, Any]) -> Policy:
        """
        Return a copy with *changes*; an unknown key is a ``SettingsError`` with a suggestion.
        """
        for key in changes:
            if key not in self.keys():
                msg = f"There is no limit called {key!r}.{did_you_mean(key, self.keys())}"
                raise SettingsError(msg)
        return attrs.evolve(self, **changes)


INTERACTIVE: Mapping[str, Any] = {}
BATCH: Mapping[str, Any] = {
    "retry_max_attempts": 5,
    "total_timeout": 420.0,
    "patience": 90.0,
    "queue_timeout": 86400.0,
}
PROFILES: Mapping[str, Mapping[str, Any]] = {"interactive": INTERACTIVE, "batch": BATCH}
"""What a profile sets differently; a batch call queues until its deadline."""
