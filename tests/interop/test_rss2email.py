"""rss2email, which writes into a maildir here."""

from __future__ import annotations

import email
import os
import shutil
import subprocess
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest

from tests.interop.conftest import PICTURE, Served

pytestmark = pytest.mark.skipif(shutil.which("r2e") is None, reason="rss2email is not installed")

CONFIG = """\
[DEFAULT]
from = reader@example.org
to = reader@example.org
html-mail = True
email-protocol = maildir
maildir-path = {folder}/mail
maildir-mailbox = INBOX
"""


def deliver(folder: Path, address: str) -> list[EmailMessage]:
    """Lets rss2email read a feed; returns its mails."""
    config = folder / "config"
    config.write_text(CONFIG.format(folder=folder))
    (folder / "mail").mkdir()
    environment = {**os.environ, "HOME": str(folder), "LC_ALL": "C.UTF-8"}
    for arguments in (["add", "news", address], ["run"]):
        subprocess.run(
            ["r2e", "-c", config, "-d", folder / "seen.json", *arguments],
            env=environment,
            check=True,
            timeout=60,
            capture_output=True,
        )
    found = [email.message_from_bytes(path.read_bytes(), policy=default) for path in (folder / "mail").rglob("new/*")]
    return [one for one in found if isinstance(one, EmailMessage)]


@pytest.mark.parametrize("format", ["atom", "rss"])
def test_a_mail_shows_who_says_it_its_picture_and_who_else(tmp_path: Path, served: Served, format: str) -> None:
    mails = deliver(tmp_path, f"{served.url}/feeds/all.{format}")
    assert len(mails) == len(served.stories)
    assert {str(mail["From"]).split(" <")[0].strip('"') for mail in mails} == {"All stories: Ann Writer, Wire"}
    shown = "".join(mail.get_content() for mail in mails)
    assert ">The Daily: Allies weigh step 101 & more</a>" in shown.replace("&amp;", "&")
    assert f"/stories/{served.stories[0]}.html" in shown
    assert f'src="{PICTURE}"' in shown
