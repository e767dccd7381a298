"""OPML lists at an address (`- opml: https://…`): fetched daily and kept beside the database, where the config reads them."""

from __future__ import annotations

import os
from pathlib import Path

import structlog

from aggregator.config import opml
from aggregator.files import PRIVATE_FILE, make_private_folder, replace_file
from aggregator.model import FetchFailed, FetchRequest, Instant, NotModified
from aggregator.ports import Fetcher
from aggregator.settings import DAY, Settings
from aggregator.text.masks import mask_url

log = structlog.get_logger("lists")

RETRY = 3_600.0
"""Seconds until a list that could not be fetched is tried again."""


class OpmlLists:
    """Remembers in memory when each list was last tried: a restart may try again."""

    def __init__(self) -> None:
        self._tried: dict[str, Instant] = {}

    async def refresh(self, settings: Settings, fetcher: Fetcher, now: Instant) -> bool:
        """Fetches lists that are missing or a day old. True if one has changed: then the config must be read again.

        A list that can't be fetched or read stays as it is.
        """
        changed = False
        for address in settings.lists:
            path = opml.cached_path(settings.storage.folder, address)
            if self._should_fetch(address, path, now):
                self._tried[address] = now
                changed |= await _fetch(address, path, fetcher, now)
        return changed

    def _should_fetch(self, address: str, path: Path, now: Instant) -> bool:
        try:
            age = now - path.stat().st_mtime
        except OSError:
            age = DAY
        is_fresh, is_tried = 0.0 <= age < DAY, 0.0 <= now - self._tried.get(address, 0.0) < RETRY
        return not is_fresh and not is_tried


async def _fetch(address: str, path: Path, fetcher: Fetcher, now: Instant) -> bool:
    answer = await fetcher.fetch(FetchRequest(address), now)
    if isinstance(answer, FetchFailed | NotModified):
        reason = answer.fault.detail if isinstance(answer, FetchFailed) else "not modified"
        log.warning("list_not_fetched", list=mask_url(address), reason=reason)
        return False
    content = opml.read(answer.body)
    if isinstance(content, opml.Unreadable):
        log.warning("list_not_read", list=mask_url(address), reason=content.reason)
        return False
    changed = _save(path, answer.body, now)
    log.info("list_fetched", list=mask_url(address), feeds=len(content.feeds), changed=changed)
    return changed


def _save(path: Path, body: bytes, now: Instant) -> bool:
    """Writes the list; False if the file already had this content."""
    if path.exists() and path.read_bytes() == body:
        os.utime(path, (now, now))
        return False
    make_private_folder(path.parent)
    replace_file(path, body, PRIVATE_FILE)  # its addresses may hold secrets
    os.utime(path, (now, now))
    return True
