"""Whom an entry speaks for: its source's own domains, and nobody that it only links to."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from aggregator.model import Entry, Origin, Source, SourceId
from aggregator.settings import Outlet
from aggregator.stories.domains import collect_owners
from aggregator.stories.outlets import LEARNT_FROM, Voice, count_domains, decide_voice, outlet_of

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
    led = count_domains({}, map(entry, links))
    return decide_voice(source, led, None, collect_owners(ALL), lambda domain: known.get(domain, {}))


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
    led = count_domains({}, map(entry, links))
    assert decide_voice(source, led, home, collect_owners(ALL), lambda domain: {}).key == key


def test_a_domain_is_learnt_once() -> None:
    led = count_domains({}, [entry("https://alpha.example/1")] * LEARNT_FROM)
    assert count_domains(led, [entry("https://beta.example/1")] * 500) == led
    assert sum(count_domains({}, [entry(f"https://n{n}.example/") for n in range(500)]).values()) == LEARNT_FROM


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
    owned = collect_owners([local, stranger, EVIL])
    known = {local.id: 10.0, stranger.id: 20.0, EVIL.id: 5.0}
    led = count_domains({}, map(entry, links))
    assert decide_voice(local, led, None, owned, lambda _: known).key == "alpha.example", "evil.example has a name of its own"
    assert decide_voice(stranger, led, None, owned, lambda _: known).key == "stranger"


# --- platforms
ANNA = Source(SourceId("anna"), "https://anna.substack.com/feed")
TUBE = Source(SourceId("tube"), "https://www.youtube.com/feeds/videos.xml?channel_id=UCX6OQ3DkcsbYNE6H8uQQuVA")
SOCIAL = Source(SourceId("social"), "https://social.example/@anna.rss")
SERVER = Source(SourceId("server"), "https://social.example/about/news.rss")


@pytest.mark.parametrize(
    ("source", "url", "second_hand"),
    [
        (ANNA, "https://anna.substack.com/p/1", False),
        (ANNA, "https://open.substack.com/pub/anna/p/1", False),
        (ANNA, "https://substack.com/home/post/p-1", False),
        (ANNA, "https://ben.substack.com/p/1", True),
        (TUBE, "https://www.youtube.com/watch?v=1", False),
        (TUBE, "https://www.youtube.com/@other/live", True),
        (SOCIAL, "https://social.example/@anna/110542900213123", False),
        (SOCIAL, "https://social.example/@ben/110542900213123", True),
        (SERVER, "https://social.example/@anna/110542900213123", False),
        (DAILY, "https://www.youtube.com/watch?v=1", True),
        (DAILY, "https://www-daily-example.cdn.ampproject.org/c/s/www.daily.example/1", False),
        (DAILY, "https://www.google.evil.example/amp/s/www.daily.example/1", True),
    ],
)
def test_a_neighbour_on_a_platform_is_somebody_else(source: Source, url: str, second_hand: bool) -> None:
    assert outlet_of(entry(url), source, voice(source))[2] is second_hand


def test_feeds_on_a_shared_host_learn_the_blog_and_not_its_platform() -> None:
    one, other = (voice(BURNER, *[f"https://{name}.substack.com/p/{n}" for n in range(3)]) for name in ("anna", "ben"))
    assert (one.key, other.key) == ("anna.substack.com", "ben.substack.com")
    assert voice(BURNER, "https://www.youtube.com/watch?v=1").key == "burner", "a watch link does not tell the channel"
    before = {"substack.com": LEARNT_FROM}
    assert count_domains(before, [entry("https://anna.substack.com/p/1")]) == {"anna.substack.com": 1}, (
        "what was learnt of the platform is forgotten"
    )


# --- names
BBC = {"BBC": Outlet(("bbc.co.uk", "bbc.com", "bbci.co.uk"))}
WORLD = Source(SourceId("world"), "https://feeds.bbci.co.uk/news/world/rss.xml")


def named(source: Source, title: str | None = None, outlets: Mapping[str, Outlet] | None = None, *others: Source) -> Voice:
    return decide_voice(source, {}, None, collect_owners([source, *others], outlets), lambda _: {}, title)


def test_the_config_names_an_outlet_with_its_domains() -> None:
    spoken = named(WORLD, "BBC News - World", BBC)
    assert (spoken.name, spoken.key) == ("BBC", "bbc")
    assert not outlet_of(entry("https://www.bbc.com/news/1"), WORLD, spoken)[2]
    assert named(replace(WORLD, outlet="Auntie"), None, BBC).name == "Auntie", "`outlet:` wins"
    for origin in (Origin("BBC News", "https://www.bbc.com"), Origin("BBC", None)):
        assert outlet_of(entry("https://hub.example/1", origin), HUB, named(HUB, None, BBC)) == ("BBC", "bbc", True)


def test_without_it_the_title_of_the_source_names_the_outlet() -> None:
    assert named(WORLD, "BBC News - World").name == "BBC News"
    assert named(WORLD, "World").name == "bbci.co.uk"
    assert named(replace(WORLD, title="The Beeb - World"), "BBC News").name == "The Beeb", "a person said so"
    assert named(TUBE, "Trees of Lyon").name == "Trees of Lyon (youtube.com)"
    assert named(ANNA, "Anna's Letter").name == "Anna's Letter (substack.com)"
    assert named(SOCIAL, "Anna (@anna)").name == "social.example/@anna"
    sections = [
        Source(SourceId(f"s{n}"), f"https://daily.example/{n}", f"Daily Post {name}") for n, name in enumerate(["World", "Sport"])
    ]
    assert {named(one, None, None, *sections).name for one in sections} == {"Daily Post"}
    unlike = [replace(one, title=title) for one, title in zip(sections, ["World", "Sport"], strict=True)]
    assert {named(one, None, None, *unlike).name for one in unlike} == {"daily.example"}


@pytest.mark.parametrize("title", ["BBC", "The Post", "Daily - World", "daily.example", "Post"])
def test_a_feed_takes_nobodys_name_by_its_title(title: str) -> None:
    assert named(EVIL, title, BBC, *ALL).name == "evil.example"
    bbc = Source(SourceId("fake"), "https://bbc.evil.example/rss")
    assert named(bbc, title, BBC, *ALL).name == "evil.example"


@pytest.mark.parametrize(
    "host", ["guardian.substack.com", "guardian.blogspot.com", "guardian.github.io", "guardian.wordpress.com"]
)
def test_a_free_name_on_a_platform_is_shown_with_the_platform(host: str) -> None:
    platform = host.partition(".")[2]
    assert named(Source(SourceId("fake"), f"https://{host}/feed"), "The Guardian").name == f"The Guardian ({platform})"


def test_the_domains_of_a_named_outlet_are_learnt_by_nobody_else() -> None:
    links = ["https://www.bbc.com/1", "https://www.bbc.com/2"]
    led = count_domains({}, map(entry, links))
    assert decide_voice(EVIL, led, None, collect_owners([EVIL], BBC), lambda _: {}).domains == {"evil.example"}
    assert decide_voice(BURNER, led, None, collect_owners([BURNER], BBC), lambda _: {}).key == "bbc", "it has no other name"
    assert decide_voice(BURNER, led, None, collect_owners([BURNER, WORLD], BBC), lambda _: {}).key == "burner", (
        "BBC is read at another of its domains"
    )


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
