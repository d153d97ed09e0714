"""
Where files go: a directory of this machine, or a provider that stores objects.

Public ones are what anybody may fetch, such as a patch; private ones are spoiler logs, under
keys that nobody can guess, until they are revealed.
"""

from seedcore.storage.chosen import check_named, fault_of, storage_of
from seedcore.storage.directory import Directory
from seedcore.storage.objects import (
    PUBLIC_NAME,
    SEALED,
    Provided,
    Storage,
    Stored,
    stored_of,
)
from seedcore.storage.uploads import Uploads
from seedcore.storage.waiting import Left, Waiting

__all__ = [
    "PUBLIC_NAME",
    "SEALED",
    "Directory",
    "Left",
    "Provided",
    "Storage",
    "Stored",
    "Uploads",
    "Waiting",
    "check_named",
    "fault_of",
    "storage_of",
    "stored_of",
]
