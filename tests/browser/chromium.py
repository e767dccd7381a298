"""The Chromium that the tests drive: the distribution's, or the one that CHROMIUM names."""

from __future__ import annotations

import os
import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome")
MISSING = (
    "no Chromium: the pages were looked at by no browser. Install one (apt-get install chromium), or name its program in CHROMIUM"
)


def find() -> str | None:
    """The path of a Chromium, or None. CHROMIUM names a program; without it the PATH is searched."""
    named = os.environ.get("CHROMIUM")
    return named or next(filter(None, map(shutil.which, NAMES)), None)
