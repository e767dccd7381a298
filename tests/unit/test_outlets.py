"""Whom an entry speaks for: its source's own domains, and nobody that it only links to."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from aggregator.model import Entry, Origin, Source, SourceId
from aggregator.settings import Outlet
from aggregator.stories.identity.claims import NO_CLAIMS, Claim, Claims
from aggregator.stories.identity.domains import collect_owners
from aggregator.stories.identity.outlets import LEARNT_FROM, Voice, count_domains, decide_voice, outlet_of

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


def claimed(claims: Mapping[str, Mapping[str, float | Claim]]) -> Claims:
    """Sources have learnt these domains, since these moments."""
    stored = {
        f"domain:{domain} {id}": str(at if isinstance(at, Claim) else Claim(at))
        for domain, ids in claims.items()
        for id, at in ids.items()
    }
    return Claims(lambda prefix: {key: value for key, value in stored.items() if key.startswith(prefix)})


def voice(
    source: Source, *links: str, home: str | None = None, claims: Mapping[str, Mapping[str, float | Claim]] | None = None
) -> Voice:
    """Whom a source speaks for whose entries have led to these."""
    led = count_domains({}, map(entry, links))
    return decide_voice(source, led, home, collect_owners(ALL), claimed(claims or {}))


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


@pytest.mark.parametrize("source", [BURNER, EVIL])
@pytest.mark.parametrize("links", [[], ["https://feedproxy.google.com/1"], ["https://beta.example/1"]])
def test_the_page_that_a_channel_calls_its_own_gives_it_no_domain(source: Source, links: list[str]) -> None:
    """Anybody can write it."""
    spoken = voice(source, *links, home="https://alpha.example/")
    assert "alpha.example" not in spoken.domains
    assert spoken.key in ("burner", "evil.example")


@pytest.mark.parametrize(
    ("home", "key"),
    [
        (None, "alpha.example"),
        ("https://www.alpha.example/sport", "alpha.example"),
        ("https://feeds.feedburner.com/alpha", "alpha.example"),
        ("https://blog.example/", "burner"),
    ],
)
def test_a_feed_on_a_shared_host_with_another_home_is_not_called_like_what_it_links_to(home: str | None, key: str) -> None:
    assert voice(BURNER, *["https://alpha.example/1"] * 20, home=home).key == key


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
    sport = voice(OTHER_BURNER, *links, home="https://alpha.example/sport", claims=claims)
    assert "alpha.example" in sport.domains, "two feeds of one paper there are one outlet"
    stranger = voice(OTHER_BURNER, *links, claims=claims)
    assert stranger.key == "other-burner", "it only links there"
    assert stranger.domains == {"feedburner.com"}


CDN = Source(SourceId("cdn"), "https://feeds.alphacdn.example/rss")
UNLIKE = Source(SourceId("unlike"), "https://feeds.cdn.example/rss")


@pytest.mark.parametrize(
    ("source", "home", "rival", "has_it"),
    [
        (CDN, None, Claim(10.0, 10.0), True),
        (UNLIKE, "https://www.alpha.example/", Claim(10.0), True),
        (UNLIKE, "https://www.alpha.example/", Claim(10.0, 10.0), False),
        (UNLIKE, "https://unlike.example/", Claim(10.0), False),
        (UNLIKE, None, Claim(30.0), True),
    ],
    ids=["an address like the domain", "its home", "a home like the one before", "no home", "the earlier"],
)
def test_of_two_that_link_to_a_domain_the_better_proof_has_it(
    source: Source, home: str | None, rival: Claim, has_it: bool
) -> None:
    claims = claimed({"alpha.example": {"evil": rival, source.id: 20.0}})
    owned = collect_owners([*ALL, CDN, UNLIKE])
    led = count_domains({}, [entry("https://alpha.example/1")])
    spoken = decide_voice(source, led, home, owned, claims)
    assert ("alpha.example" in spoken.domains) is has_it
    assert (spoken.lost is None) is has_it
    if not has_it:
        assert spoken.lost == ("alpha.example", "evil has it: its address says so, or it led there first")


def test_who_is_at_a_domain_has_it_whoever_learnt_it_before() -> None:
    claims = {"daily.example": {"evil": Claim(1.0, 1.0)}}
    spoken = voice(EVIL, *["https://daily.example/1"] * 20, home="https://daily.example/", claims=claims)
    assert spoken.domains == {"evil.example"}
    assert spoken.lost == ("daily.example", "daily is read there")
    assert not outlet_of(entry("https://daily.example/1"), DAILY, voice(DAILY, claims=claims))[2]


def test_an_outlet_of_the_config_is_had_at_all_its_domains() -> None:
    local, stranger = (Source(SourceId(id), f"http://127.0.0.1/{id}") for id in ("local", "stranger"))
    claims = claimed({"bbc.co.uk": {"local": Claim(1.0, 1.0)}, "bbc.com": {"stranger": 0.5}})
    owned = collect_owners([local, stranger], BBC)
    led = count_domains({}, [entry("https://www.bbc.com/1")])
    assert decide_voice(stranger, led, None, owned, claims).key == "stranger"


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
    claims = claimed({"alpha.example": {"local": 10.0, "stranger": 20.0, "evil": 5.0}})
    led = count_domains({}, map(entry, links))
    assert decide_voice(local, led, None, owned, claims).key == "alpha.example", "evil.example has a name of its own"
    assert decide_voice(stranger, led, None, owned, claims).key == "stranger"


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
        (EVIL, "https://social.example/@anna/110542900213123", True),
        (DAILY, "https://www.youtube.com/watch?v=1", True),
        (DAILY, "https://www-daily-example.cdn.ampproject.org/c/s/www.daily.example/1", False),
        (DAILY, "https://www.google.evil.example/amp/s/www.daily.example/1", True),
    ],
)
def test_a_neighbour_on_a_platform_is_somebody_else(source: Source, url: str, second_hand: bool) -> None:
    assert outlet_of(entry(url), source, voice(source))[2] is second_hand


def test_links_to_a_server_give_nobody_its_accounts() -> None:
    """Whoever has learnt the host of a Mastodon server speaks for nobody there."""
    links = [f"https://social.example/notes/{n}" for n in range(LEARNT_FROM)]
    led = count_domains({}, map(entry, links))
    page = entry("https://social.example/@anna/110542900213123")
    for sources in ([EVIL], [EVIL, SOCIAL]):
        spoken = decide_voice(EVIL, led, "https://social.example/", collect_owners(sources), NO_CLAIMS)
        assert outlet_of(page, EVIL, spoken)[2], "another source has an account there, or may have one"
        assert ("social.example" in spoken.domains) is (SOCIAL not in sources)


def test_the_feed_of_a_server_speaks_for_no_account_that_is_a_source() -> None:
    spoken = decide_voice(SERVER, {}, None, collect_owners([SERVER, SOCIAL]), NO_CLAIMS)
    assert outlet_of(entry("https://social.example/@anna/110542900213123"), SERVER, spoken)[2]
    assert not outlet_of(entry("https://social.example/@carl/110542900213123"), SERVER, spoken)[2]


def test_accounts_count_as_one_outlet_where_the_host_is_no_known_platform() -> None:
    keys = {}
    for host in ("evil.example", "medium.com", "mastodon.social", "blogs.example"):
        accounts = [Source(SourceId(name), f"https://{host}/@{name}.rss") for name in ("a", "b")]
        owned = collect_owners(accounts, {"blogs.example": Outlet(("blogs.example",), platform=True)})
        keys[host] = {decide_voice(one, {}, None, owned, NO_CLAIMS).key for one in accounts}
    assert keys["evil.example"] == {"evil.example"}
    assert {host: len(found) for host, found in keys.items()} == {
        "evil.example": 1, "medium.com": 2, "mastodon.social": 2, "blogs.example": 2
    }  # fmt: skip
    passed_on = Entry(None, "https://hub.example/1", "Bridge", origin=Origin("A", "https://evil.example/@a"))
    assert outlet_of(passed_on, HUB, voice(HUB))[1] == "evil.example"


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
    return decide_voice(source, {}, None, collect_owners([source, *others], outlets), NO_CLAIMS, title)


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


HERALD = Source(SourceId("herald"), "https://herald.example/rss")


@pytest.mark.parametrize(
    ("address", "title", "other"),
    [
        ("https://bbcs.example/rss", "BBC News", WORLD),
        ("https://bbcs.example/rss", "BBC News", Source(SourceId("bbc"), "https://bbc.example/rss")),
        ("https://alpha.test/rss", "Alpha Times", Source(SourceId("at"), "https://alphatimes.example/rss")),
        ("https://at.test/rss", "Alpha Times", Source(SourceId("at"), "https://alpha.example/rss")),
        ("https://herald.test/rss", "The Herald", HERALD),
        ("https://heraldpost.test/rss", "Herald Post", Source(SourceId("local"), "http://127.0.0.1/rss", title="Herald Post")),
        ("https://heraldpost.test/rss", "Herald Post", replace(EVIL, outlet="Herald Post")),
        ("https://heraldpost.test/rss", "Herald Post", replace(EVIL, title="The Herald Post - World")),
    ],
)
def test_no_two_domains_are_called_the_same_by_what_a_feed_says(address: str, title: str, other: Source) -> None:
    source = Source(SourceId("fake"), address)
    domain = source.url.split("/")[2]
    assert named(source, title).name == title
    assert named(source, title, None, other).name == domain
    allowed = {title: Outlet((domain,))}
    assert named(source, title, allowed, other).name == title, "`outlets:` says so"


def test_a_better_known_name_stays_when_a_domain_like_it_comes() -> None:
    paper = Source(SourceId("paper"), "https://alphatimes.example/rss")
    fakes = [Source(SourceId(host), f"https://{host}/rss") for host in ("alpha.test", "at.test", "alphatimesx.test")]
    assert named(paper, "Alpha Times", None, *fakes).name == "Alpha Times"
    blog = Source(SourceId("blog"), "https://alphatimes.substack.com/feed")
    assert named(paper, "Alpha Times", None, blog).name == "Alpha Times", "the platform stands behind the blog's"


def test_a_name_that_is_learnt_on_a_shared_host_counts_too() -> None:
    owned = collect_owners([BURNER, HERALD])
    claims = claimed({"herald.test": {"burner": 1.0}})
    led = count_domains({}, [entry("https://herald.test/1")])
    assert decide_voice(BURNER, led, None, owned, claims, "The Herald").name == "herald.test"
    assert decide_voice(HERALD, {}, None, owned, claims, "The Herald").name == "herald.example"
    links_alone = claimed({"herald.test": {"evil": 1.0}})
    assert decide_voice(HERALD, {}, None, collect_owners([HERALD, EVIL]), links_alone, "The Herald").name == "The Herald"


@pytest.mark.parametrize(
    "host", ["guardian.substack.com", "guardian.blogspot.com", "guardian.github.io", "guardian.wordpress.com"]
)
def test_a_free_name_on_a_platform_is_shown_with_the_platform(host: str) -> None:
    platform = host.partition(".")[2]
    assert named(Source(SourceId("fake"), f"https://{host}/feed"), "The Guardian").name == f"The Guardian ({platform})"


def test_the_domains_of_a_named_outlet_are_learnt_by_nobody_else() -> None:
    links = ["https://www.bbc.com/1", "https://www.bbc.com/2"]
    led = count_domains({}, map(entry, links))
    assert decide_voice(EVIL, led, None, collect_owners([EVIL], BBC), NO_CLAIMS).domains == {"evil.example"}
    assert decide_voice(BURNER, led, None, collect_owners([BURNER], BBC), NO_CLAIMS).key == "bbc", "it has no other name"
    assert decide_voice(BURNER, led, None, collect_owners([BURNER, WORLD], BBC), NO_CLAIMS).key == "burner", (
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
