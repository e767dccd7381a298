"""Who publishes at an address: a domain, or on a platform a blog, a channel, an account or an owner."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.text.outlet_names import is_borne_out, outlet_in, without_outlet
from aggregator.text.publishers import ANY_PLATFORM, BUILT_IN, KNOWN, Publishers, are_akin, is_aggregator

CHANNEL = "X6OQ3DkcsbYNE6H8uQQuVA"


@pytest.mark.parametrize(
    ("url", "publisher"),
    [
        ("https://news.bbc.co.uk/1", "bbc.co.uk"),
        ("https://anna.substack.com/p/straw", "anna.substack.com"),
        ("https://open.substack.com/pub/anna/p/straw", "anna.substack.com"),
        ("https://substack.com/home/post/p-1", "substack.com"),
        ("https://medium.com/@anna/1", "medium.com/@anna"),
        ("https://anna.medium.com/trees-1", "medium.com/@anna"),
        ("https://medium.com/feed/@Anna", "medium.com/@anna"),
        ("https://medium.com/the-trees/1", "medium.com/the-trees"),
        ("https://medium.com/p/1", "medium.com"),
        ("https://anna.wordpress.com/2023/06/15/straw/", "anna.wordpress.com"),
        ("https://anna.blogspot.com/feeds/posts/default", "anna.blogspot.com"),
        ("https://anna.tumblr.com/rss", "anna.tumblr.com"),
        ("https://www.tumblr.com/anna/7", "anna.tumblr.com"),
        (f"https://www.youtube.com/feeds/videos.xml?channel_id=UC{CHANNEL}", f"youtube.com/channel/UC{CHANNEL}"),
        (f"https://www.youtube.com/feeds/videos.xml?playlist_id=UULF{CHANNEL}", f"youtube.com/channel/UC{CHANNEL}"),
        ("https://www.youtube.com/feeds/videos.xml?playlist_id=PL7", "youtube.com/playlist/PL7"),
        ("https://m.youtube.com/@Anna/videos", "youtube.com/@anna"),
        ("https://www.youtube.com/watch?v=1", "youtube.com"),
        ("https://youtu.be/1", "youtube.com"),
        ("https://github.com/tidepool/harbor-cache/releases/tag/v1", "github.com/tidepool"),
        ("https://github.com/tidepool.atom", "github.com/tidepool"),
        ("https://github.com/topics/cache", "github.com"),
        ("https://gitlab.com/gnome/gtk/-/tags", "gitlab.com/gnome"),
        ("https://old.reddit.com/r/worldnews/comments/1", "reddit.com/r/worldnews"),
        ("https://bsky.app/profile/anna.example/post/3", "bsky.app/profile/anna.example"),
        ("https://social.example/@anna.rss", "social.example/@anna"),
        ("https://social.example/@Anna/110542900213123", "social.example/@anna"),
        ("https://social.example/users/anna/statuses/110542900213123", "social.example/@anna"),
        ("https://social.example/@anna@other.example/110542900213123", "social.example/@anna@other.example"),
        ("https://paper.example/@anna/trees-of-lyon", "paper.example"),
        ("https://abcnews.go.com/US/1", "abcnews.go.com"),
        ("https://www-bbc-co-uk.cdn.ampproject.org/c/s/www.bbc.co.uk/news/1", "bbc.co.uk"),
        ("https://www.google.com/amp/s/anna.substack.com/p/straw", "anna.substack.com"),
        ("https://www.google.co.uk/amp/s/www.bbc.co.uk/news/1", "bbc.co.uk"),
        ("https://www.google.evil.example/amp/s/www.bbc.co.uk/news/1", "evil.example"),
        ("https://cdn.ampproject.org.evil.example/c/s/www.bbc.co.uk/news/1", "evil.example"),
        ("not an address", ""),
    ],
)  # fmt: skip
def test_who_publishes_at_an_address(url: str, publisher: str) -> None:
    assert KNOWN.of(url) == publisher


def test_the_config_marks_platforms_and_names_sites() -> None:
    rules = Publishers({**BUILT_IN, "blogs.example": ANY_PLATFORM}, frozenset(["sport.paper.example", "social.example"]))
    assert rules.of("https://anna.blogs.example/1") == "anna.blogs.example"
    assert rules.of("https://blogs.example/anna/1") == "blogs.example/anna"
    assert rules.of("https://live.sport.paper.example/1") == "sport.paper.example"
    assert rules.of("https://www.paper.example/1") == "paper.example"
    assert rules.of("https://social.example/@anna") == "social.example", "it is one outlet, the config says"


@given(st.text(max_size=60))
def test_no_address_breaks_it(text: str) -> None:
    for url in (text, f"https://{text}", f"https://medium.com/{text}", f"https://youtube.com/{text}?{text}"):
        KNOWN.of(url)


@pytest.mark.parametrize(
    ("url", "aggregator"),
    [
        ("https://www.reddit.com/r/worldnews/.rss", True),
        ("https://news.google.com/rss?hl=en", True),
        ("https://blog.google.com/rss", False),
        ("https://hnrss.org/frontpage", True),
        ("https://www.bbc.co.uk/rss", False),
    ],
)
def test_sites_that_pass_on_what_others_publish_are_known(url: str, aggregator: bool) -> None:
    assert is_aggregator(url) is aggregator


@pytest.mark.parametrize(
    ("title", "publisher", "name"),
    [
        ("BBC News - World", "bbc.co.uk", "BBC News"),
        ("BBC News - World", "bbci.co.uk", "BBC News"),
        ("World news | The Guardian", "theguardian.com", "The Guardian"),
        ("Herald Nigeria News", "herald.example", "Herald Nigeria News"),
        ("WSJ: World", "wsj.example", "WSJ"),
        ("ABC News: US", "abcnews.go.com", "ABC News"),
        ("Süddeutsche Zeitung", "sz.de", "Süddeutsche Zeitung"),
        ("Le Monde.fr - Actualités", "lemonde.fr", "Le Monde.fr"),
        ("Al Jazeera – Breaking News", "aljazeera.com", "Al Jazeera"),
        ("France 24 - International", "france24.com", "France 24"),
        ("Anna's Letter", "anna.substack.com", "Anna's Letter"),
        ("World", "paper.example", None),
        ("BBC News", "evil.example", None),
        ("BBC News", "bbc-news-uk.example", None),
        ("BBC", "bbclive.example", None),
        ("BBC", "bbc-evil.example", None),
        ("New York Times", "new.example", None),
        ("The Guardian", "the.example", None),
        ("The Guardian", "guardian-evil.example", None),
        ("The Guardian", "gua.example", None),
        ("\u0412BC News", "bbc.example", None),
        ("BBC News", "evil.substack.com", None),
        ("Substack Weekly", "evil.substack.com", None),
        ("The", "the.example", "The"),
        ("", "paper.example", None),
    ],
)
def test_a_feeds_own_title_is_believed_as_far_as_its_domain_says_so(title: str, publisher: str, name: str | None) -> None:
    assert outlet_in(title, publisher) == name


@pytest.mark.parametrize(
    ("one", "other", "akin"),
    [
        ("bbci.co.uk", "bbc.co.uk", True),
        ("alpha.example", "alphacdn.example", True),
        ("the.example", "theguardian.com", False),
        ("ab.example", "abc.example", False),
        ("evil.example", "alpha.example", False),
    ],
)
def test_domains_are_akin_by_their_labels(one: str, other: str, akin: bool) -> None:
    assert are_akin(one, other) is are_akin(other, one) is akin


def test_a_persons_title_is_believed() -> None:
    assert outlet_in("Morning Chronicle - World", "mc.example", trusted=True) == "Morning Chronicle"
    assert outlet_in("World - The Herald", "herald.example", trusted=True) == "The Herald"
    assert not is_borne_out("New York Times", "newyorkscam.example")


@pytest.mark.parametrize(
    ("headline", "shown"),
    [
        ("Storm closes ferry line - The Guardian", "Storm closes ferry line"),
        ("Storm closes ferry line – Guardian", "Storm closes ferry line"),
        ("Storm closes ferry line | theguardian.com", "Storm closes ferry line"),
        ("Storm closes ferry line| The Guardian", "Storm closes ferry line"),
        ("Storm closes ferry line - Harbour Chronicle", "Storm closes ferry line"),
        ("Storm closes ferry line - Harbour Chronicle News", "Storm closes ferry line"),
        ("Guardian News: storm closes ferry line", "storm closes ferry line"),
        ("The Guardian | Storm closes ferry line", "Storm closes ferry line"),
        ("Harbour Chronicle: storm closes ferry line", "storm closes ferry line"),
        ("Storm - ferry line closed - The Guardian", "Storm - ferry line closed"),
        ("嵐でフェリー欠航 - The Guardian", "嵐でフェリー欠航"),
        ("Storm closes ferry line - live updates", "Storm closes ferry line - live updates"),
        ("Storm closes ferry line - BBC News", "Storm closes ferry line - BBC News"),
        ("Storm closes ferry line - guardian of the harbour says", "Storm closes ferry line - guardian of the harbour says"),
        ("Guardian: storm closes ferry line", "Guardian: storm closes ferry line"),
        ("Storm closes the line of The Guardian", "Storm closes the line of The Guardian"),
        ("Storm-The Guardian", "Storm-The Guardian"),
        ("Live - The Guardian", "Live - The Guardian"),
        ("The Guardian - The Guardian", "The Guardian - The Guardian"),
        ("The Guardian", "The Guardian"),
        ("", ""),
    ],
)
def test_a_headline_does_without_the_name_of_its_outlet(headline: str, shown: str) -> None:
    assert without_outlet(headline, ["Harbour Chronicle"], ["theguardian.com"]) == shown


@given(st.text(max_size=80), st.text(max_size=20), st.sampled_from([" - ", " | ", ": ", "|", ""]))
def test_no_headline_is_cut_to_nothing(headline: str, name: str, between: str) -> None:
    for title in (f"{headline}{between}{name}", f"{name}{between}{headline}"):
        shown = without_outlet(title, [name], ["a.example", name])
        assert shown in title
        assert shown.strip() or not title.strip()
