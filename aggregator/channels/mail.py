"""Sends mail as text with an HTML alternative, to the server and with the login that Apprise reads from the address.

Apprise writes mails of one part, or makes the text of the HTML without its links. Ours have both, and a `Message-ID` that is the
same when a message is sent again, by which mail servers and readers tell a repeated one.
"""

from __future__ import annotations

import html
import re
import smtplib
import socket
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formataddr, formatdate
from typing import Any

SECONDS = 15.0
"""For each step of the exchange; the whole has the limit of `senders`."""
_LINK = re.compile(r"(https?://[^\s<>\"]+)")


def is_plain(plugin: Any) -> bool:
    """Whether an Apprise plugin sends mail that is neither signed nor encrypted: such mail it writes itself."""
    from apprise.plugins.email import NotifyEmail

    return isinstance(plugin, NotifyEmail) and plugin.pgp_mode == "no"


def send(plugin: Any, message: Mapping[str, str], agent: str) -> str:
    """Sends the message to each receiver. Returns why it failed, in words without secrets, or ""."""
    try:
        with _connect(plugin) as server:
            if plugin.user and plugin.password:
                server.login(plugin.user, plugin.password)
            for name, address in plugin.targets:
                mail = compose(plugin, message, agent, formataddr((name or "", address)))
                others = [*plugin.cc, *plugin.bcc]
                server.sendmail(plugin.from_addr[1], [address, *others], mail.as_bytes(policy=SMTP))
    except smtplib.SMTPResponseException as error:
        return f"the mail server answered {error.smtp_code}"
    except smtplib.SMTPRecipientsRefused as error:
        return f"the mail server refused the receiver: {', '.join(str(code) for code, _ in error.recipients.values())}"
    except (OSError, smtplib.SMTPException, ValueError) as error:
        return f"the mail server could not be used: {_why(error)}"
    return ""


def _why(error: Exception) -> str:
    """In our words: those of the error may hold parts of the address."""
    reasons: tuple[tuple[type[Exception], str], ...] = (
        (ConnectionRefusedError, "connection refused: nothing listens at its port"),
        (socket.gaierror, "its name has no address"),
        (TimeoutError, "no answer in time"),
        (ssl.SSLCertVerificationError, "its certificate is not trusted"),
        (ssl.SSLError, "no TLS at its port: `?mode=starttls` or `?mode=ssl` in the address says how it begins"),
        (smtplib.SMTPServerDisconnected, "it hung up"),
        (smtplib.SMTPNotSupportedError, "it offers no STARTTLS (`mailto:` does without) or takes no password (leave it out)"),
    )
    return next((words for kind, words in reasons if isinstance(error, kind)), type(error).__name__)


def _connect(plugin: Any) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if not plugin.verify_certificate:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if plugin.secure_mode == "ssl":
        return smtplib.SMTP_SSL(plugin.smtp_host, plugin.port, timeout=SECONDS, context=context)
    server = smtplib.SMTP(plugin.smtp_host, plugin.port, timeout=SECONDS)
    if plugin.secure_mode == "starttls":
        server.starttls(context=context)
    return server


def compose(plugin: Any, message: Mapping[str, str], agent: str, to: str) -> EmailMessage:
    """The mail to one receiver."""
    mail = EmailMessage()
    sender = plugin.from_addr
    mail["From"] = formataddr((sender[0] or "", sender[1]))
    mail["To"] = to
    if plugin.cc:
        mail["Cc"] = ", ".join(sorted(plugin.cc))
    if plugin.reply_to:
        mail["Reply-To"] = ", ".join(sorted(plugin.reply_to))
    mail["Subject"] = " ".join((message["subject"] or message["title"]).split())
    mail["Date"] = formatdate(usegmt=True)
    mail["Message-ID"] = f"<{message['key']}@{sender[1].rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
    mail["X-Mailer"] = agent
    for name, value in plugin.headers.items():
        if name not in mail:
            mail[name] = value
    title = "" if message["title"] in ("", message["subject"]) else f"{message['title']}\n\n"
    mail.set_content(title + message["body"] + "\n")
    mail.add_alternative(message["html"] or as_html(title + message["body"]), subtype="html")
    return mail


def as_html(text: str) -> str:
    """Plain text as HTML, with its addresses as links."""
    pieces = [html.escape(piece) for piece in _LINK.split(text)]
    linked = "".join(f'<a href="{piece}">{piece}</a>' if place % 2 else piece for place, piece in enumerate(pieces))
    return "".join(f"<p>{part}</p>".replace("\n", "<br>") for part in linked.split("\n\n"))
