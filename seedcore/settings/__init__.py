"""
Settings: the argument of a Runner, ``SEEDCORE_*`` variables, ``seedcore.toml``, the plugin.

``keys`` lists what can be set, ``sources`` reads where values stand, ``structure`` turns
plain values into attrs instances (errors in the words of ``words``), ``resolve`` puts the
layers on top of each other, ``shown`` says what may be printed of the result.
"""

from seedcore.settings.keys import RESERVED_PROVIDER_NAMES, CoreSettings, masked_url
from seedcore.settings.resolve import ProviderSettings, Settings
from seedcore.settings.shown import SettingLine, secrets_of
from seedcore.settings.structure import names_of, structure

__all__ = [
    "RESERVED_PROVIDER_NAMES",
    "CoreSettings",
    "ProviderSettings",
    "SettingLine",
    "Settings",
    "masked_url",
    "names_of",
    "secrets_of",
    "structure",
]
