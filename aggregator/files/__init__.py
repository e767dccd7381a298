"""Files on disk: written completely or not at all, and private if they hold secrets."""

from aggregator.files.atomic import TEMPORARY, replace_file, replacing, sync_folder
from aggregator.files.owner import hand_over, make_folder
from aggregator.files.private import PRIVATE_FILE, PRIVATE_FOLDER, make_private, make_private_folder, remove_leftovers

__all__ = [
    "PRIVATE_FILE",
    "PRIVATE_FOLDER",
    "TEMPORARY",
    "hand_over",
    "make_folder",
    "make_private",
    "make_private_folder",
    "remove_leftovers",
    "replace_file",
    "replacing",
    "sync_folder",
]
