"""
What whoever runs the program sets, and what a caller asks for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from seedcore import secret, setting


@attrs.frozen(kw_only=True)
class Settings:
    """
    What whoever runs the program sets.
    """

    key: str = secret(help="key for the site's API; whoever runs the site gives them out")
    poll_timeout: float = setting(
        300.0,
        help="seconds that a seed may take after it was asked for",
        validator=[attrs.validators.gt(0), attrs.validators.le(3600)],
    )


@attrs.frozen(kw_only=True)
class Options:
    """
    What a caller asks for. Every other key is a setting of the generator.
    """

    version: str | None = setting(
        None,
        help="of the generator: 8.1.0, dev_8.1.0, devRSL_6.2.158; unset: the newest release",
    )
    encrypt: bool | None = setting(
        None, help="hides the spoiler for good; unset: where spoilers are off, for releases"
    )
    locked: bool | None = setting(
        None, help="hides the spoiler until it is unlocked; unset: as encrypt, for dev versions"
    )
    password_lock: bool = setting(False, help="gives the seed a password of six notes")
    hide_settings: bool = setting(False, help="shows nobody the settings of the seed")
    settings: Mapping[str, Any] = setting(
        factory=dict, help="the generator's settings; any key that is no option goes here"
    )
