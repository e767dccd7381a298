"""Who is measured: this product, and the feed readers that are installed on this machine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.bench import miniflux
from tests.bench.servers import address_of_its_own, cpu_until_idle
from tests.conftest import CHECKOUT
from tests.flow.command import clean_environment


@dataclass(frozen=True, slots=True)
class Cost:
    """What a command cost. cpu: user and system seconds with its children; wall: seconds; rss: MB of its largest process."""

    cpu: float
    wall: float
    rss: float


@dataclass(frozen=True, slots=True)
class Contestant:
    """A program and how it polls everything once.

    setup: commands before the first poll, not measured; starts: commands whose whole cost is shown, by what they are called;
    beside: CPU seconds so far of a server that works for it.
    """

    name: str
    poll: tuple[str, ...]
    setup: tuple[tuple[str, ...], ...] = ()
    directory: Path = Path()
    starts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    beside: Callable[[], float] = lambda: 0.0

    def run(self, line: Sequence[str]) -> Cost:
        before = self.beside()
        cost = measured(line, self.directory)
        return replace(cost, cpu=cost.cpu + self.beside() - before)

    def prepare(self) -> None:
        for line in self.setup:
            subprocess.run(line, cwd=self.directory, env=environment(self.directory), check=True, capture_output=True)


def environment(directory: Path) -> dict[str, str]:
    """A home of its own, and no proxies. Compiled modules are kept, as they are where a program is used."""
    home = clean_environment(
        HOME=str(directory),
        XDG_CONFIG_HOME=str(directory / "config"),
        XDG_DATA_HOME=str(directory / "data-home"),
    )
    home.pop("PYTHONDONTWRITEBYTECODE", None)
    return home


def measured(line: Sequence[str], directory: Path) -> Cost:
    """Runs a command to its end. Its output goes to `log` in the directory; a failure raises CalledProcessError."""
    began = time.perf_counter()
    with (directory / "log").open("ab") as log:
        process = subprocess.Popen(line, cwd=directory, env=environment(directory), stdout=log, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, list(line))
    return Cost(usage.ru_utime + usage.ru_stime, time.perf_counter() - began, usage.ru_maxrss / 1024)


POSTGRES = "on postgres"
"""The product with its data on a server, whose CPU is counted."""


def contestants(root: Path, urls: Sequence[str], config: bytes, peers: Collection[str]) -> list[Contestant]:
    """The product and those of the peers that are here, each with a directory of its own below `root`."""
    found = [_aggregator(_place(root, "aggregator"), config)]
    if POSTGRES in peers:
        found.append(_on_postgres(_place(root, POSTGRES), config))
    if "newsboat" in peers and (newsboat := shutil.which("newsboat")):
        found.append(_newsboat(newsboat, _place(root, "newsboat"), urls))
    if "sfeed" in peers and (sfeed := shutil.which("sfeed_update")):
        found.append(_sfeed(sfeed, _place(root, "sfeed"), urls))
    if "reader" in peers and (reader := os.environ.get("READER_PYTHON")):
        found.append(_reader(reader, _place(root, "reader"), urls))
    if "miniflux" in peers and (program := shutil.which("miniflux")):
        found.append(_miniflux(program, _place(root, "miniflux"), urls))
    return found


def _place(root: Path, name: str) -> Path:
    place = root / name
    place.mkdir(parents=True)
    return place


def _aggregator(place: Path, config: bytes) -> Contestant:
    (place / "feeds.yaml").write_bytes(config)
    compiled = (sys.executable, "-m", "compileall", "-q", str(CHECKOUT / "aggregator"))  # what an installation does
    command = (sys.executable, "-m", "aggregator", "-c", str(place / "feeds.yaml"))
    starts = {"--help": (*command, "--help"), "status": (*command, "status"), "poll, nothing due": (*command, "poll")}
    return Contestant("aggregator", (*command, "poll", "--all"), (compiled,), place, starts)


def _on_postgres(place: Path, config: bytes) -> Contestant:
    address = address_of_its_own(place)
    known = json.loads(config) | {"storage": {"database": address}}
    return replace(_aggregator(place, json.dumps(known).encode()), name=POSTGRES, beside=lambda: cpu_until_idle(address))


def _newsboat(program: str, place: Path, urls: Sequence[str]) -> Contestant:
    (place / "urls").write_text("\n".join(urls) + "\n")
    (place / "settings").write_text("reload-threads 16\n")
    line = (program, "-u", str(place / "urls"), "-c", str(place / "cache.db"), "-C", str(place / "settings"), "-x", "reload")
    return Contestant("newsboat", line, (), place)


def _sfeed(program: str, place: Path, urls: Sequence[str]) -> Contestant:
    feeds = "\n".join(f'feed "news-{number}" "{url}"' for number, url in enumerate(urls, 1))
    (place / "sfeedrc").write_text(f'sfeedpath="{place}/feeds"\nmaxjobs=16\nfeeds() {{\n{feeds}\n}}\n')
    return Contestant("sfeed", (program, str(place / "sfeedrc")), (), place)


def _reader(python: str, place: Path, urls: Sequence[str]) -> Contestant:
    """With its search switched on and kept up to date: it then has an index of the words, as we have."""
    made = f"import reader\nr = reader.make_reader({str(place / 'db.sqlite')!r})\n"
    (place / "urls").write_text("\n".join(urls) + "\n")
    (place / "add.py").write_text(made + "r.enable_search()\nfor u in open('urls'): r.add_feed(u.strip())\n")
    (place / "update.py").write_text(made + "r.update_feeds(scheduled=False, workers=16)\nr.update_search()\n")
    (place / "status.py").write_text(made + "for feed in r.get_feeds(): print(feed.url, feed.last_updated)\n")
    starts = {"status": (python, str(place / "status.py"))}
    return Contestant("reader", (python, str(place / "update.py")), ((python, str(place / "add.py")),), place, starts)


def _miniflux(program: str, place: Path, urls: Sequence[str]) -> Contestant:
    address = address_of_its_own(place)
    made = Contestant("miniflux", miniflux.command(program, address, "-refresh-feeds"), (), place)
    miniflux.prepare(address)
    subprocess.run(miniflux.command(program, address, "-migrate"), cwd=place, check=True, capture_output=True)
    miniflux.subscribe(address, urls)
    return replace(made, beside=lambda: cpu_until_idle(address))
