"""One prefix in an object store, by obstore. Credentials and endpoints are taken from the environment, as obstore names them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta

import obstore
from obstore.exceptions import BaseError
from obstore.store import from_url

from aggregator.errors import AggregatorError
from aggregator.publish.objects.site_files import Headers
from aggregator.publish.site.paths import FOLDERS

TIMEOUT = timedelta(seconds=60)
"""For one request: a large feed over a slow line."""
RETRIES = 3
RETRY_TIME = timedelta(seconds=20)
"""Retries of one request, and how long they go on: what lasts longer is told, and tried again later."""
_CODE = re.compile(r"<Code>([A-Za-z]{1,60})</Code>|\(code: ([A-Za-z]{1,60})\)")
_STATUS = re.compile(r"status code: ([1-5]\d\d)")
_CAUSES = (
    (re.compile(r"Missing[A-Z]|169\.254\.169\.254|metadata\.google"), "there are no credentials for it in the environment"),
    (re.compile(r"dns error"), "its name is not known"),
    (re.compile(r"ConnectionRefused"), "the connection is refused"),
    (re.compile(r"TimedOut"), "it does not answer in time"),
    (re.compile(r"[Rr]edirect"), "it is in another region than AWS_REGION says"),
    (re.compile(r"[Cc]ertificate"), "its certificate is not trusted"),
)
"""What stands in obstore's reports, and what is told. Without credentials, it asks where clouds keep those of a machine."""


class Bucket:
    """Objects below an address. Paths are relative to it. Raises AggregatorError, whose text holds no secret.

    What obstore says is not passed on: it quotes whole answers, in which keys and signed addresses stand.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        with self._telling():
            # the scheme of an endpoint is the operator's choice: MinIO in one's own network may have no TLS
            self._store = from_url(
                address,
                client_options={"allow_http": True, "timeout": TIMEOUT},
                retry_config={"max_retries": RETRIES, "retry_timeout": RETRY_TIME},
            )

    async def get(self, path: str) -> bytes | None:
        """The bytes of an object; None if there is none."""
        with self._telling():
            try:
                found = await obstore.get_async(self._store, path)
                return bytes(await found.bytes_async())
            except FileNotFoundError:
                return None

    async def put(self, path: str, body: bytes, headers: Headers) -> str:
        """Replaces an object as a whole. Returns its ETag, empty if the store has none."""
        attributes = {"Content-Type": headers.type, "Cache-Control": headers.cache}
        with self._telling():
            result = await obstore.put_async(self._store, path, body, attributes=attributes, use_multipart=False)
        return _etag(result["e_tag"])

    async def remove(self, path: str) -> None:
        """Removes an object, if there is one."""
        with self._telling(), suppress(FileNotFoundError):
            await obstore.delete_async(self._store, path)

    async def list_site(self) -> Mapping[str, str]:
        """Path → ETag of all objects directly below the address and in the folders of a site. Others are not looked at."""
        with self._telling():
            found = [*(await obstore.list_with_delimiter_async(self._store))["objects"]]
            for folder in FOLDERS:
                found += await obstore.list(self._store, folder).collect_async()
        return {one["path"]: _etag(one["e_tag"]) for one in found}

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except (BaseError, OSError, ValueError) as error:
            raise AggregatorError(f"{self.address}: {_describe(str(error))}") from None


def _etag(value: str | None) -> str:
    """Without quotes: Azure's lists leave them out."""
    return (value or "").strip('"')


def _describe(report: str) -> str:
    """Says in words why the store refused, from one of obstore's reports."""
    code, status = _CODE.search(report), _STATUS.search(report)
    for sign, words in _CAUSES:
        if code is None and sign.search(report):
            return f"the object store can't be used: {words}"
    if code or status:
        said = " ".join(one[one.lastindex or 0] for one in (status, code) if one)
        return f"the object store refuses: {said}"
    return "the object store can't be reached"
