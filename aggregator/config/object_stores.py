"""`publish.directory`: the path of a folder, or an address in an object store."""

from __future__ import annotations

import re
from importlib.util import find_spec

from aggregator.config.kinds import Refused, text, wrong
from aggregator.config.values import file_path
from aggregator.errors import UsageError
from aggregator.settings import OBJECT_STORES, is_in_object_store

MISSING = (
    "obstore is not installed, which speaks to object stores: `pip install 'aggregator[s3]'` or `pipx inject aggregator obstore`"
)
_FORMS = "s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or az://CONTAINER/PREFIX"
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,62}")
_PREFIX = re.compile(r"(?:/[A-Za-z0-9!_.*'()-]+)*/?")
"""The characters that S3 names as safe in keys."""


def _directory(value: str) -> str:
    _, is_address, place = value.partition("://")
    if not is_address:
        return file_path(value)
    if not is_in_object_store(value):
        wrong(f"publish.directory is the path of a folder, or an address in an object store: {_FORMS}")
    if "@" in place:
        wrong("publish.directory holds no credentials: they are taken from the environment (for S3, AWS_ACCESS_KEY_ID and so on)")
    bucket, slash, prefix = place.partition("/")
    if not _BUCKET.fullmatch(bucket):
        wrong(f"`{bucket[:80]}` is no name of a bucket: write {_FORMS}")
    if not _PREFIX.fullmatch(slash + prefix) or {".", ".."}.intersection(prefix.split("/")):
        wrong(
            f"publish.directory has a prefix that is not made of letters, digits and `-_.!*'()` between single slashes: {_FORMS}"
        )
    return value


def check_address(said: str) -> None:
    """Raises UsageError if an address that stands on the command line can't be used."""
    try:
        _directory(said)
    except Refused as error:
        raise UsageError(str(error).replace("publish.directory", said if "@" not in said else "the address")) from error
    if find_spec("obstore") is None:
        raise UsageError(MISSING)


DIRECTORY = text(_directory, examples=["data/public", *(f"{one}news/site" for one in OBJECT_STORES)])
