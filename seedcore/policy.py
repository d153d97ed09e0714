"""
The limits one call runs under: every number of the contract, with its range.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal

import attrs

from seedcore.errors import SettingsError, did_you_mean

Profile = Literal["interactive", "batch"]


def _number(lowest: float, highest: float, unit: str) -> Callable[[Any, Any, Any], None]:
    def check(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        numeric = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not numeric or math.isnan(value) or not lowest <= value <= highest:
            msg = f"{attribute.name} must be between {lowest:g} and {highest:g} {unit}."
            raise SettingsError(msg)

    return check


def _count(lowest: int, highest: int) -> Callable[[Any, Any, Any], None]:
    def check(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
            msg = f"{attribute.name} must be a whole number between {lowest} and {highest}."
            raise SettingsError(msg)

    return check


def _setting(default: Any, validator: Callable[[Any, Any, Any], None], text: str) -> Any:
    return attrs.field(default=default, validator=validator, metadata={"help": text})


def _switch(default: bool, text: str) -> bool:
    switch: bool = _setting(default, attrs.validators.instance_of(bool), text)
    return switch


@attrs.frozen(kw_only=True)
class Policy:
    """
    Times are seconds. The defaults are the interactive profile: a person is waiting.

    The breaker's numbers come from simulations at 20 calls/s: 14 failures of the last 20
    never opened falsely at 15 % random faults, where five failed attempts in a row did in
    half of the runs.
    """

    attempt_timeout: float = _setting(
        60.0, _number(0.01, 3600, "seconds"), "limit of one attempt, response body included"
    )
    total_timeout: float = _setting(
        200.0, _number(0.01, 86400, "seconds"), "limit of a whole call with retries and waits"
    )
    patience: float = _setting(
        5.0, _number(0, 86400, "seconds"), "time a call may wait in all for a gate or a circuit"
    )
    queue_timeout: float | None = _setting(
        None,
        attrs.validators.optional(_number(0, 86400, "seconds")),
        "time a call may wait for a free slot; unset: its patience",
    )
    resilience_enabled: bool = _switch(True, "false turns retries and breaker off")
    retry_enabled: bool = _switch(True, "false makes one attempt only")
    retry_max_attempts: int = _setting(3, _count(1, 100), "attempts of one call")
    retry_base_delay: float = _setting(1.0, _number(0, 3600, "seconds"), "first delay")
    retry_max_delay: float = _setting(60.0, _number(0, 86400, "seconds"), "longest delay")
    retry_exponential_base: float = _setting(2.0, _number(1, 10, "times"), "growth of the delay")
    retry_jitter: bool = _switch(True, "full jitter: a random part of the delay")
    circuit_breaker_enabled: bool = _switch(True, "false never opens a circuit")
    circuit_breaker_failure_threshold: int = _setting(
        5, _count(1, 1000), "calls in a row that failed before the circuit opens"
    )
    circuit_breaker_success_threshold: int = _setting(
        2, _count(1, 100), "probes that must succeed before the circuit closes"
    )
    circuit_breaker_timeout: float | None = _setting(
        None,
        attrs.validators.optional(_number(0.01, 86400, "seconds")),
        "fixed open time; unset: 0.25 s growing by 1.5 to 2 s",
    )
    circuit_breaker_half_open_max_calls: int = _setting(1, _count(1, 100), "probes at a time")
    circuit_breaker_window: int = _setting(20, _count(1, 1000), "attempts looked back on")
    circuit_breaker_window_failures: int = _setting(
        14, _count(1, 1000), "failures among them that open the circuit"
    )
    max_concurrent: int = _setting(64, _count(1, 100_000), "attempts of a provider at a time")
    max_queued: int = _setting(1024, _count(0, 1_000_000), "calls waiting for a slot")

    def __attrs_post_init__(self) -> None:
        if self.total_timeout < self.attempt_timeout:
            msg = (
                f"total_timeout ({self.total_timeout:g} s) must not be shorter than "
                f"attempt_timeout ({self.attempt_timeout:g} s)."
            )
            raise SettingsError(msg)
        if self.circuit_breaker_window_failures > self.circuit_breaker_window:
            msg = (
                "circuit_breaker_window_failures must not be larger than "
                f"circuit_breaker_window ({self.circuit_breaker_window})."
            )
            raise SettingsError(msg)

    @property
    def retries(self) -> bool:
        """
        Whether a failed attempt may be repeated, after the switches.
        """
        return self.resilience_enabled and self.retry_enabled

    @property
    def attempts_allowed(self) -> int:
        """
        Attempts of one call, after the switches.
        """
        return self.retry_max_attempts if self.retries else 1

    @property
    def queue_wait(self) -> float:
        """
        Seconds a call may wait for a free slot.
        """
        return self.patience if self.queue_timeout is None else self.queue_timeout

    @property
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
