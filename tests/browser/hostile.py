"""An outlet that tries everything: markup in each text of its feed, and a server that counts what is fetched from it."""

from __future__ import annotations

import base64
import html
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler

from tests.flow.crawler import listening

PICTURE = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
RUNS = "window.pwned=1;alert(document.domain)"
PAYLOADS = (
    f"<script>{RUNS}</script>",
    f'<img src=x onerror="{RUNS}">',
    f'"><svg onload="{RUNS}">',
    f'<a href="javascript:{RUNS}">press</a>',
    '<iframe srcdoc="<script>parent.pwned=1</script>"></iframe>',
    f'<details open ontoggle="{RUNS}">x</details>',
    "<style>*{display:none!important}</style><link rel=stylesheet href=@HOST@/evil.css>",
    "<base href=@HOST@/><meta http-equiv=refresh content='0;url=@HOST@/away'>",
    '<form action=@HOST@/steal><input name=q autofocus onfocus="' + RUNS + '"><button>Search</button></form>',
    f'<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror={RUNS}&gt;">',
    f"{{{{7*7}}}}${{{RUNS}}}<!--daemon--><!--/daemon--></title></textarea></pre><script>{RUNS}</script>",
    "<audio autoplay src=@HOST@/sound.mp3></audio><video autoplay src=@HOST@/film.mp4 poster=@HOST@/poster.jpg></video>",
    "<object data=@HOST@/o></object><embed src=@HOST@/e><img src=@HOST@/wide.jpg width=4000 height=20>",
    "W" * 400 + " " + "\u202e\ufffd" + "<marquee>",
)


def feed(host: str, now: float) -> bytes:
    """A feed with two entries for each payload, which stands in its every text: as markup, and as text that looks like markup."""
    entries = []
    for number, payload in enumerate((*PAYLOADS, *map(html.escape, PAYLOADS))):
        text = html.escape(payload.replace("@HOST@", host))
        entries.append(
            f"<item><title>{text} {number}</title><guid isPermaLink='false'>{text}{number}</guid>"
            f"<link>{host}/article/{number}?q={text}</link><description>{text} Hostile words of number {number}.</description>"
            f"<author>{text}</author><category>{text}</category><comments>javascript:{number}</comments>"
            f"<enclosure url='{host}/sound{number}.mp3?{text}' type='audio/mpeg' length='1'/>"
            f"<pubDate>{formatdate(now - 60 * number)}</pubDate></item>"
        )
    title = html.escape(PAYLOADS[0] + PAYLOADS[1])
    return (
        f"<?xml version='1.0'?><rss version='2.0'><channel><title>{title}</title><link>{host}/</link>"
        f"<description>{title}</description>{''.join(entries)}</channel></rss>"
    ).encode()


@contextmanager
def serving(asked: list[str]) -> Iterator[str]:
    """Serves the feed at `/feed`, and pictures everywhere else. asked: what is asked for, as it comes."""

    began = time.time()

    class Outlet(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            is_feed = self.path == "/feed"
            body = feed(f"http://{self.headers['Host']}", began) if is_feed else PICTURE
            self.send_response(200)
            self.send_header("Content-Type", "application/rss+xml" if is_feed else "image/png")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing on the test's output."""

    with listening(Outlet) as host:  # type: ignore[attr-defined]
        yield host
