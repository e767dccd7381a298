"""What `aggregator migrate` costs: `python -m tests.bench.transfer [STORIES]` copies there and back, and tells when."""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from aggregator.model import Slug, SourceId
from aggregator.ports import OutputState
from aggregator.store.sqlite import SqliteStore
from tests import postgres
from tests.bench.store import ENTRIES, NEW, item

SEA = Slug("sea")
CONFIG = """
site: {title: News, url: "https://news.example"}
publish: {directory: public, private: private}
storage: {database: first.db}
topics: [{slug: sea, title: Sea, query: a}]
sources: [{id: s0, url: "https://s0.example/feed"}]
"""


def fill(path: Path, stories: int) -> None:
    """Stories of one entry each, all of them in one feed."""
    rng, now, store = random.Random(7), time.time(), SqliteStore(path)
    with store.begin() as transaction:
        transaction.save_output(OutputState(SEA, b"12345678", filling=False, changed=now))
    for document in range(stories // ENTRIES):
        with store.begin() as transaction:
            made = [
                transaction.add_item(item(SourceId(f"s{document}"), number, now, rng), None, NEW)[1] for number in range(ENTRIES)
            ]
            transaction.enter(SEA, made, now)
    store.close()


def migrate(folder: Path, *names: str) -> None:
    line = [sys.executable, "-m", "aggregator", "-c", str(folder / "feeds.yaml"), "migrate", *names]
    started = time.monotonic()
    with subprocess.Popen(line, stderr=subprocess.PIPE, text=True, cwd=folder) as process:
        assert process.stderr is not None
        for told in process.stderr:
            print(f"{time.monotonic() - started:8.1f} s  {told}", end="")
        if process.wait():
            sys.exit("it failed")


def main(stories: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder, address = Path(place), postgres.server().address("transfer")
        (folder / "feeds.yaml").write_text(CONFIG)
        fill(folder / "first.db", stories)
        migrate(folder, "first.db", address)
        migrate(folder, address, "second.db")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
