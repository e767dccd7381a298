"""Pictures, from what a source serves to what a subscriber gets."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from aggregator.dedup.visible import first_visible_hash, visible_hash
from aggregator.model import Enclosure
from aggregator.stories.identity.entry_keys import content_hash
from tests.unit.chain.newsroom import HOUR, Newsroom, entry

ONE, TWO = "https://one.example/feed.json", "https://two.example/feed.json"
CONFIG = f"""
site: {{url: "https://news.example"}}
sources:
  - {{id: one, url: "{ONE}"}}
  - {{id: two, url: "{TWO}"}}
"""
CDN = "https://cdn.example"
FERRY = "Ferry line to the islands reopens after storm"


def ferry(host: str, **more: Any) -> dict[str, Any]:
    return entry(FERRY, id="ferry", url=f"https://{host}.example/ferry", **more)


def published(newsroom: Newsroom) -> dict[str, Any]:
    (row,) = newsroom.feed()
    return row


def serve_later(newsroom: Newsroom, **more: Any) -> dict[str, Any]:
    """Serves the entry an hour later, changed. Returns it as published."""
    newsroom.clock.time += HOUR
    newsroom.serves(ONE, ferry("one", **more))
    newsroom.poll("one")
    return published(newsroom)


@pytest.fixture
def ready(newsroom: Newsroom) -> Newsroom:
    newsroom.configure(CONFIG)
    newsroom.serves(ONE)
    newsroom.serves(TWO)
    return newsroom


def test_another_picture_is_published_and_is_no_edit(ready: Newsroom) -> None:
    ready.serves(ONE, ferry("one", image=f"{CDN}/a.jpg"))
    ready.poll()
    before = published(ready)
    after = serve_later(ready, image=f"{CDN}/b.jpg")
    assert (before["image"], after["image"]) == (f"{CDN}/a.jpg", f"{CDN}/b.jpg")
    assert (after["id"], after["date_modified"]) == (before["id"], before["date_modified"])
    assert serve_later(ready)["date_modified"] == before["date_modified"]
    assert "image" not in published(ready)


def test_another_address_of_an_image_in_the_text_is_no_edit(ready: Newsroom) -> None:
    text = '<p>The ferry sails.</p><img src="{}">'
    ready.serves(ONE, ferry("one", content_html=text.format(f"{CDN}/a.jpg?sig=1")))
    ready.poll()
    before = published(ready)
    after = serve_later(ready, content_html=text.format(f"{CDN}/a.jpg?sig=2"))
    assert after["image"] == f"{CDN}/a.jpg?sig=2" and "sig=2" in after["content_html"]
    assert after["date_modified"] == before["date_modified"]
    assert serve_later(ready, content_html="<p>The ferry sails on Sunday.</p>")["date_modified"] > before["date_modified"]


def test_a_story_borrows_a_picture_from_another_outlet_and_signs_it(ready: Newsroom) -> None:
    ready.serves(ONE, ferry("one"))
    ready.poll()
    assert "image" not in published(ready)
    ready.clock.time += HOUR
    ready.serves(TWO, ferry("two", image=f"{CDN}/two.jpg"))
    ready.poll("two")
    row = published(ready)
    assert row["url"] == "https://one.example/ferry"
    assert row["image"] == f"{CDN}/two.jpg"
    assert row["content_html"].startswith(f'<p><img src="{CDN}/two.jpg" alt=""><br><small>two.example</small></p>')


def test_pictures_can_be_turned_off_and_on_without_an_edit(ready: Newsroom) -> None:
    ready.serves(ONE, ferry("one", image=f"{CDN}/a.jpg"))
    ready.poll()
    before, page = published(ready), ready.settings.publish.directory / "index.html"
    assert f"{CDN}/a.jpg" in page.read_text()
    for word in ("off", "false"):
        ready.configure(CONFIG + f"publish: {{images: {word}}}\n")
        ready.publisher.publish(None, ready.clock.now())
        assert "image" not in published(ready) and "<img" not in page.read_text()
        assert published(ready)["date_modified"] == before["date_modified"]
    ready.configure(CONFIG)
    ready.publisher.publish(None, ready.clock.now())
    assert published(ready) == before


@pytest.mark.parametrize("text", ["", "The ferry sails on Sunday."])
def test_what_an_older_release_took_for_an_enclosure_becomes_a_picture_without_an_edit(ready: Newsroom, text: str) -> None:
    """The Guardian's `media:content` has no type: it was stored as an enclosure of unknown type and length."""
    ready.serves(ONE, ferry("one", image=f"{CDN}/a.jpg"))
    ready.poll()
    with ready.store.begin() as transaction:
        (story,) = transaction.stories(one.id for one in ready.stories())
        lead = story.lead_item
        old = replace(lead.entry, image=None, enclosures=(Enclosure(f"{CDN}/a.jpg"),), fingerprint=b"old")
        transaction.update_item(replace(lead, entry=old, hash=content_hash(old)))
        stored = replace(story, items=(replace(lead, entry=old),))
        transaction.save_story(replace(stored, visible=first_visible_hash(stored, full=False)))
    before = published(ready)
    after = serve_later(ready, image=f"{CDN}/a.jpg", **({"content_text": text} if text else {"tags": ["sea"]}))
    (story,) = ready.stories()
    assert story.lead_item.entry.image is not None and story.lead_item.entry.enclosures == ()
    assert story.visible == visible_hash(story, full=False)
    assert after["image"] == f"{CDN}/a.jpg" and "attachments" not in after
    assert (after["date_modified"] > before["date_modified"]) is bool(text)
