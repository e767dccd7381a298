"""What `make docs` refuses in a site that was built (docs/tools/site.py)."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT

SITE = runpy.run_path(str(CHECKOUT / "docs" / "tools" / "site.py"))


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        ('<a href="gone.html#x">', "gone.html"),
        ('<a href="folder/">', "folder/"),
        ('<script async src="https://cdn.example/x.js">', "https://cdn.example/x.js"),
        ('<link href="//fonts.example/css" rel="stylesheet">', "//fonts.example/css"),
        ('<img alt="" src="https://pictures.example/x.png">', "https://pictures.example/x.png"),
        ('<pre class="mermaid">', "diagram"),
    ],
)
def test_a_site_with_a_fault_is_refused(html: str, fault: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "index.html").write_text(html)
    (found,) = SITE["find_faults"](tmp_path)
    assert fault in found


def test_links_elsewhere_and_to_pages_are_fine(tmp_path: Path) -> None:
    (tmp_path / "other.html").write_text("")
    (tmp_path / "index.html").write_text(
        '<a href="other.html#x"><a href="https://example.org/"><a href="#here"><a href="mailto:a@b.example">'
    )
    assert SITE["find_faults"](tmp_path) == []


def test_every_decision_is_listed(tmp_path: Path) -> None:
    SITE["lay_out"](tmp_path / "pages")
    listed = (tmp_path / "pages" / "docs" / "decisions" / "index.md").read_text("utf-8")
    for path in (CHECKOUT / "docs" / "decisions").glob("[0-9]*.md"):
        assert f"]({path.name})" in listed
    assert "(decisions/index.md)" in (tmp_path / "pages" / "docs" / "index.md").read_text("utf-8")
