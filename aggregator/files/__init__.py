"""Files on the disk: written whole or not at all, and kept from others' eyes where they hold secrets."""

from aggregator.files.atomic import TEMPORARY, replace_file, replacing, sync_folder
from aggregator.files.private import PRIVATE_FILE, PRIVATE_FOLDER, make_private_folder, remove_leftovers, tighten

__all__ = [
    "PRIVATE_FILE",
    "PRIVATE_FOLDER",
    "TEMPORARY",
    "make_private_folder",
    "remove_leftovers",
    "replace_file",
    "replacing",
    "sync_folder",
    "tighten",
]
