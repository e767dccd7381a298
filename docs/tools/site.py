"""Lays out the documentation for its site, and looks through the site that was built; `make docs` calls both.

The pages lie as they do in the repository, so that a link works in both. zensical finds broken links between pages. What it
passes over (folders, other files) is looked at here, as are requests to other hosts, which no page may make.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

CHECKOUT = Path(__file__).parents[2]
COPIED = ("README.md", "SECURITY.md", "CHANGELOG.md", "LICENSE", "feeds.yaml", "docs", "deploy")
LOADED = re.compile(r"<(?:script|img|iframe|audio|video|source|embed)\b[^>]*?\ssrc=[\"']?([^\"'\s>]+)")
STYLED = re.compile(
    r"<link\b(?=[^>]*\srel=[\"']?(?:stylesheet|icon|preload|preconnect|modulepreload))[^>]*?\shref=[\"']?([^\"'\s>]+)"
)
LINKED = re.compile(r"<a\b[^>]*?\shref=[\"']?([^\"'\s>]+)")


def list_decisions(folder: Path) -> str:
    """A page that names each decision by its heading, the newest first."""
    files = sorted(folder.glob("[0-9]*.md"), reverse=True)
    headings = ((path.name, path.read_text("utf-8").split("\n", 1)[0].lstrip("# ")) for path in files)
    return "# Decisions\n\n" + "".join(f"- [{heading}]({name})\n" for name, heading in headings)


def lay_out(pages: Path) -> None:
    """Copies what the site shows, and adds the list of decisions."""
    shutil.rmtree(pages, ignore_errors=True)
    pages.mkdir(parents=True)
    for name in COPIED:
        origin = CHECKOUT / name
        if origin.is_dir():
            shutil.copytree(origin, pages / name, ignore=shutil.ignore_patterns("__pycache__", "config"))
        else:
            shutil.copy(origin, pages / name)
    decisions = pages / "docs" / "decisions"
    (decisions / "index.md").write_text(list_decisions(decisions), "utf-8")
    for page in pages.rglob("*.md"):
        text = page.read_text("utf-8")
        page.write_text(re.sub(r"(\]\([^)\s:]*decisions/)\)", r"\1index.md)", text), "utf-8")


def find_faults(site: Path) -> list[str]:
    """Links that lead to no file of the site, and what a page would load from another host."""
    faults = []
    for page in sorted(site.rglob("*.html")):
        html, where = page.read_text("utf-8"), page.relative_to(site)
        loaded = LOADED.findall(html) + STYLED.findall(html)
        faults += [f"{where}: loads {address}" for address in loaded if urlsplit(address).netloc]
        if 'class="mermaid"' in html or "glightbox" in html:
            faults.append(f"{where}: has a diagram or a gallery, whose script comes from another host")
        if page.name == "404.html":  # its links begin at the root of the host
            continue
        for address in LINKED.findall(html) + loaded:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc or not parts.path:
                continue
            target = page.parent / unquote(parts.path)
            if not (target / "index.html" if target.is_dir() else target).is_file():
                faults.append(f"{where}: {address} leads nowhere")
    return faults


def main(command: str, folder: str) -> int:
    if command == "lay-out":
        lay_out(Path(folder))
        return 0
    faults = find_faults(Path(folder))
    sys.stderr.writelines(f"{fault}\n" for fault in faults)
    return min(len(faults), 1)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
