"""Pictures in feeds and pages: which one, in each format's own way, and not at all where that gives something away."""

from __future__ import annotations

import json
import re
from pathlib import Path

import feedparser
import pytest
from lxml import etree
from msgspec.structs import replace

from aggregator.model import Enclosure, Item, ItemId, Picture, Slug, Source, SourceId, Story, StoryId
from aggregator.publish.entry.pictures import Pictures
from aggregator.publish.entry.view import View, view
from aggregator.publish.formats import atom, jsonfeed, rss
from aggregator.publish.pages import pages
from aggregator.publish.publisher import Publisher
from aggregator.settings import Output, Publishing, Site
from aggregator.store.sqlite import SqliteStore
from tests.unit.publish import samples
from tests.unit.publish.samples import DAILY, NOON, WIRE, item, open_outputs, podcast, store_story

SITE = Site(title="Test news", url="https://news.example.org")
MEDIA = "{http://search.yahoo.com/mrss/}"
CDN = "https://cdn.example"
WIDE = Picture(f"{CDN}/wide.jpg?a=1&b=2", 800, 450)
OWN = Source(SourceId("own"), "https://wire.example/second.xml")

ALL = Pictures()


def story(*items: Item) -> Story:
    numbered = tuple(replace(one, id=ItemId(place)) for place, one in enumerate(items, start=1))
    return Story(StoryId("8c1f2f7e-0c5d-5c4e-9a52-0a9f0c0b1a2d"), numbered, ItemId(1), NOON, NOON, NOON)


def shown(*items: Item, content: str = "summary", pictures: Pictures = ALL) -> View:
    return view(story(*items), content, SITE, {}, pictures=pictures)


def address(*items: Item, pictures: Pictures = ALL) -> str | None:
    image = shown(*items, pictures=pictures).image
    return image.url if image else None


# --- which
def test_a_named_picture_goes_before_those_of_the_text() -> None:
    text = f'<p>Waves</p><img src="{CDN}/text.jpg">'
    assert address(item(1, image=WIDE, content=text)) == WIDE.url
    assert address(item(1, content=text)) == f"{CDN}/text.jpg"
    assert address(item(1, content="", summary=text)) == f"{CDN}/text.jpg"
    assert address(item(1)) is None


def test_a_little_thumbnail_goes_behind_a_larger_image_of_the_text() -> None:
    thumbnail, small = Picture(f"{CDN}/s72-c/a.jpg", 72, 72), Picture(f"{CDN}/240/a.jpg", 240, 135)
    text = f'<p>Waves</p><img src="{CDN}/text.jpg">'
    assert address(item(1, image=thumbnail, content=text)) == f"{CDN}/text.jpg"
    assert address(item(1, image=small, content=text)) == small.url
    assert address(item(1, image=thumbnail)) == thumbnail.url
    assert address(item(1, image=thumbnail, content=text.replace(">", ' width="60">'))) == thumbnail.url


def test_what_an_older_release_stored_is_looked_through_again() -> None:
    avatar = Picture("https://2.gravatar.com/avatar/1ef0?s=96")
    attached = (Enclosure(f"{CDN}/talk.mp3"), Enclosure(f"{CDN}/a.jpg"))
    assert address(item(1, image=avatar, enclosures=attached)) == f"{CDN}/a.jpg"


def test_a_lead_without_a_picture_borrows_from_its_own_outlet_first_then_from_the_earliest() -> None:
    lead, other = item(1), item(2, DAILY, image=Picture(f"{CDN}/daily.jpg"))
    passed_on = item(0, DAILY, second_hand=True, outlet_key="hub.example", image=Picture(f"{CDN}/hub.jpg"))
    own = item(3, OWN, outlet="Wire", outlet_key="wire.example", image=Picture(f"{CDN}/own.jpg"))
    assert address(lead, passed_on, other, own) == f"{CDN}/own.jpg"
    assert address(lead, passed_on, other) == f"{CDN}/daily.jpg"
    assert address(lead, passed_on) == f"{CDN}/hub.jpg"
    assert address(lead, replace(other, astray=True)) is None
    assert address(lead, replace(other, private=True)) is None, "whatever went wrong before"


# --- how
def test_each_format_names_it_in_its_own_way() -> None:
    seen = shown(item(1, image=WIDE))
    size = {"width": "800", "height": "450"}
    root = f'<r xmlns:media="{MEDIA[1:-1]}" xmlns:atom="a" xmlns:dc="d" xmlns:content="c" xmlns:fh="f">'
    for made in (atom.entry(seen), rss.item(seen)):
        entry = etree.fromstring(root.encode() + made + b"</r>")[0]
        assert [dict(one.attrib) for one in entry.iter(MEDIA + "content")] == [{"url": WIDE.url, "medium": "image", **size}]
        assert [dict(one.attrib) for one in entry.iter(MEDIA + "thumbnail")] == [{"url": WIDE.url, **size}]
    assert json.loads(jsonfeed.item(seen))["image"] == WIDE.url


def test_a_picture_is_no_enclosure() -> None:
    attached = (Enclosure(f"{CDN}/a.jpg"), Enclosure(f"{CDN}/b", "image/png", 99), Enclosure(f"{CDN}/talk.mp3", "audio/mpeg", 5))
    seen = shown(item(1, enclosures=attached))
    assert [one.url for one in seen.media] == [f"{CDN}/talk.mp3"]
    assert b"a.jpg" not in b"".join(re.findall(rb"<(?:enclosure|link)[^>]*>", rss.item(seen) + atom.entry(seen)))


@pytest.mark.parametrize("content", ["summary", "full"])
def test_a_text_that_shows_no_picture_begins_with_it(content: str) -> None:
    picture = f'<p><img src="{CDN}/wide.jpg?a=1&amp;b=2" alt="" width="800" height="450"></p>'
    seen = shown(item(1, image=WIDE), content=content)
    assert seen.in_feeds.startswith(picture + "<p>Ministers")
    assert json.loads(jsonfeed.item(seen))["content_html"].startswith(picture)
    icon = f'<p>Text <img src="{CDN}/x.png" width="16" height="16"></p>'
    assert shown(item(1, image=WIDE, summary=icon, content=icon), content=content).in_feeds.startswith(picture)
    with_own = f'<p>Text</p><img src="{CDN}/text.jpg">'
    assert WIDE.url not in shown(item(1, image=WIDE, summary=with_own, content=with_own), content=content).in_feeds


def test_titles_alone_stay_alone() -> None:
    assert "<img" not in shown(item(1, image=WIDE), content="title").in_feeds


def test_another_outlets_picture_is_signed() -> None:
    lent = item(2, DAILY, outlet="Smith <& Sons>", image=Picture(f"{CDN}/b.jpg"))
    signed = f'<p><img src="{CDN}/b.jpg" alt=""><br><small>Smith &lt;&amp; Sons&gt;</small></p>'
    assert shown(item(1), lent).in_feeds.startswith(signed)


# --- not at all
def test_off_takes_every_picture_out(tmp_path: Path) -> None:
    text = f'<p>Waves <a href="{CDN}/"><img src="{CDN}/text.jpg"></a></p><video src="{CDN}/v.mp4" poster="{CDN}/p.jpg"></video>'
    attached = (Enclosure(f"{CDN}/a.jpg", "image/jpeg", 9),)
    settings = samples.settings(tmp_path)
    settings = replace(settings, publish=replace(settings.publish, images="off"))
    store = SqliteStore(tmp_path / "db")
    open_outputs(store, settings)
    lead = item(1, image=WIDE, content=text, summary=text, enclosures=attached)
    id = store_story(store, lead, item(2, DAILY, image=WIDE), slugs=("all", "desk"))
    made = Publisher(settings, store)
    made.publish(None, NOON)
    made.shelf.on_demand(f"/stories/{id}.html", lambda token: False)
    files = (path for path in tmp_path.rglob("*") if path.suffix in (".atom", ".rss", ".json", ".html"))
    written = {path.relative_to(tmp_path).as_posix(): path.read_text() for path in files}
    assert {"public/feeds/all.atom", "public/feeds/all.rss", "private/feeds/desk.json"} <= written.keys()
    assert {"public/index.html", "public/topics/all.html", f"public/stories/{id}.html"} <= written.keys()
    for name, body in written.items():
        assert not re.search(r"\.jpg|<img|&lt;img|media:content|media:thumbnail|\"image\"", body), name
    policies = re.findall(r"default-src[^\"]*", "".join(written.values()))
    assert len(policies) >= 3 and all("img-src &#39;self&#39;;" in policy for policy in policies)
    served = made.shelf.get("/topics/all.html")
    assert served is not None and "img-src 'self';" in served.extra["content-security-policy"]


def test_off_reaches_the_pages_of_archived_stories(tmp_path: Path) -> None:
    settings = samples.settings(tmp_path, Output(Slug("all"), "All", items=5))
    store = SqliteStore(tmp_path / "db")
    open_outputs(store, settings)
    stories = [store_story(store, item(number, image=WIDE)) for number in range(1, 40)]
    Publisher(settings, store).publish(None, NOON + 3600)
    written = [tmp_path / f"public/stories/{story}.html" for story in stories]
    assert all("<img" in page.read_text() for page in written)
    off = replace(settings, publish=replace(settings.publish, images="off"))
    Publisher(off, store).publish(None, NOON + 7200)
    assert not any("<img" in page.read_text() for page in written)


def test_pictures_are_linked_unless_told_otherwise() -> None:
    assert Publishing().images == "link"
    assert "img-src 'self' https: http:;" in pages.policy(images=True)


@pytest.mark.parametrize(
    ("url", "picture", "is_shown"),
    [
        ("https://wire.example/feed.xml?token=k3y9QzW7Lm2x", f"{CDN}/a.jpg?token=k3y9QzW7Lm2x", False),
        ("https://wire.example/feed.xml?token=k3y9QzW7Lm2x", f"{CDN}/k3y9QzW7Lm2x/a.jpg", False),
        ("https://wire.example/feed.xml?token=k3y9%2BzW7Lm2x", f"{CDN}/a.jpg?t=k3y9%2bzW7Lm2x", False),
        ("https://wire.example/private/k3y9QzW7Lm2x.xml", f"{CDN}/a.jpg?u=k3y9QzW7Lm2x", False),
        ("https://ana:hunter2222@wire.example/feed.xml", f"{CDN}/a.jpg?u=hunter2222", False),
        ("https://wire.example/feed.xml?token=k3y9QzW7Lm2x", f"{CDN}/a.jpg?token=another-one", False),
        ("https://wire.example/feed.xml?token=k3y9QzW7Lm2x", f"{CDN}/9f86d081884c7d659a2feaa0c55ad015/a.jpg?w=700", True),
        ("https://wire.example/feed.xml", f"{CDN}/a.jpg?token=another-one&s=9f86d081884c7d659a2feaa0c55ad015", True),
        ("https://wire.example/feed.xml?id=7", f"{CDN}/7/a.jpg?id=7", True),
    ],
)
def test_no_picture_gives_the_sources_secret_away(url: str, picture: str, is_shown: bool) -> None:
    allowed = Pictures(sources={WIRE.id: replace(WIRE, url=url)})
    text = f'<p>Text</p><img src="{picture.replace("&", "&amp;")}">'
    for one in (item(1, image=Picture(picture)), item(1, content=text, summary=text)):
        seen = shown(one, pictures=allowed, content="full")
        assert (seen.image is not None, "<img" in seen.in_feeds) == (is_shown, is_shown)


def test_secrets_of_the_config_and_of_headers_are_known() -> None:
    header = replace(WIRE, headers=(("Authorization", "Bearer k3y9QzW7Lm2x"),))
    assert address(item(1, image=Picture(f"{CDN}/k3y9QzW7Lm2x.jpg")), pictures=Pictures(sources={WIRE.id: header})) is None
    told = Pictures(secrets=frozenset(("sesame-street", "a")))
    assert address(item(1, image=Picture(f"{CDN}/a.jpg?by=sesame-street")), pictures=told) is None
    assert address(item(1, image=Picture(f"{CDN}/a.jpg")), pictures=told) == f"{CDN}/a.jpg"


def test_a_private_sources_picture_keeps_its_keys_even_in_feeds_with_a_token() -> None:
    signed, plain = Picture(f"{CDN}/a.jpg?token-hash=Zx81kQ0pWm7TtR2"), Picture(f"{CDN}/a.jpg?w=600")
    assert address(item(1, private=True, image=signed)) is None
    assert address(item(1, private=True, image=plain)) == plain.url


def test_the_next_picture_is_taken_where_one_must_not_be_shown() -> None:
    allowed = Pictures(secrets=frozenset(("sesame-street",)))
    assert address(item(1, image=Picture(f"{CDN}/sesame-street.jpg")), item(2, DAILY, image=WIDE), pictures=allowed) == WIDE.url


# --- pages
@pytest.fixture
def site(tmp_path: Path) -> dict[str, str]:
    """The pages of a site with a story that names a picture and one that has a picture in its text, by name."""
    settings = samples.settings(tmp_path)
    store = SqliteStore(tmp_path / "db")
    open_outputs(store, settings)
    text = f'<p>Waves <a href="{CDN}/"><img src="{CDN}/text.jpg"></a></p>'
    text += f'<p><img src="{CDN}/s.jpg" width="60" height="40"> <img src="{CDN}/formula.png" alt="E"></p>'
    ids = {
        store_story(store, item(1), item(2, DAILY, image=WIDE)): "named",
        store_story(store, item(3, content=text, summary=text)): "in text",
        store_story(store, podcast(4)): "podcast",
    }
    Publisher(settings, store).publish(None, NOON)
    public = tmp_path / "public"
    found = {path.relative_to(public).as_posix(): path for path in public.rglob("*.html")}
    return {ids.get(StoryId(path.stem), name): path.read_text() for name, path in found.items()}


def test_every_image_but_the_one_at_the_top_loads_late_and_all_tell_nothing(site: dict[str, str]) -> None:
    images = [(name, image) for name, body in site.items() for image in re.findall("<img[^>]*>", body)]
    assert {name for name, _ in images} >= {"index.html", "topics/all.html", "named", "in text", "podcast"}
    for name, image in images:
        loading = "eager" if 'class="picture"' in image else "lazy"
        assert f'loading="{loading}"' in image and 'referrerpolicy="no-referrer"' in image, (name, image)


def test_a_photograph_of_unknown_height_gets_a_box_so_that_nothing_moves(site: dict[str, str]) -> None:
    assert f'<img class="boxed" src="{CDN}/text.jpg" loading="lazy"' in site["in text"]
    assert re.search(r"\.boxed\{[^}]*aspect-ratio:", site["in text"])
    assert len(re.findall('<img class="boxed"', site["in text"])) == 1, "a formula stands in a line, and a known size is kept"


def test_a_storys_page_shows_its_picture_once(site: dict[str, str]) -> None:
    assert re.findall(r'<img class="picture" src="([^"]*)" alt="" width="800" height="450"', site["named"]) == [
        f"{CDN}/wide.jpg?a=1&amp;b=2"
    ]
    assert "<small>The Daily</small>" in site["named"]
    assert site["in text"].count(f'src="{CDN}/text.jpg"') == 1


def test_a_feeds_page_shows_a_small_picture_of_a_fixed_size_beside_the_words(site: dict[str, str]) -> None:
    page = site["topics/all.html"]
    assert re.findall(r'<img class="(\w+)"', page) == ["thumb"] * 3 and page.count("<img") == 3
    assert f'<a href="{CDN}/"' not in page, "a link that holds nothing has no name"
    assert re.search(r"\.thumb\{[^}]*width:[^}]*height:", page)


def test_the_feeds_are_read_by_others(tmp_path: Path) -> None:
    settings = samples.settings(tmp_path)
    store = SqliteStore(tmp_path / "db")
    open_outputs(store, settings)
    store_story(store, item(1, image=WIDE))
    Publisher(settings, store).publish(None, NOON)
    for format in ("atom", "rss"):
        parsed = feedparser.parse((tmp_path / f"public/feeds/all.{format}").read_bytes())
        (entry,) = parsed.entries
        assert not parsed.bozo and not entry.enclosures
        assert entry.media_content == [{"url": WIDE.url, "medium": "image", "width": "800", "height": "450"}]
        assert entry.media_thumbnail == [{"url": WIDE.url, "width": "800", "height": "450"}]
