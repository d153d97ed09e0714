"""
Where files go: a directory of this machine, or a provider that stores objects.

Public ones are what anybody may fetch, such as a patch; private ones are spoiler logs, under
keys that nobody can guess, until they are revealed.
"""

from seedcore.storage.chosen import storage_of
from seedcore.storage.directory import Directory
from seedcore.storage.objects import PUBLIC_NAME, SEALED, Provided, Storage, Stored
from seedcore.storage.waiting import Waiting

__all__ = [
    "PUBLIC_NAME",
    "SEALED",
    "Directory",
    "Provided",
    "Storage",
    "Stored",
    "Waiting",
    "storage_of",
]
