"""
Named sets of options that people write as YAML: in files, in the database, in plugins.
"""

from seedcore.presets.presets import Presets
from seedcore.presets.records import (
    OPERATOR,
    Draft,
    Namespace,
    Outcome,
    Preset,
    Revision,
    Saved,
    Written,
)

__all__ = [
    "OPERATOR",
    "Draft",
    "Namespace",
    "Outcome",
    "Preset",
    "Presets",
    "Revision",
    "Saved",
    "Written",
]
