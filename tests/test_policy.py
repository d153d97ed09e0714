"""
The limits of a call: their defaults, their ranges, what fits together.
"""

from __future__ import annotations

import math
from typing import Any

import attrs
import pytest

from seedcore import Policy, SettingsError
from seedcore.policy import PROFILES

NUMBERS = {
    "attempt_timeout": (0.01, 3600),
    "total_timeout": (0.01, 86400),
    "patience": (0, 86400),
    "queue_timeout": (0, 86400),
    "retry_base_delay": (0, 3600),
    "retry_max_delay": (0, 86400),
    "retry_exponential_base": (1, 10),
    "circuit_breaker_timeout": (0.01, 86400),
}
COUNTS = {
    "retry_max_attempts": (1, 100),
    "circuit_breaker_failure_threshold": (1, 1000),
    "circuit_breaker_success_threshold": (1, 100),
    "circuit_breaker_half_open_max_calls": (1, 100),
    "circuit_breaker_window": (1, 1000),
    "circuit_breaker_window_failures": (1, 1000),
    "max_concurrent": (1, 100_000),
    "max_queued": (0, 1_000_000),
}
SWITCHES = ("resilience_enabled", "retry_enabled", "retry_jitter", "circuit_breaker_enabled")
FITTING: dict[str, Any] = {
    "total_timeout": 86400,
    "attempt_timeout": 0.01,
    "circuit_breaker_window": 1000,
    "circuit_breaker_window_failures": 1,
}
"""Values with which every other one fits."""


def fitting(key: str, value: Any) -> Policy:
    """
    Return a policy in which nothing but *key* can be wrong.
    """
    others = {name: other for name, other in FITTING.items() if name != key}
    if key == "circuit_breaker_window":
        others["circuit_breaker_window_failures"] = 1
    return Policy(**{**others, key: value})


def test_the_defaults_are_those_of_an_interactive_call() -> None:
    """
    The numbers of the contract.
    """
    policy = Policy()

    assert (60.0, 200.0, 5.0, 5.0) == (
        policy.attempt_timeout,
        policy.total_timeout,
        policy.patience,
        policy.queue_wait,
    )
    assert (3, 1.0, 2.0, 60.0, True) == (
        policy.retry_max_attempts,
        policy.retry_base_delay,
        policy.retry_exponential_base,
        policy.retry_max_delay,
        policy.retry_jitter,
    )
    assert (64, 1024) == (policy.max_concurrent, policy.max_queued)
    assert (20, 14, 5, 2, 1, None) == (
        policy.circuit_breaker_window,
        policy.circuit_breaker_window_failures,
        policy.circuit_breaker_failure_threshold,
        policy.circuit_breaker_success_threshold,
        policy.circuit_breaker_half_open_max_calls,
        policy.circuit_breaker_timeout,
    )


def test_a_batch_is_more_patient() -> None:
    """
    Five attempts, 420 s, and it queues until its deadline.
    """
    policy = Policy().override(PROFILES["batch"])

    assert (60.0, 420.0, 90.0, 5) == (
        policy.attempt_timeout,
        policy.total_timeout,
        policy.patience,
        policy.retry_max_attempts,
    )
    assert policy.queue_wait >= policy.total_timeout


def test_every_limit_is_known_to_these_tests() -> None:
    """
    A new one needs a range, a help text and a line above.
    """
    assert set(Policy.keys()) == {*NUMBERS, *COUNTS, *SWITCHES}
    assert [] == [field.name for field in attrs.fields(Policy) if not field.metadata.get("help")]


@pytest.mark.parametrize(("key", "allowed"), [*NUMBERS.items(), *COUNTS.items()])
def test_both_ends_of_a_range_are_allowed(key: str, allowed: tuple[float, float]) -> None:
    """
    The lowest and the highest value work.
    """
    for value in allowed:
        assert value == getattr(fitting(key, value), key)


@pytest.mark.parametrize(
    "value",
    [math.nan, math.inf, -math.inf, -1, -0.001, 1e9, 10**400, "5", "", [], True, object()],
    ids=lambda value: repr(value)[:12],
)
def test_what_is_out_of_range_is_refused(value: Any) -> None:
    """
    With a sentence that names the key and the allowed range.
    """
    for key, (lowest, highest) in (NUMBERS | COUNTS).items():
        with pytest.raises(SettingsError) as caught:
            fitting(key, value)

        sentence = str(caught.value)
        assert sentence.startswith(f"{key} must be ")
        assert f"between {lowest:g} and " in sentence
        assert f"{highest:g}" in sentence or f"{highest}" in sentence


@pytest.mark.parametrize("key", [*COUNTS])
@pytest.mark.parametrize("value", [1.0, 2.5, None])
def test_a_count_is_a_whole_number(key: str, value: Any) -> None:
    """
    Neither 1.0 nor nothing.
    """
    with pytest.raises(SettingsError, match="whole number"):
        fitting(key, value)


@pytest.mark.parametrize("key", ["attempt_timeout", "total_timeout", "patience"])
def test_a_limit_can_not_be_absent(key: str) -> None:
    """
    There is no call without an end.
    """
    with pytest.raises(SettingsError):
        fitting(key, None)


@pytest.mark.parametrize("key", SWITCHES)
def test_a_switch_is_true_or_false(key: str) -> None:
    """
    Anything else is refused as any other wrong setting is.
    """
    for value in (0, 1, "true", "false", None):
        with pytest.raises(SettingsError, match=key):
            fitting(key, value)


def test_a_total_shorter_than_an_attempt_is_refused() -> None:
    """
    An attempt could never use its time.
    """
    with pytest.raises(SettingsError, match="total_timeout.*attempt_timeout"):
        Policy(attempt_timeout=10, total_timeout=9)

    assert 10 == Policy(attempt_timeout=10, total_timeout=10).total_timeout


def test_more_failures_than_the_window_holds_are_refused() -> None:
    """
    The circuit could never open.
    """
    with pytest.raises(SettingsError, match="circuit_breaker_window"):
        Policy(circuit_breaker_window=10, circuit_breaker_window_failures=11)


def test_the_switches_switch() -> None:
    """
    ``resilience_enabled`` turns off both, the others one each; one attempt is left.
    """
    nothing = Policy(resilience_enabled=False)
    assert (False, False, 1) == (nothing.retries, nothing.breaker_enabled, nothing.attempts_allowed)

    no_retries = Policy(retry_enabled=False)
    assert (False, True, 1) == (
        no_retries.retries,
        no_retries.breaker_enabled,
        no_retries.attempts_allowed,
    )

    no_breaker = Policy(circuit_breaker_enabled=False)
    assert (True, False, 3) == (
        no_breaker.retries,
        no_breaker.breaker_enabled,
        no_breaker.attempts_allowed,
    )


def test_patience_is_also_the_wait_for_a_slot_unless_that_is_set() -> None:
    """
    One number for both, until somebody wants two.
    """
    assert 9 == Policy(patience=9).queue_wait
    assert 0 == Policy(patience=9, queue_timeout=0).queue_wait


def test_single_limits_can_be_overridden() -> None:
    """
    In a copy; the original stays.
    """
    policy = Policy()
    other = policy.override({"retry_max_attempts": 7})

    assert (3, 7) == (policy.retry_max_attempts, other.retry_max_attempts)
    assert policy.attempt_timeout == other.attempt_timeout


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"retry_max_attemps": 7}, "Did you mean 'retry_max_attempts'?"),
        ({"retry_max_attempts": 0}, "between 1 and 100"),
        ({"attempt_timeout": 300}, "total_timeout"),
        ({7: 7}, "no limit called 7"),
    ],
    ids=str,
)
def test_an_override_is_checked_as_all_settings_are(changes: dict[Any, Any], said: str) -> None:
    """
    Names, ranges, and what fits together.
    """
    with pytest.raises(SettingsError) as caught:
        Policy().override(changes)

    assert said in str(caught.value)


def test_a_policy_can_not_be_changed() -> None:
    """
    It is shared by all calls of a provider.
    """
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Policy().patience = 3
