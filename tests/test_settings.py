"""
Where settings come from, which one wins, and what is said when one is wrong.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import Enum, IntEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import attrs
import pytest
from attrs import validators

from seedcore.errors import SettingsError, UnconfiguredProviderError
from seedcore.hookspecs import Declaration, secret, setting
from seedcore.model import Effect
from seedcore.policy import Policy
from seedcore.settings import (
    RESERVED_PROVIDER_NAMES,
    CoreSettings,
    ProviderSettings,
    SettingLine,
    Settings,
    masked_url,
    structure,
)

CANARY = "canary-4711"


@attrs.frozen(kw_only=True)
class Own:
    """
    The settings class of a provider.
    """

    token: str = secret(help="from your account page")
    depth: int = setting(3, help="how deep", validator=validators.ge(1))
    mode: Literal["fast", "slow"] = setting("fast")


@attrs.define
class Inputs:
    """
    Everything that settings are read from.
    """

    directory: Path
    argument: dict[str, Any] = attrs.Factory(dict)
    environ: dict[str, str] = attrs.Factory(dict)
    file: str = ""
    declared: dict[str, Any] = attrs.Factory(dict)
    installed: tuple[str, ...] = ("smdash",)

    def load(self) -> Settings:
        """
        Read them.
        """
        if self.file:
            (self.directory / "seedcore.toml").write_text(self.file, encoding="utf-8")
        return Settings.load(
            self.argument or None,
            installed=self.installed,
            environ=self.environ,
            directory=self.directory,
        )

    def provider(self, name: str = "smdash") -> ProviderSettings:
        """
        Read them, and those of one provider.
        """
        return self.load().provider(name, Declaration(**self.declared))

    def error(self, name: str = "smdash") -> SettingsError:
        """
        Return what is wrong with them.
        """
        with pytest.raises(SettingsError) as caught:
            self.provider(name)
        return caught.value


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    """
    Nothing is set anywhere.
    """
    return Inputs(tmp_path)


def line(lines: Sequence[SettingLine], key: str) -> SettingLine:
    """
    Return the line of one setting.
    """
    return next(line for line in lines if line.key == key)


# Precedence


def _in_argument_table(inputs: Inputs, value: int) -> None:
    inputs.argument["providers"] = {"smdash": {"retry_max_attempts": value}}


def _in_argument(inputs: Inputs, value: int) -> None:
    inputs.argument["retry_max_attempts"] = value


def _in_own_variable(inputs: Inputs, value: int) -> None:
    inputs.environ["SEEDCORE_SMDASH_RETRY_MAX_ATTEMPTS"] = str(value)


def _in_variable(inputs: Inputs, value: int) -> None:
    inputs.environ["SEEDCORE_RETRY_MAX_ATTEMPTS"] = str(value)


def _in_file_table(inputs: Inputs, value: int) -> None:
    inputs.file += f"[providers.smdash]\nretry_max_attempts = {value}\n"


def _in_file(inputs: Inputs, value: int) -> None:
    inputs.file = f"retry_max_attempts = {value}\n{inputs.file}"


def _in_plugin(inputs: Inputs, value: int) -> None:
    inputs.declared["policy"] = {"retry_max_attempts": value}


LAYERS: list[tuple[Callable[[Inputs, int], None], str]] = [
    (_in_argument_table, "argument [providers.smdash]"),
    (_in_argument, "argument"),
    (_in_own_variable, "SEEDCORE_SMDASH_RETRY_MAX_ATTEMPTS"),
    (_in_variable, "SEEDCORE_RETRY_MAX_ATTEMPTS"),
    (_in_file_table, "seedcore.toml [providers.smdash]"),
    (_in_file, "seedcore.toml"),
    (_in_plugin, "plugin"),
]


@pytest.mark.parametrize(("upper", "lower"), list(itertools.combinations(LAYERS, 2)))
def test_the_upper_of_two_layers_wins(
    inputs: Inputs,
    upper: tuple[Callable[[Inputs, int], None], str],
    lower: tuple[Callable[[Inputs, int], None], str],
) -> None:
    """
    Of two places that set a limit the one earlier in the documented order counts, and is named.
    """
    lower[0](inputs, 7)
    upper[0](inputs, 8)
    settings = inputs.provider()

    assert 8 == settings.policy().retry_max_attempts
    assert upper[1] == line(settings.describe(), "retry_max_attempts").origin


@pytest.mark.parametrize("layer", LAYERS)
def test_every_layer_wins_over_a_profile(
    inputs: Inputs, layer: tuple[Callable[[Inputs, int], None], str]
) -> None:
    """
    What a person or a plugin sets holds for both profiles.
    """
    layer[0](inputs, 8)
    settings = inputs.provider()

    assert [8, 8] == [settings.policy(p).retry_max_attempts for p in ("interactive", "batch")]
    assert layer[1] == line(settings.describe("batch"), "retry_max_attempts").origin


def test_nothing_set_means_the_profiles_and_the_defaults(inputs: Inputs) -> None:
    """
    Without file, variables and argument everything works with the documented numbers.
    """
    settings = inputs.provider()

    assert Policy() == settings.policy()
    assert (5, 420.0, 90.0) == (
        settings.policy("batch").retry_max_attempts,
        settings.policy("batch").total_timeout,
        settings.policy("batch").patience,
    )
    assert "profile batch" == line(settings.describe("batch"), "retry_max_attempts").origin
    assert "default" == line(settings.describe(), "retry_max_attempts").origin
    assert (64, 8 * 2**20) == (settings.pool_size, settings.response_limit)
    assert inputs.load().path is None


def test_core_settings_follow_the_same_order(inputs: Inputs) -> None:
    """
    The argument wins over the environment, the environment over the file.
    """
    inputs.file = 'log = "json"\ndrain_timeout = 1\nstrict = true\n'
    inputs.environ = {"SEEDCORE_LOG": "off", "SEEDCORE_DRAIN_TIMEOUT": "2"}
    inputs.argument = {"log": "text"}
    settings = inputs.load()

    assert ("text", 2.0, True) == (
        settings.core.log,
        settings.core.drain_timeout,
        settings.core.strict,
    )
    assert ["argument", "SEEDCORE_DRAIN_TIMEOUT", "seedcore.toml", "default"] == [
        line(settings.describe_core(), key).origin
        for key in ("log", "drain_timeout", "strict", "only")
    ]


def test_lists_of_the_environment_are_separated_by_commas(inputs: Inputs) -> None:
    """
    ``SEEDCORE_DISABLE=a, b`` names two plugins.
    """
    inputs.environ = {"SEEDCORE_DISABLE": "a, b,", "SEEDCORE_SMDASH_HOSTS": "x.example,y.example"}

    assert ("a", "b") == inputs.load().core.disable
    assert ("x.example", "y.example") == inputs.provider().hosts


def test_an_empty_variable_counts_as_unset(inputs: Inputs) -> None:
    """
    ``SEEDCORE_CIRCUIT_BREAKER_TIMEOUT=`` leaves the open time to the core.
    """
    inputs.environ = {"SEEDCORE_CIRCUIT_BREAKER_TIMEOUT": "", "SEEDCORE_CONFIG": " "}

    assert inputs.provider().policy().circuit_breaker_timeout is None

    inputs.environ["SEEDCORE_CIRCUIT_BREAKER_TIMEOUT"] = "30"

    assert 30.0 == inputs.provider().policy().circuit_breaker_timeout


@pytest.mark.parametrize("key", Policy.keys())
def test_every_limit_has_its_variable(inputs: Inputs, key: str) -> None:
    """
    ``SEEDCORE_`` and the key in capitals sets it for all, ``SEEDCORE_SMDASH_...`` for one.
    """
    default = getattr(Policy(), key)
    switch = isinstance(default, bool)
    changed = "false" if switch else "20" if default is None else str(default)
    inputs.environ = {f"SEEDCORE_{key.upper()}": changed}
    everywhere = inputs.provider()
    inputs.environ = {f"SEEDCORE_SMDASH_{key.upper()}": changed}
    only_one = inputs.provider()

    assert f"SEEDCORE_{key.upper()}" == line(everywhere.describe(), key).origin
    assert f"SEEDCORE_SMDASH_{key.upper()}" == line(only_one.describe(), key).origin
    assert getattr(everywhere.policy(), key) == getattr(only_one.policy(), key)
    if switch or default is None:
        assert default != getattr(only_one.policy(), key)


def test_a_plugins_own_declarations_can_be_overridden(inputs: Inputs) -> None:
    """
    Address, hosts, title, homepage and effect are the plugin's unless the file says otherwise.
    """
    inputs.declared = {
        "base_url": "https://a.example",
        "hosts": ("b.example",),
        "title": "A",
        "max_concurrent": 2,
        "policy": {"max_concurrent": 9, "response_limit": 5000},
    }
    inputs.file = '[providers.smdash]\nbase_url = "http://c.example:8080/x"\neffect = "read"\n'
    settings = inputs.provider()

    assert "http://c.example:8080/x" == settings.base_url
    assert (("b.example",), "A", None) == (settings.hosts, settings.title, settings.homepage)
    assert Effect.READ is settings.effect
    assert (2, 5000) == (settings.policy().max_concurrent, settings.response_limit)
    assert ["seedcore.toml [providers.smdash]", "plugin", "plugin", "default"] == [
        line(settings.describe(), key).origin for key in ("base_url", "hosts", "title", "homepage")
    ]


def test_a_policy_is_built_once(inputs: Inputs) -> None:
    """
    Asking for the same limits again returns the same instance, whatever the operation is called.
    """
    settings = inputs.provider()

    assert settings.policy() is settings.policy("interactive", "presets")
    assert settings.policy() is not settings.policy("batch")


def test_limits_of_one_operation(inputs: Inputs) -> None:
    """
    An operation's table wins over its provider's in the same document, not over the layer above.
    """
    inputs.file = (
        "[providers.smdash]\nattempt_timeout = 10\npatience = 1\n"
        "[providers.smdash.operations.presets]\nattempt_timeout = 20\npatience = 2\n"
    )
    inputs.environ = {"SEEDCORE_PATIENCE": "3"}
    settings = inputs.provider()

    assert (10.0, 3.0) == (settings.policy().attempt_timeout, settings.policy().patience)
    presets = settings.policy(operation="presets")
    assert (20.0, 3.0) == (presets.attempt_timeout, presets.patience)
    assert (
        "seedcore.toml [providers.smdash.operations.presets]"
        == line(settings.describe(operation="presets"), "attempt_timeout").origin
    )

    inputs.argument = {"providers": {"smdash": {"operations": {"presets": {"patience": 4}}}}}

    assert 4.0 == inputs.provider().policy("batch", "presets").patience


@pytest.mark.parametrize(
    ("key", "advice"),
    [
        ("max_queued", "It belongs under [providers.<name>]."),
        ("base_url", "It belongs under [providers.<name>]."),
        ("pool_size", "It belongs under [providers.<name>]."),
        ("log", "It belongs at the top level."),
        ("pacience", "Did you mean 'patience'?"),
    ],
)
def test_an_operation_takes_its_own_limits_only(inputs: Inputs, key: str, advice: str) -> None:
    """
    Slots and connections belong to the whole provider, so an operation's table can't have them.
    """
    inputs.file = f"[providers.smdash.operations.presets]\n{key} = 1\n"

    assert (
        f"seedcore.toml [providers.smdash.operations.presets]: there is no setting {key!r}. "
        f"{advice}"
    ) == str(inputs.error())


def test_an_unknown_profile_is_refused(inputs: Inputs) -> None:
    """
    The sentence names the profiles there are.
    """
    with pytest.raises(SettingsError, match=r"Did you mean 'batch'\? Known: interactive, batch"):
        inputs.provider().policy("bath")  # type: ignore[arg-type]


# Which variable belongs to whom


def test_the_longest_installed_provider_name_wins(inputs: Inputs) -> None:
    """
    ``SEEDCORE_SM_DASH_TITLE`` is the title of ``sm-dash``, not the ``dash_title`` of ``sm``.
    """
    inputs.installed = ("sm", "sm-dash", "smdash")
    inputs.environ = {
        "SEEDCORE_SM_TITLE": "one",
        "SEEDCORE_SM_DASH_TITLE": "two",
        "SEEDCORE_SMDASH_TITLE": "three",
    }

    assert ["one", "two", "three"] == [inputs.provider(name).title for name in inputs.installed]


def test_without_the_longer_name_the_shorter_one_owns_the_variable(inputs: Inputs) -> None:
    """
    The same variable is a mistake when only ``sm`` is installed.
    """
    inputs.installed = ("sm",)
    inputs.environ = {"SEEDCORE_SM_DASH_TITLE": "two"}

    assert "SEEDCORE_SM_DASH_TITLE: there is no such setting of sm." in str(inputs.error("sm"))


@pytest.mark.parametrize(
    "variable",
    [
        "SEEDCORE_SAMUS_BASE_URL",
        "SEEDCORE_DASH_BASE_URL",
        "SEEDCORE_Z1R_ATTEMPT_TIMEOUT",
        "SEEDCORE_X_DATABASE_URL",
        "SEEDCORE_VARIA_TOKEN",
        "SEEDCORE_BINGO_TIMEOUT",
        "SEEDCORE_FOO",
        "SEEDCORELOG",
        "LOG",
    ],
)
def test_variables_of_others_are_ignored(inputs: Inputs, variable: str) -> None:
    """
    A provider that isn't installed leaves its variables behind; they harm nobody.
    """
    inputs.environ = {variable: CANARY}

    assert CoreSettings() == inputs.load().core


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("SEEDCORE_RETRY_MAX_ATEMPTS", "SEEDCORE_RETRY_MAX_ATTEMPTS"),
        ("SEEDCORE_CIRCUIT_BREAKER_WINDOWS", "SEEDCORE_CIRCUIT_BREAKER_WINDOW"),
        ("SEEDCORE_DATABSE_URL", "SEEDCORE_DATABASE_URL"),
        ("SEEDCORE_DATABASEURL", "SEEDCORE_DATABASE_URL"),
        ("SEEDCORE_PATIENSE", "SEEDCORE_PATIENCE"),
        ("SEEDCORE_LOG_FORMAT", "SEEDCORE_LOG"),
        ("SEEDCORE_POOLSIZE", "SEEDCORE_POOL_SIZE"),
        ("SEEDCORE_CONFIG_FILE", "SEEDCORE_CONFIG"),
        ("SEEDCORE_RETRY_ZZZZZZZZZZZZ", "Known: SEEDCORE_RETRY_ENABLED, "),
        ("SEEDCORE_BASE_URL", "It is set for one provider: SEEDCORE_<PROVIDER>_BASE_URL."),
    ],
)
def test_a_mistyped_core_variable_is_refused(inputs: Inputs, variable: str, meant: str) -> None:
    """
    The sentence names the variable and the one that was meant.
    """
    inputs.environ = {variable: CANARY}
    sentence = str(inputs.error())

    assert f"{variable}: there is no such setting." in sentence
    assert meant in sentence
    assert CANARY not in sentence


def test_a_mistyped_variable_of_a_provider_is_refused_with_it(inputs: Inputs) -> None:
    """
    Loading the core doesn't look at it; loading the provider does.
    """
    inputs.environ = {"SEEDCORE_SMDASH_BASEURL": CANARY}
    inputs.load()

    assert (
        "SEEDCORE_SMDASH_BASEURL: there is no such setting of smdash. "
        "Did you mean 'SEEDCORE_SMDASH_BASE_URL'?"
    ) == str(inputs.error())


@pytest.mark.parametrize(
    "name", ["retry", "log", "circuit", "circuit-breaker", "circuit_breaker", "config", "max"]
)
def test_names_that_begin_core_variables_are_reserved(name: str) -> None:
    """
    A provider of such a name would own variables of the core.
    """
    assert name in RESERVED_PROVIDER_NAMES
    assert "smdash" not in RESERVED_PROVIDER_NAMES


# Unknown keys and broken files


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        (
            "retry_max_atempts = 5",
            (
                "seedcore.toml: there is no setting 'retry_max_atempts'. "
                "Did you mean 'retry_max_attempts'?"
            ),
        ),
        (
            "base_url = 'x'",
            "seedcore.toml: there is no setting 'base_url'. It belongs under [providers.<name>].",
        ),
        (
            "[providers.smdash]\ndepht = 5",
            "seedcore.toml [providers.smdash]: there is no setting 'depht'. Did you mean 'depth'?",
        ),
        (
            "[providers.smdash]\nlog = 'json'",
            (
                "seedcore.toml [providers.smdash]: there is no setting 'log'. "
                "It belongs at the top level."
            ),
        ),
        (
            "providers = 5",
            "seedcore.toml [providers]: this must be a table of keys and values.",
        ),
        (
            "[providers]\nsmdash = 5",
            "seedcore.toml [providers.smdash]: this must be a table of keys and values.",
        ),
        (
            "[providers.smdash]\noperations = 5",
            "seedcore.toml [providers.smdash.operations]: this must be a table of keys and values.",
        ),
    ],
)
def test_a_key_that_does_not_belong_there(inputs: Inputs, file: str, sentence: str) -> None:
    """
    The sentence says where the key stands and what was meant, or where it belongs.
    """
    inputs.file = file
    inputs.declared["settings"] = Own

    assert sentence == str(inputs.error())


def test_the_argument_is_checked_like_the_file(inputs: Inputs) -> None:
    """
    Unknown keys in the argument are refused, and it must be a mapping.
    """
    inputs.argument = {"patiense": 1}

    assert "argument: there is no setting 'patiense'. Did you mean 'patience'?" == str(
        inputs.error()
    )
    with pytest.raises(SettingsError, match="argument: this must be a table"):
        Settings.load([], environ={}, directory=inputs.directory)  # type: ignore[arg-type]


def test_keys_far_from_all_others_get_the_list(inputs: Inputs) -> None:
    """
    Without a likely meaning all known keys are named.
    """
    inputs.file = "[providers.smdash]\nzzz = 5"

    assert "Known: base_url, hosts, title" in str(inputs.error())


def test_the_table_of_a_provider_that_is_not_installed_is_ignored(inputs: Inputs) -> None:
    """
    Uninstalling a plugin doesn't make its table an error.
    """
    inputs.file = "[providers.gone]\nwhatever = 5\n"

    assert inputs.provider().base_url is None


def test_without_a_settings_class_there_are_no_own_keys(inputs: Inputs) -> None:
    """
    A provider that declares no settings takes the core's keys only.
    """
    inputs.file = "[providers.smdash]\ntoken = 'x'\n"

    assert "there is no setting 'token'" in str(inputs.error())

    inputs.file = "[providers.smdash]\ntitle = 'x'\n"

    assert {} == inputs.provider().own


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"a = 1\nb = canary-4711\n", "is not valid TOML: Invalid value (at line 2, column 5)."),
        (b"a = 1\na = 2\n", "is not valid TOML: Cannot overwrite a value (at line 2, column "),
        (b"log = 'canary-4711", 'is not valid TOML: Expected "\'" (at end of document).'),
        (b"\n\nlog = '\xff'\n", "is not valid TOML: no UTF-8 text (at line 3)."),
        (b"patience = " + b"9" * 5000, "a number has too many digits"),
        (b"patience = " + b"[" * 5000, "nested too deeply"),
    ],
)
def test_a_file_that_is_not_toml(inputs: Inputs, content: bytes, reason: str) -> None:
    """
    The sentence names file, line and reason.
    """
    path = inputs.directory / "seedcore.toml"
    path.write_bytes(content)
    error = inputs.error()

    assert str(error).startswith(f"The settings file {path} ")
    assert reason in str(error)
    assert CANARY not in "".join(traceback.format_exception(error))


def test_a_byte_order_mark_is_no_error(inputs: Inputs) -> None:
    """
    Editors that write one don't break the file.
    """
    (inputs.directory / "seedcore.toml").write_bytes(b"\xef\xbb\xbflog = 'off'\n")

    assert "off" == inputs.load().core.log


def test_seedcore_config_names_another_file(inputs: Inputs) -> None:
    """
    It is read instead of seedcore.toml, and named as the origin of its values.
    """
    inputs.file = 'log = "json"\n'
    (inputs.directory / "other.toml").write_text('log = "off"\n', encoding="utf-8")
    inputs.environ = {"SEEDCORE_CONFIG": "other.toml"}
    settings = inputs.load()

    assert ("off", inputs.directory / "other.toml") == (settings.core.log, settings.path)
    assert "other.toml" == line(settings.describe_core(), "log").origin


def test_seedcore_config_must_exist(inputs: Inputs) -> None:
    """
    A file that was asked for by name and isn't there is an error; seedcore.toml is not.
    """
    inputs.environ = {"SEEDCORE_CONFIG": "gone.toml"}

    assert "gone.toml can't be read: No such file or directory." in str(inputs.error())


def test_without_a_directory_the_current_one_is_searched(
    inputs: Inputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    seedcore.toml is found in the directory a program was started in, variables in os.environ.
    """
    inputs.file = 'log = "json"\n'
    inputs.load()
    monkeypatch.chdir(inputs.directory)
    for variable in [name for name in os.environ if name.startswith("SEEDCORE_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("SEEDCORE_STRICT", "yes")
    settings = Settings.load()

    assert ("json", True) == (settings.core.log, settings.core.strict)


# Types and ranges


WRONG: list[tuple[str, Any, str]] = [
    ("attempt_timeout", "canary-4711", "must be between 0.01 and 3600 seconds"),
    ("attempt_timeout", float("nan"), "must be between 0.01 and 3600 seconds"),
    ("attempt_timeout", float("inf"), "must be between 0.01 and 3600 seconds"),
    ("attempt_timeout", -4711, "must be between 0.01 and 3600 seconds"),
    ("attempt_timeout", True, "must be between 0.01 and 3600 seconds"),
    ("attempt_timeout", [4711], "must be between 0.01 and 3600 seconds"),
    ("circuit_breaker_timeout", "canary-4711", "must be between 0.01 and 86400 seconds"),
    ("retry_max_attempts", 4711, "must be a whole number between 1 and 100"),
    ("retry_max_attempts", 2.5, "must be a whole number between 1 and 100"),
    ("retry_max_attempts", True, "must be a whole number between 1 and 100"),
    ("retry_max_attempts", None, "must be a whole number between 1 and 100"),
    ("retry_jitter", "canary-4711", "must be true or false"),
    ("retry_jitter", 4711, "must be true or false"),
    ("pool_size", 0, "must be a whole number between 1 and 10000"),
    ("response_limit", 2**40, "must be a whole number between 1 and 1073741824"),
]


@pytest.mark.parametrize(("key", "value", "rule"), WRONG)
def test_a_limit_out_of_range_or_of_another_type(
    inputs: Inputs, key: str, value: Any, rule: str
) -> None:
    """
    At the top level it is refused at once, in a provider's table with the provider.
    """
    inputs.argument = {key: value}
    everywhere = inputs.error()
    inputs.argument = {"providers": {"smdash": {key: value}}}
    inputs.load()
    only_one = inputs.error()

    assert f"{key} {rule}. It is set by argument." == str(everywhere)
    assert f"smdash: {key} {rule}. It is set by argument [providers.smdash]." == str(only_one)


@pytest.mark.parametrize(
    ("key", "rule"),
    [
        ("log", "must be one of text, json, off"),
        ("strict", "must be true or false"),
        ("drain_timeout", "must be between 0 and 3600 seconds"),
    ],
)
def test_a_core_setting_that_does_not_fit(inputs: Inputs, key: str, rule: str) -> None:
    """
    The sentence names the key, what is allowed and the variable, never the value.
    """
    inputs.environ = {f"SEEDCORE_{key.upper()}": CANARY}

    assert f"{key} {rule}. It is set by SEEDCORE_{key.upper()}." == str(inputs.error())


def test_two_limits_that_contradict_each_other(inputs: Inputs) -> None:
    """
    Both places are named, since either may be the wrong one.
    """
    inputs.declared["policy"] = {"attempt_timeout": 90}
    inputs.file = "[providers.smdash]\ntotal_timeout = 80\n"
    sentence = str(inputs.error())

    assert sentence.startswith("smdash: total_timeout")
    assert "attempt_timeout is set by plugin." in sentence
    assert "total_timeout is set by seedcore.toml [providers.smdash]." in sentence

    inputs.declared, inputs.file = {}, "total_timeout = 30\n"

    assert "attempt_timeout is set by default." in str(inputs.error())


def test_a_contradiction_of_one_operation_is_found_at_load(inputs: Inputs) -> None:
    """
    Limits that can't hold together don't wait for the first call of that operation.
    """
    inputs.file = "[providers.smdash.operations.presets]\ntotal_timeout = 30\n"

    assert "operations.presets]" in str(inputs.error())


@pytest.mark.parametrize(
    "address",
    [
        "a.example",
        "ftp://a.example",
        "https://",
        "https://a.example/?q=1",
        "http://[a",
        "https://:80",
        "https://a:0",
        "https://a:99999",
        5,
    ],
)
def test_an_address_that_is_none(inputs: Inputs, address: Any) -> None:
    """
    base_url is an http or https address with a host and without a query.
    """
    inputs.argument = {"providers": {"smdash": {"base_url": address}}}

    assert "smdash: base_url must be an http:// or https:// address without a query." in str(
        inputs.error()
    )


@pytest.mark.parametrize("address", ["a.example", "https://me:hush@a.example", "https://a/?q=1"])
def test_another_address_that_is_none(inputs: Inputs, address: str) -> None:
    """
    A login in it would be no secret: only that of base_url is hidden.
    """
    inputs.argument = {"storage_url": address}

    assert "storage_url must be an http:// or https:// address without a login or a query" in (
        said := str(inputs.error())
    )
    assert "hush" not in said


def test_a_policy_declared_with_an_unknown_limit(inputs: Inputs) -> None:
    """
    The plugin is named, with what its author meant.
    """
    inputs.declared["policy"] = {"max_retries": 3, "pacience": 1}
    sentence = str(inputs.error())

    assert "policy declared by the plugin of smdash: there is no setting 'max_retries'" in sentence


# A provider's own settings


def test_own_settings_are_an_instance_of_the_declared_class(inputs: Inputs) -> None:
    """
    They come from every layer, converted to the declared types.
    """
    inputs.declared["settings"] = Own
    inputs.environ = {"SEEDCORE_SMDASH_TOKEN": f" {CANARY}\n"}
    inputs.file = '[providers.smdash]\ntoken = "x"\nmode = "slow"\n'
    inputs.argument = {"providers": {"smdash": {"depth": 4}}}
    settings = inputs.provider()

    assert Own(token=CANARY, depth=4, mode="slow") == settings.own
    assert [
        ("token", "***", "SEEDCORE_SMDASH_TOKEN", "from your account page", True),
        ("depth", 4, "argument [providers.smdash]", "how deep", False),
        ("mode", "slow", "seedcore.toml [providers.smdash]", "", False),
    ] == [attrs.astuple(line(settings.describe(), key)) for key in ("token", "depth", "mode")]


def test_missing_own_settings_make_a_provider_unconfigured(inputs: Inputs) -> None:
    """
    The error names the variables to set.
    """
    inputs.declared["settings"] = Own
    error = inputs.error()

    assert isinstance(error, UnconfiguredProviderError)
    assert ("token",) == error.missing
    assert "SEEDCORE_SMDASH_TOKEN" in str(error)


def test_own_settings_that_do_not_fit(inputs: Inputs) -> None:
    """
    The sentence names provider, key, rule and place.
    """
    inputs.declared["settings"] = Own
    inputs.environ = {"SEEDCORE_SMDASH_TOKEN": "x", "SEEDCORE_SMDASH_DEPTH": "0"}

    assert "smdash: depth must be >= 1. It is set by SEEDCORE_SMDASH_DEPTH." == str(inputs.error())

    inputs.environ["SEEDCORE_SMDASH_DEPTH"] = CANARY

    assert "smdash: depth must be a whole number. It is set by SEEDCORE_SMDASH_DEPTH." == str(
        inputs.error()
    )


@pytest.mark.parametrize("key", ["patience", "base_url", "pool_size", "database_url", "operations"])
def test_own_settings_must_not_take_the_cores_names(inputs: Inputs, key: str) -> None:
    """
    Such a key would mean two things; plugin and field are named.
    """
    inputs.declared["settings"] = attrs.make_class("Own", {key: attrs.field(default=1, type=int)})
    sentence = str(inputs.error())

    assert f"the plugin of 'smdash' can't be used: {key!r} is a setting of seedcore" in sentence


def test_a_settings_class_must_be_an_attrs_class(inputs: Inputs) -> None:
    """
    Anything else is refused with the plugin's name.
    """
    inputs.declared["settings"] = dict

    assert "the plugin of 'smdash' can't be used: dict must be an attrs class." in str(
        inputs.error()
    )


# Secrets


@attrs.frozen
class Login:
    """
    A secret in a table.
    """

    user: str
    password: str = secret()


@attrs.frozen
class Account:
    """
    Secrets of all kinds.
    """

    login: Login
    mirror: str
    keys: dict[str, str] = secret()  # noqa: RUF009 - it makes a field
    pin: int = secret(default=0)
    spare: Login | None = secret(default=None)  # noqa: RUF009 - it makes a field


def test_secrets_appear_in_no_output(inputs: Inputs) -> None:
    """
    Neither repr nor listing shows secret values, passwords in addresses, or the database's.
    """
    inputs.declared["settings"] = Account
    inputs.argument = {
        "database_url": f"postgres://me:{CANARY}@db.example/x?sslpassword={CANARY}",
        "providers": {
            "smdash": {
                "base_url": f"https://me:{CANARY}%40@a.example/x",
                "login": {"user": "me", "password": f"{CANARY}-1"},
                "keys": {"a": f"{CANARY}-2"},
                "pin": 471147,
                "spare": {"user": f"{CANARY}-3", "password": f"{CANARY}-4"},
                "mirror": f"https://x:{CANARY}@b.example",
            }
        },
    }
    loaded = inputs.load()
    settings = inputs.provider()
    shown = repr([loaded, settings, loaded.describe_core(), settings.describe("batch")])

    assert CANARY not in shown
    assert "471147" not in shown
    assert "postgres://***@db.example/x?***" == line(loaded.describe_core(), "database_url").value
    assert "https://***@a.example/x" == line(settings.describe(), "base_url").value
    assert {f"{CANARY}-{number}" for number in range(1, 5)} | {
        "471147",
        f"{CANARY}%40",
        f"{CANARY}@",
    } == set(settings.secrets)
    assert f"{CANARY}-1" == settings.own.login.password


def test_an_empty_secret_is_shown_as_empty(inputs: Inputs) -> None:
    """
    A person sees that nothing was set, and nothing is there to redact.
    """
    inputs.declared["settings"] = attrs.make_class("Own", {"token": secret(default="", type=str)})
    settings = inputs.provider()

    assert ("", "default") == (
        line(settings.describe(), "token").value,
        line(settings.describe(), "token").origin,
    )
    assert () == settings.secrets


def _quotes(_instance: object, _attribute: object, value: object) -> None:
    msg = f"{value} is bad"
    raise ValueError(msg)


def _complains(_: Any, attribute: Any, value: Any) -> None:
    msg = f"{attribute.name} must be a key of the new kind, unlike {value}."
    raise SettingsError(msg)


def _explodes_unless_empty(value: Any, _instance: object) -> str:
    if value:
        raise RuntimeError(value)
    return ""


def _explodes_unless_none(value: Any) -> None:
    if value is not None:
        raise RuntimeError(value)


@attrs.frozen
class Leaky:
    """
    Everything in it refuses its value, most of it aloud.
    """

    number: int = 0
    quoted: str = attrs.field(default="", validator=_quotes)
    complained: str = secret(default="", validator=_complains)
    typed: str = attrs.field(default="", validator=validators.in_(["a", "b"]))
    long: str = attrs.field(default="", validator=validators.max_len(3))
    matched: str = attrs.field(default="", validator=validators.matches_re("[0-9]+"))
    both: str = attrs.field(default="", validator=validators.and_(validators.min_len(5), _quotes))
    converted: Any = attrs.field(default=None, converter=_explodes_unless_none)
    told: str = attrs.field(
        default="",
        converter=attrs.Converter(_explodes_unless_empty, takes_self=True),  # type: ignore[misc]
    )
    short: str | None = attrs.field(
        default=None, validator=validators.optional(validators.max_len(3))
    )
    when: datetime | None = None
    union: int | float | None = None
    table: dict[str, int] | None = None


@pytest.mark.parametrize(
    ("key", "rule"),
    [
        ("number", "must be a whole number"),
        ("quoted", "is refused by its own check"),
        ("complained", "must be a key of the new kind, unlike ***"),
        ("typed", "must be one of ('a', 'b')"),
        ("long", "must be at most 3 long"),
        ("matched", "must match [0-9]+"),
        ("both", "is refused by its own check"),
        ("converted", "is refused by its own check"),
        ("short", "must be at most 3 long"),
        ("when", "must be a date and time"),
        ("union", "must be a whole number or a number"),
        ("table", "must be a table"),
    ],
)
def test_no_error_quotes_a_value(key: str, rule: str) -> None:
    """
    Whatever refuses a value, neither the sentence nor the traceback contains it.
    """
    with pytest.raises(SettingsError) as caught:
        structure(Leaky, {key: CANARY}, subject="The options of smdash")

    assert f"The options of smdash: {key} {rule}." == str(caught.value)
    assert caught.value.__context__ is None
    frames = traceback.format_exception(caught.value)
    assert CANARY not in "".join(frames)


def test_a_converter_that_can_not_be_asked_again_leaks_nothing_either() -> None:
    """
    Without a culprit the sentence names everything that was given.
    """
    with pytest.raises(
        SettingsError, match=r"^X: the values of told don't fit together\.$"
    ) as caught:
        structure(Leaky, {"told": CANARY}, subject="X")
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite://seedcore.sqlite3", "sqlite://seedcore.sqlite3"),
        ("postgres://u:p@h/d", "postgres://***@h/d"),
        ("postgres://u:p@ss/w@h/d", "postgres://***@h/d"),
        ("postgres://u:p?q@h/d", "postgres://***"),
        ("postgres://h/d?password=p@q", "postgres://***"),
        ("sqlite://x?mode=ro", "sqlite://x?***"),
        ("a password pasted by mistake", "***"),
        ("", ""),
        (None, "None"),
    ],
)
def test_addresses_are_shown_without_their_secrets(url: str | None, shown: str) -> None:
    """
    User name, password and query are hidden even where they weren't encoded properly.
    """
    assert shown == masked_url(url)


# Options


class Logic(Enum):
    """
    An enumeration whose names and values differ.
    """

    EASY = "no-glitches"
    HARD = 2


class Size(IntEnum):
    """
    Whole numbers with names.
    """

    SMALL = 1


@attrs.frozen
class Inner:
    """
    A table in a table.
    """

    depth: int
    names: tuple[str, ...] = ()


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        (bool, "Yes", True),
        (bool, "off", False),
        (bool, 1, True),
        (bool, "0", False),
        (int, " 5 ", 5),
        (int, 5.0, 5),
        (float, 5, 5.0),
        (float, "5.5", 5.5),
        (str, "5", "5"),
        (str, 5, "5"),
        (Any, [1, "a"], [1, "a"]),
        (Path, "a/b", Path("a/b")),
        (date, "2026-01-02", date(2026, 1, 2)),
        (datetime, datetime(2026, 1, 2), datetime(2026, 1, 2)),  # noqa: DTZ001
        (timedelta, "1h30m", timedelta(minutes=90)),
        (Literal["a", "b"], "b", "b"),
        (Literal[1, 2], "2", 2),
        (Logic, "no-glitches", Logic.EASY),
        (Logic, "EASY", Logic.EASY),
        (Logic, 2, Logic.HARD),
        (Logic, "2", Logic.HARD),
        (Size, "1", Size.SMALL),
        (int | None, None, None),
        (int | None, "7", 7),
        (int | str, "7", "7"),
        (Annotated[int, "what for"], "7", 7),
        (list[int], "1, 2", [1, 2]),
        (list[int], ["1", 2], [1, 2]),
        (tuple[int, str], [1, "a"], (1, "a")),
        (tuple[str, ...], "a,b", ("a", "b")),
        (Sequence[int], ["1"], (1,)),
        (set[str], ["a", "a"], {"a"}),
        (dict[str, float], {"a": "1"}, {"a": 1.0}),
        (Mapping[str, int], {"a": "1"}, {"a": 1}),
        (Inner, {"depth": "2", "names": ["a"]}, Inner(2, ("a",))),
        (Inner, Inner(2), Inner(2)),
        (Path, Path("a"), Path("a")),
        (list[Inner], [{"depth": 2}], [Inner(2)]),
        (dict[str, Inner], {"x": {"depth": 2}}, {"x": Inner(2)}),
        (Inner | None, {"depth": 2}, Inner(2)),
    ],
)
def test_plain_values_become_the_declared_type(kind: Any, given: Any, expected: Any) -> None:
    """
    Texts of a command line or the environment do, as does what TOML and JSON can say.
    """
    options = attrs.make_class("Options", {"x": attrs.field(type=kind)})
    found: Any = structure(options, {"x": given}, subject="The options").x

    assert expected == found
    assert type(expected) is type(found) or isinstance(found, Mapping)


@pytest.mark.parametrize(
    ("kind", "given", "rule"),
    [
        (bool, "maybe", "x must be true or false"),
        (bool, 2, "x must be true or false"),
        (int, 3.7, "x must be a whole number"),
        (int, True, "x must be a whole number"),
        (int, "1.0", "x must be a whole number"),
        (float, "nan", "x must be a number"),
        (float, float("inf"), "x must be a number"),
        (str, 1.1, "x must be text"),
        (str, None, "x must be text"),
        (str, ["a"], "x must be text"),
        (Path, 5, "x must be a path"),
        (date, "tomorrow", "x must be a date"),
        (Annotated[int, "what for"], "a", "x must be a whole number"),
        (Literal["a", 1], True, "x must be one of a, 1"),
        (Logic, "easy", "x must be one of no-glitches, 2"),
        (int | None, "a", "x must be a whole number"),
        (list[int], 5, "x must be a list (a whole number)"),
        (list[int], {"1": 1}, "x must be a list (a whole number)"),
        (tuple[int, str], [1], "x must be a list of 2 items (a whole number, text)"),
        (list, 5, "x must be a list"),
        (dict[str, int], ["a"], "x must be a table"),
        (Inner, "a", "x must be a table"),
        (Inner, {"depth": "a"}, "x.depth must be a whole number"),
        (Inner, {"dept": 1}, "x.dept is unknown. Did you mean 'depth'? Known: depth, names"),
        (Inner, {}, "x.depth must be given"),
        (Inner | None, {"depth": None}, "x.depth must be a whole number"),
        (list[Inner], [{"depth": "a"}], "x.depth must be a whole number"),
        (subprocess.Popen, "a", "x must be Popen"),
    ],
)
def test_a_value_of_another_type_is_refused(kind: Any, given: Any, rule: str) -> None:
    """
    Nothing is cut, guessed or turned into text; the sentence names key and type.
    """
    options = attrs.make_class("Options", {"x": attrs.field(type=kind)})

    with pytest.raises(SettingsError) as caught:
        structure(options, {"x": given}, subject="The options")

    assert f"The options: {rule}." == str(caught.value)


def test_unknown_options_are_named_with_the_known_ones() -> None:
    """
    Both the likely meaning and the whole list are shown.
    """
    with pytest.raises(SettingsError) as caught:
        structure(Inner, {"depth": 1, "nams": CANARY}, subject="The options of smdash")

    assert (
        "The options of smdash: nams is unknown. Did you mean 'names'? Known: depth, names."
    ) == str(caught.value)


def test_missing_options_are_all_named() -> None:
    """
    One sentence lists what has to be given.
    """

    @attrs.frozen
    class Options:
        first: int
        second: str
        third: int = 3

    with pytest.raises(SettingsError, match=r"^Options: first, second must be given\.$"):
        structure(Options, {}, subject="Options")


def test_options_must_be_a_mapping() -> None:
    """
    A list of options is refused in a sentence too.
    """
    with pytest.raises(SettingsError, match=r"^Options: must be a table\.$"):
        structure(Inner, ["depth"], subject="Options")  # type: ignore[arg-type]


def test_private_fields_are_given_without_their_underscore() -> None:
    """
    The keys are those of the constructor; a field that can't be given is unknown.
    """

    @attrs.frozen
    class Options:
        _depth: int
        made: int = attrs.field(init=False, default=1)

    assert Options(5) == structure(Options, {"depth": 5}, subject="Options")
    with pytest.raises(SettingsError, match="made is unknown"):
        structure(Options, {"depth": 5, "made": 2}, subject="Options")


def _split_at_slashes(text: str) -> tuple[str, ...]:
    return tuple(text.split("/"))


def test_a_field_with_its_own_converter_gets_the_plain_value() -> None:
    """
    Its annotation says what comes out of the converter, not what goes in.
    """

    @attrs.frozen
    class Options:
        parts: tuple[str, ...] = attrs.field(converter=_split_at_slashes)

    assert ("a", "b") == structure(Options, {"parts": "a/b"}, subject="Options").parts


def test_a_check_over_several_fields() -> None:
    """
    A sentence of the author's own is passed on; another exception becomes a sentence.
    """

    @attrs.frozen
    class Options:
        low: int
        high: int
        password: str = secret(default="")

        def __attrs_post_init__(self) -> None:
            if self.low > self.high:
                msg = f"low must not be larger than high, {self.password}."
                raise SettingsError(msg)
            if self.low == self.high:
                raise ValueError(CANARY)

    with pytest.raises(SettingsError, match=r"^Options: low must not be larger than high, \*\*\*"):
        structure(Options, {"low": 2, "high": 1, "password": CANARY}, subject="Options")
    with pytest.raises(SettingsError, match=r"^Options: the values of low, high don't fit toget"):
        structure(Options, {"low": 1, "high": 1}, subject="Options")


def test_a_type_that_can_not_be_found() -> None:
    """
    A class whose annotations name something its module lacks is refused with that name.
    """

    @attrs.frozen
    class Options:
        x: Nowhere = 5  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(SettingsError, match="Options uses the type 'Nowhere'"):
        structure(Options, {}, subject="Options")


def test_importing_settings_is_cheap() -> None:
    """
    Neither the conversion library nor the TOML reader nor a plugin system is imported; plain
    core settings need none of them either.
    """
    code = (
        "import sys, seedcore.settings as s\n"
        "s.Settings.load(environ={'SEEDCORE_DISABLE': 'a,b', 'SEEDCORE_PATIENCE': '3'},"
        " directory=__import__('pathlib').Path('/nonexistent'))\n"
        "print(*{'typed_settings', 'tomllib', 'pluggy', 'click', 'aiohttp'} & set(sys.modules))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    assert "" == found.stdout.strip()
