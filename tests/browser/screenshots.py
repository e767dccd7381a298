"""Takes the guide's pictures in Chromium, of the demo's newsroom on its second day: `make screenshots`."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

from aggregator.demo.origin import serving
from tests.browser import chromium
from tests.browser.conftest import launched
from tests.flow.command import eventually, get
from tests.flow.conftest import newsdesk

SHOTS: dict[str, tuple[str, int, int, Any]] = {
    "front-light": ("/", 1280, 800, "light"),
    "front-dark": ("/", 1280, 800, "dark"),
    "front-narrow": ("/", 360, 740, "light"),
    "story": ("story", 1000, 1130, "light"),
    "search": ("/search?q=nato", 1000, 700, "light"),
    "subscribe": ("/feeds/ukraine.html", 1000, 700, "light"),
    "status": ("/status?token=demo-admin", 1000, 800, "light"),
}
"""Name of the file → path (`story`: the page of one that three outlets tell), width, height, scheme."""

LOADED = "() => [...document.images].every(one => one.complete || one.getBoundingClientRect().top > innerHeight)"
"""Pictures come late, where they are seen."""


def take(browser: Browser, site: str, folder: Path) -> None:
    for name, (path, width, height, scheme) in SHOTS.items():
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        page = context.new_page()
        page.goto(site + ("/search?q=outlets>=3+nato" if path == "story" else path))
        if path == "story":
            page.locator("article .by a").first.click()
            page.wait_for_load_state()
        page.wait_for_function(LOADED)
        page.screenshot(path=folder / f"{name}.png")
        context.close()


def shrink(folder: Path) -> None:
    """Pages have few colours: 64 of them look the same, at a quarter of the size."""
    files = sorted(map(str, folder.glob("*.png")))
    subprocess.run(["pngquant", "--force", "--ext", ".png", "--strip", "--speed", "1", "64", *files], check=True)
    subprocess.run(["optipng", "-quiet", "-o4", *files], check=True)


def main(folder: Path) -> int:
    program = chromium.find()
    missing = [name for name in ("pngquant", "optipng") if shutil.which(name) is None]
    if program is None or missing:
        print(chromium.MISSING if program is None else f"install {' and '.join(missing)} first", file=sys.stderr)
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place, serving(0, time.time()) as origin, launched(program) as browser:
        desk = newsdesk(Path(place), origin)
        desk.command.run("poll", "--all")
        origin.advance(time.time())
        desk.command.run("poll", "--all")
        with desk.command.daemon(desk.port) as process:
            site = f"http://127.0.0.1:{desk.port}"
            eventually(lambda: get(site + "/topics/all").status == 200, process, desk.directory / "log")
            take(browser, site, folder)
    shrink(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
