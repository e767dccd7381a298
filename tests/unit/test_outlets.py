"""Whom an entry speaks for: its source's own domains, and nobody that it only links to."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from aggregator.model import Entry, Origin, Source, SourceId
from aggregator.stories.outlets import LEARNT_FROM, Voice, led_to, outlet_of, owners, voice_of

DAILY = Source(SourceId("daily"), "https://feeds.daily.example/rss")
POST = Source(SourceId("post"), "https://www.post.example/rss", outlet="The Post")
POST_SPORT = Source(SourceId("post-sport"), "https://www.postsport.example/rss", outlet="The Post")
BURNER = Source(SourceId("burner"), "https://feeds.feedburner.com/alpha")
OTHER_BURNER = Source(SourceId("other-burner"), "https://feeds.feedburner.com/alpha-sport")
EVIL = Source(SourceId("evil"), "https://evil.example/rss")
HUB = Source(SourceId("hub"), "https://hub.example/rss", aggregator=True)
ALL = (DAILY, POST, POST_SPORT, BURNER, OTHER_BURNER, EVIL, HUB)


def entry(url: str | None, origin: Origin | None = None) -> Entry:
    return Entry(None, url, "Harbour bridge opens", origin=origin)


def voice(source: Source, *links: str, claims: Mapping[str, Mapping[str, float]] | None = None) -> Voice:
    """Whom a source speaks for whose entries have led to these."""
    known = {domain: {SourceId(id): at for id, at in ids.items()} for domain, ids in (claims or {}).items()}
    led = led_to({}, map(entry, links))
    return voice_of(source, led, None, owners(ALL), lambda domain: known.get(domain, {}))


@pytest.mark.parametrize(
    ("source", "links", "name", "key"),
    [
        (DAILY, [], "daily.example", "daily.example"),
        (DAILY, ["https://daily.example/1"], "daily.example", "daily.example"),
        (DAILY, ["https://dailynews.example/1"], "daily.example", "daily.example"),
        (DAILY, ["https://www.post.example/1"], "daily.example", "daily.example"),
        (POST, ["https://www.post.example/1"], "The Post", "the post"),
        (BURNER, ["https://alpha.example/1", "https://alpha.example/2", "https://x.example/"], "alpha.example", "alpha.example"),
        (BURNER, ["https://feeds.feedburner.com/~r/1"], "burner", "burner"),
        (BURNER, ["https://alpha.example/1", "https://x.example/"], "burner", "burner"),
        (EVIL, ["https://daily.example/1", "https://post.example/1", "https://daily.example/2"], "evil.example", "evil.example"),
    ],
)
def test_a_source_speaks_for_its_own_domains_alone(source: Source, links: list[str], name: str, key: str) -> None:
    spoken = voice(source, *links)
    assert (spoken.name, spoken.key) == (name, key)


@pytest.mark.parametrize(
    ("source", "links", "home", "key"),
    [
        (BURNER, ["https://feedproxy.google.com/1"], "https://alpha.example/", "alpha.example"),
        (BURNER, [], "https://daily.example/", "burner"),
        (BURNER, ["https://beta.example/1"], "https://alpha.example/", "beta.example"),
        (EVIL, ["https://t.co/1"], "https://alpha.example/", "evil.example"),
    ],
)
def test_the_page_of_a_feed_names_its_outlet_where_nothing_else_does(
    source: Source, links: list[str], home: str, key: str
) -> None:
    led = led_to({}, map(entry, links))
    assert voice_of(source, led, home, owners(ALL), lambda domain: {}).key == key


def test_a_domain_is_learnt_once() -> None:
    led = led_to({}, [entry("https://alpha.example/1")] * LEARNT_FROM)
    assert led_to(led, [entry("https://beta.example/1")] * 500) == led
    assert sum(led_to({}, [entry(f"https://n{n}.example/") for n in range(500)]).values()) == LEARNT_FROM


def test_a_feed_on_its_own_domain_stands_back_behind_one_that_learnt_a_domain_before() -> None:
    """A paper that is read by way of Feedburner, and a stranger whose entries all lead to that paper."""
    links = ["https://alpha.example/1", "https://alpha.example/2"]
    claims = {"alpha.example": {"burner": 10.0, "evil": 20.0}}
    assert voice(EVIL, *links, claims=claims).domains == {"evil.example"}
    assert "alpha.example" in voice(BURNER, *links, claims=claims).domains
    assert "alpha.example" in voice(OTHER_BURNER, *links, claims=claims).domains, "two feeds of one paper there are one outlet"


def test_links_give_nobody_another_name_who_has_one() -> None:
    """Nobody else reads `famous.example`; that is no reason to be called so."""
    links = ["https://famous.example/1", "https://famous.example/2"]
    spoken = voice(EVIL, *links)
    assert (spoken.name, spoken.key) == ("evil.example", "evil.example")
    assert spoken.domains == {"evil.example", "famous.example"}, "its entries are first-hand: feeds.bbci.co.uk and bbc.co.uk"


def test_on_hosts_without_names_who_learnt_a_domain_first_has_it() -> None:
    links = ["https://alpha.example/1", "https://alpha.example/2"]
    local, stranger = (Source(SourceId(id), f"http://127.0.0.{n}/rss") for id, n in (("local", 2), ("stranger", 3)))
    owned = owners([local, stranger, EVIL])
    known = {local.id: 10.0, stranger.id: 20.0, EVIL.id: 5.0}
    led = led_to({}, map(entry, links))
    assert voice_of(local, led, None, owned, lambda _: known).key == "alpha.example", "evil.example has a name of its own"
    assert voice_of(stranger, led, None, owned, lambda _: known).key == "stranger"


@pytest.mark.parametrize(
    ("source", "url", "outlet"),
    [
        (DAILY, "https://news.daily.example/1", ("daily.example", "daily.example", False)),
        (DAILY, "https://www.post.example/1", ("daily.example", "daily.example", True)),
        (DAILY, None, ("daily.example", "daily.example", False)),
        (DAILY, "https://t.co/x", ("daily.example", "daily.example", False)),
        (POST, "https://postsport.example/1", ("The Post", "the post", False)),
        (POST, "https://daily.example/1", ("The Post", "the post", True)),
        (HUB, "https://www.post.example/1", ("hub.example", "hub.example", True)),
    ],
)
def test_a_link_to_somebody_elses_page_is_second_hand(source: Source, url: str | None, outlet: tuple[str, str, bool]) -> None:
    assert outlet_of(entry(url), source, voice(source)) == outlet


@pytest.mark.parametrize(
    ("url", "origin", "outlet"),
    [
        ("https://hub.example/1", Origin("The Post", "https://www.post.example"), ("The Post", "post.example", True)),
        ("https://hub.example/1", Origin("The Pöst", None), ("The Pöst", "the post", True)),
        ("https://blog.example/1", Origin("A blog", "https://feeds.feedburner.com/blog"), ("A blog", "blog.example", True)),
        ("https://hub.example/1", Origin("Hub", "https://hub.example/"), ("Hub", "hub.example", False)),
    ],
)
def test_an_aggregators_entry_names_its_outlet_and_never_leads_before_it(
    url: str, origin: Origin, outlet: tuple[str, str, bool]
) -> None:
    assert outlet_of(entry(url, origin), HUB, voice(HUB)) == outlet
    assert outlet_of(entry(url, origin), replace(HUB, aggregator=False), voice(HUB))[0] == "hub.example"
