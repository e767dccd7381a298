"""What the docs show works: every config in them is read without a problem, every command in them exists."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from aggregator.cli import COMMANDS, root
from aggregator.config.load import load
from aggregator.config.schema import Config
from aggregator.tag.check import check
from aggregator.tag.rules import failed_expectations
from tests.conftest import CHECKOUT

DOCUMENTS = [
    CHECKOUT / "README.md",
    *sorted((CHECKOUT / "docs").glob("*.md")),
    *sorted((CHECKOUT / "docs" / "recipes").glob("*.md")),
    CHECKOUT / "deploy" / "install.md",
]
NAMES = ("FEED_TOKEN", "MCP_TOKEN", "KEY", "BBC_TOKEN", "HOOK_SECRET", "MASTODON_TOKEN", "MAIL_USER", "MAIL_PASSWORD")
ENVIRONMENT = dict.fromkeys(NAMES, "value-of-a-secret") | {"SLACK": "T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"}
LEAST = "sources: [https://example.org/feed.xml]\n"


def blocks(language: str) -> list[tuple[str, str]]:
    """(where, text) of the code blocks of a language."""
    found = []
    for path in DOCUMENTS:
        for number, block in enumerate(
            re.findall(rf"^```{language}\n(.*?)^```", path.read_text("utf-8"), re.MULTILINE | re.DOTALL), 1
        ):
            found.append((f"{path.name} {number}", block))
    return found


CONFIGS = [pytest.param(block, id=where) for where, block in blocks("yaml") if block.split(":", 1)[0] in Config.known]


@pytest.mark.parametrize("block", CONFIGS)
def test_a_config_that_is_shown_is_fine(block: str, tmp_path: Path) -> None:
    (tmp_path / "others.opml").write_text('<opml version="2.0"><head/><body/></opml>')
    text = block if "sources:" in block else LEAST + block
    if "topic:ukraine" in text and "slug: ukraine" not in text:
        text += "topics: [{slug: ukraine, query: ukraine}]\n"
    if "tag:internal" in text:
        text += "tags: {internal: memo}\n"
    for program in re.findall(r"\./([\w-]+\.(?:sh|py))", text):
        (tmp_path / program).touch(0o755)
    file = tmp_path / "feeds.yaml"
    file.write_text(text, "utf-8")
    settings = load(file, check, ENVIRONMENT)
    assert not failed_expectations(settings)


def commands_shown() -> set[tuple[str, ...]]:
    """The words behind `aggregator` in code, up to the first argument that is no command."""
    shown = set()
    for path in DOCUMENTS:
        for line in re.findall(r"(?:^|[`/ ])aggregator((?: -c \S+)?(?: [a-z]+)+)", path.read_text("utf-8"), re.MULTILINE):
            words = re.sub(r" -c \S+", "", line).split()
            if words and words[0] in COMMANDS:
                shown.add(tuple(words[:2]))
    return shown


def test_commands_that_are_shown_exist() -> None:
    shown = commands_shown()
    assert len(shown) > 15
    for words in shown:
        command = root.get_command(click.Context(root), words[0])
        if isinstance(command, click.Group) and len(words) > 1 and words[0] == "stories":
            assert words[1] in command.commands


def test_links_between_documents_lead_somewhere() -> None:
    for path in [
        *DOCUMENTS,
        CHECKOUT / "SECURITY.md",
        CHECKOUT / "CHANGELOG.md",
        *(CHECKOUT / "docs" / "decisions").glob("*.md"),
    ]:
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text("utf-8")):
            if "://" not in target:
                assert (path.parent / target).exists(), f"{path.name}: {target}"
