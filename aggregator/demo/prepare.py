"""Writes the demo's `feeds.yaml`, and the text that says what to look at."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def write_config(directory: Path, port: int, origin_port: int) -> Path:
    """Writes a config for the newsroom at `origin_port` into a directory, unless there is one. Returns its path."""
    text = (files("aggregator.demo") / "feeds.yaml").read_text("utf-8")
    text = text.replace("@ORIGIN@", f"http://127.0.0.1:{origin_port}").replace("@PORT@", str(port))
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "feeds.yaml"
    if not path.exists():
        path.write_text(text, "utf-8")
    return path


def describe_demo(port: int, directory: Path, command: str, advance: str) -> str:
    """The addresses to open while the demo runs, and what each shows. command: how to call `aggregator`."""
    site = f"http://127.0.0.1:{port}"
    article = f"http://northwire.localhost:{port + 1}/2023/06/15/nato-weighs-closer-ties-with-ukraine"
    return f"""\
A newsroom of seventeen outlets, which tell the news of June 2023 as if it were today, and an aggregator that reads them. It takes
a few seconds to fill; then open

  {site}/
      the day's stories, those that most outlets tell first, and below them every feed with a link to subscribe
  {site}/feeds/ukraine.atom
      in your feed reader: one entry for the NATO story that seven entries of five outlets tell. The song contest, the
      phonetic alphabet and a chef named Nato are not in it
  {site}/feeds/top.rss
      what three or more outlets have reported
  {site}/feeds/listen.rss
      a podcast, with its audio files
  {site}/feeds/desk.atom?token=demo-token
      a private feed: without the token it answers 404
  {site}/health.atom?token=demo-admin
      what needs a person, as a feed: after a minute, a source that has moved and one that is a web page now. Without
      the token of server.admin it tells no errors and no addresses
  {site}/status?token=demo-admin
      all sources and feeds on a page, and a query to try

In a second terminal:

  {command} {advance}
      lets a day pass: a follow-up, an edit, new stories. The feeds show them within seconds
  {command} -c {directory}/feeds.yaml status
  {command} -c {directory}/feeds.yaml stories
  {command} -c {directory}/feeds.yaml search 'nato -exercise'
  {command} -c {directory}/feeds.yaml why {article}

Edit {directory}/feeds.yaml while it runs, if you like. Ctrl-C ends it.
"""
