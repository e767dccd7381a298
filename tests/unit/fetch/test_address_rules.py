"""Pasted addresses → where their feeds should be."""

from __future__ import annotations

import pytest

from aggregator.fetch.address_rules import understand, without_feeds
from aggregator.fetch.lookups import named_feeds

CHANNEL = "UC" + "a1_-" * 5 + "xy"
VIDEOS = "https://www.youtube.com/feeds/videos.xml"


@pytest.mark.parametrize(
    ("pasted", "feed"),
    [
        # video and sound
        (f"https://www.youtube.com/channel/{CHANNEL}", f"{VIDEOS}?channel_id={CHANNEL}"),
        (f"https://m.youtube.com/channel/{CHANNEL}/videos?view=0", f"{VIDEOS}?channel_id={CHANNEL}"),
        (f"youtube.com/channel/{CHANNEL}/", f"{VIDEOS}?channel_id={CHANNEL}"),
        ("https://www.youtube.com/user/Harbour/featured", f"{VIDEOS}?user=Harbour"),
        ("https://www.youtube.com/playlist?list=PLabc-123", f"{VIDEOS}?playlist_id=PLabc-123"),
        ("https://music.youtube.com/playlist?feature=share&list=PLabc-123&si=x", f"{VIDEOS}?playlist_id=PLabc-123"),
        ("https://vimeo.com/harbourfilms", "https://vimeo.com/harbourfilms/videos/rss"),
        ("https://vimeo.com/channels/staffpicks", "https://vimeo.com/channels/staffpicks/videos/rss"),
        ("https://odysee.com/@harbour:1", "https://odysee.com/$/rss/@harbour:1"),
        # Reddit
        ("https://www.reddit.com/r/worldnews/", "https://www.reddit.com/r/worldnews/.rss"),
        ("https://old.reddit.com/r/worldnews/top/?t=week", "https://www.reddit.com/r/worldnews/top/.rss"),
        ("reddit.com/r/news+europe/new", "https://www.reddit.com/r/news+europe/new/.rss"),
        ("r/worldnews", "https://www.reddit.com/r/worldnews/.rss"),
        ("/r/worldnews/", "https://www.reddit.com/r/worldnews/.rss"),
        ("https://www.reddit.com/user/anna-b/submitted/", "https://www.reddit.com/user/anna-b/.rss"),
        ("https://www.reddit.com/u/anna-b", "https://www.reddit.com/user/anna-b/.rss"),
        ("u/anna-b", "https://www.reddit.com/user/anna-b/.rss"),
        ("https://www.reddit.com/user/anna/m/harbours", "https://www.reddit.com/user/anna/m/harbours/.rss"),
        ("https://www.reddit.com/r/news/comments/1ab2/a_title/", "https://www.reddit.com/r/news/comments/1ab2/.rss"),
        # the Fediverse
        ("@anna@social.example", "https://social.example/@anna.rss"),
        ("https://social.example/@anna", "https://social.example/@anna.rss"),
        ("https://mastodon.social/@anna/", "https://mastodon.social/@anna.rss"),
        ("https://mastodon.social/@anna@other.example", "https://other.example/@anna.rss"),
        ("https://social.example/users/anna", "https://social.example/users/anna.rss"),
        ("https://mastodon.social/tags/harbour", "https://mastodon.social/tags/harbour.rss"),
        ("https://lemmy.world/c/worldnews", "https://lemmy.world/feeds/c/worldnews.xml?sort=New"),
        ("https://lemmy.world/c/science@mander.example", "https://lemmy.world/feeds/c/science@mander.example.xml?sort=New"),
        ("!science@mander.example", "https://mander.example/feeds/c/science.xml?sort=New"),
        ("https://lemmy.world/u/anna", "https://lemmy.world/feeds/u/anna.xml?sort=New"),
        ("https://tube.example/c/harbour/videos", "https://tube.example/feeds/videos.xml?videoChannelName=harbour"),
        # Bluesky
        ("https://bsky.app/profile/anna.bsky.social", "https://bsky.app/profile/anna.bsky.social/rss"),
        ("https://bsky.app/profile/did:plc:abc123/post/3k2", "https://bsky.app/profile/did:plc:abc123/rss"),
        ("@anna.bsky.social", "https://bsky.app/profile/anna.bsky.social/rss"),
        # code
        ("https://github.com/tidepool/chart", "https://github.com/tidepool/chart/releases.atom"),
        ("https://github.com/tidepool/chart.git", "https://github.com/tidepool/chart/releases.atom"),
        ("https://github.com/tidepool/chart.js/releases/tag/v1.2", "https://github.com/tidepool/chart.js/releases.atom"),
        ("https://github.com/tidepool/chart/tags", "https://github.com/tidepool/chart/tags.atom"),
        ("https://github.com/tidepool/chart/commits", "https://github.com/tidepool/chart/commits.atom"),
        ("https://github.com/tidepool/chart/commits/main/", "https://github.com/tidepool/chart/commits/main.atom"),
        ("https://github.com/tidepool/chart/tree/main/docs", "https://github.com/tidepool/chart/commits/main/docs.atom"),
        ("https://github.com/tidepool/chart/discussions", "https://github.com/tidepool/chart/discussions.atom"),
        ("https://github.com/orgs/community/discussions/31", "https://github.com/orgs/community/discussions.atom"),
        ("https://github.com/tidepool/chart/wiki/Home", "https://github.com/tidepool/chart/wiki.atom"),
        ("https://github.com/tidepool", "https://github.com/tidepool.atom"),
        ("https://gitlab.com/tidepool/tools/chart", "https://gitlab.com/tidepool/tools/chart/-/releases.atom"),
        ("https://gitlab.com/tidepool/chart/-/tags", "https://gitlab.com/tidepool/chart/-/releases.atom"),
        ("https://codeberg.org/tidepool/chart", "https://codeberg.org/tidepool/chart/releases.rss"),
        ("https://pypi.org/project/chart-tools/", "https://pypi.org/rss/project/chart-tools/releases.xml"),
        # forums
        ("https://news.ycombinator.com/", "https://news.ycombinator.com/rss"),
        ("https://news.ycombinator.com/newest", "https://hnrss.org/newest"),
        ("https://news.ycombinator.com/user?id=anna", "https://hnrss.org/submitted?id=anna"),
        ("https://lobste.rs", "https://lobste.rs/rss"),
        ("https://lobste.rs/t/python", "https://lobste.rs/t/python.rss"),
        ("https://stackoverflow.com/questions/tagged/python", "https://stackoverflow.com/feeds/tag/python"),
        ("https://stackoverflow.com/questions/123/how-so", "https://stackoverflow.com/feeds/question/123"),
        ("https://unix.stackexchange.com/users/42/anna", "https://unix.stackexchange.com/feeds/user/42"),
        ("https://askubuntu.com/", "https://askubuntu.com/feeds"),
        # blogs
        ("https://medium.com/@anna", "https://medium.com/feed/@anna"),
        ("https://medium.com/@anna/a-story-0a1b", "https://medium.com/feed/@anna"),
        ("https://medium.com/harbour-notes", "https://medium.com/feed/harbour-notes"),
        ("https://medium.com/tag/harbours/latest", "https://medium.com/feed/tag/harbours"),
        ("https://anna.medium.com/about", "https://anna.medium.com/feed"),
        ("https://anna.substack.com/p/a-letter", "https://anna.substack.com/feed"),
        ("https://substack.com/@anna", "https://anna.substack.com/feed"),
        ("https://anna.wordpress.com", "https://anna.wordpress.com/feed/"),
        ("https://anna.wordpress.com/category/sea/", "https://anna.wordpress.com/category/sea/feed/"),
        ("https://anna.tumblr.com/post/123/x", "https://anna.tumblr.com/rss"),
        ("https://www.tumblr.com/anna", "https://anna.tumblr.com/rss"),
        ("https://www.tumblr.com/blog/view/anna", "https://anna.tumblr.com/rss"),
        ("https://anna.tumblr.com/tagged/sea", "https://anna.tumblr.com/tagged/sea/rss"),
        ("https://anna.blogspot.com/2026/11/x.html", "https://anna.blogspot.com/feeds/posts/default"),
        ("http://anna.blogspot.co.uk/search/label/sea", "http://anna.blogspot.co.uk/feeds/posts/default/-/sea"),
        ("https://dev.to/anna", "https://dev.to/feed/anna"),
        ("https://buttondown.com/anna/archive/", "https://buttondown.com/anna/rss"),
        # news and papers
        ("https://news.google.com/home?hl=en-US", "https://news.google.com/rss"),
        ("https://news.google.com/search?q=harbour&hl=en", "https://news.google.com/rss/search?q=harbour&hl=en"),
        ("https://arxiv.org/list/cs.CL/recent", "https://rss.arxiv.org/rss/cs.CL"),
        ("https://store.steampowered.com/app/420/Harbour/", "https://store.steampowered.com/feeds/news/app/420"),
    ],
)
def test_where_the_feed_of_a_pasted_address_is(pasted: str, feed: str) -> None:
    guess = understand(pasted).guess
    assert guess is not None
    assert guess.feeds[0] == feed
    assert guess.words


@pytest.mark.parametrize(
    "pasted",
    [
        f"{VIDEOS}?channel_id={CHANNEL}",
        "https://www.youtube.com/watch?v=abc",
        "https://www.reddit.com/r/worldnews/.rss",
        "https://www.reddit.com/",
        "https://social.example/@anna.rss",
        "https://social.example/@anna/110542900213",
        "https://github.com/tidepool/chart/releases.atom",
        "https://github.com/features/actions",
        "https://github.com/tidepool/chart/issues",
        "https://medium.com/feed/@anna",
        "https://anna.wordpress.com/feed/",
        "https://www.tiktok.com/@anna",
        "https://www.example.org/",
        "https://www.example.org/world/rss.xml",
        "https://youtube.com.evil.example/channel/" + CHANNEL,
        "https://evilgithub.com/tidepool/chart",
        "https://anna:secret@social.example/@anna",
        "file:///etc/passwd",
        "http://[bad",
        "",
        "https://news.example/" + "c/" * 3000,
    ],
)
def test_no_rule_takes_what_is_a_feed_already_or_no_known_kind(pasted: str) -> None:
    assert understand(pasted).guess is None


@pytest.mark.parametrize(
    ("pasted", "lookup"),
    [
        (
            "https://podcasts.apple.com/us/podcast/harbour-talk/id1234567890?i=1000654",
            "https://itunes.apple.com/lookup?id=1234567890&entity=podcast",
        ),
        ("https://itunes.apple.com/podcast/id12345", "https://itunes.apple.com/lookup?id=12345&entity=podcast"),
        ("https://www.youtube.com/@harbour/videos", "https://www.youtube.com/@harbour"),
        ("https://www.youtube.com/c/Harbour", "https://www.youtube.com/c/Harbour"),
        ("@anna@news.example", "https://news.example/.well-known/webfinger?resource=acct:anna@news.example"),
    ],
)
def test_where_the_feed_of_a_pasted_address_is_looked_up(pasted: str, lookup: str) -> None:
    guess = understand(pasted).guess
    assert guess is not None
    assert guess.lookups == (lookup,)


@pytest.mark.parametrize(
    ("pasted", "url"),
    [
        ("example.org/world", "https://example.org/world"),
        ("  <https://example.org/> ", "https://example.org/"),
        ("feed:https://example.org/f", "https://example.org/f"),
        ("feed://example.org/f", "https://example.org/f"),
        ("podcast://example.org/f.xml", "https://example.org/f.xml"),
        ("localhost:8080/f", "https://localhost:8080/f"),
        ("http://example.org/f?a=b#c", "http://example.org/f?a=b#c"),
    ],
)
def test_what_is_no_whole_address_is_completed(pasted: str, url: str) -> None:
    assert understand(pasted).url == url


def test_sites_that_offer_no_feeds_have_names() -> None:
    assert without_feeds("https://www.instagram.com/anna") == "Instagram"
    assert without_feeds("https://open.spotify.com/show/1") == "Spotify"
    assert without_feeds("https://example.org/") is None


@pytest.mark.parametrize(
    ("document", "feeds"),
    [
        (b'\n\n\n{"resultCount":1,"results":[{"kind":"podcast","feedUrl":"https://pod.example/f.xml"}]}', ["https://pod.example/f.xml"]),
        (b'{"results":[{"feedUrl":7},{"feedUrl":"file:///etc/passwd"},{"feedUrl":"/own.xml"},3]}', ["https://where.example/own.xml"]),
        (
            b'{"links":[{"rel":"self","href":"https://a.example/users/anna"},'
            b'{"rel":"http://webfinger.net/rel/profile-page","href":"https://a.example/@anna"}]}',
            ["https://a.example/@anna.rss"],
        ),
        (b'{"results":{"feedUrl":"https://pod.example/f.xml"},"links":null}', []),
        (b"[" * 100_000, []),
        (b'{"a":' * 100_000, []),
        (b'{"results":[' + b",".join(b'{"feedUrl":"https://pod.example/%d"}' % n for n in range(99)) + b"]}", 5),
        (b"Sitemap: https://where.example/news.xml", []),
        (b"", []),
    ],
)  # fmt: skip
def test_feeds_that_a_directory_names(document: bytes, feeds: list[str] | int) -> None:
    found = named_feeds(document, "https://where.example/lookup?id=1")
    assert (len(found) if isinstance(feeds, int) else list(found)) == feeds


def test_the_news_sitemaps_of_robots_txt() -> None:
    robots = b"User-agent: *\nDisallow: /x\nSitemap: https://news.example/sitemap.xml\nsitemap: https://news.example/news-sitemap.xml\n"
    robots += b"Sitemap: /arc/news-sitemap-index/?outputType=xml\nSitemap: https://news.example/newsletters.xml\n"
    found = named_feeds(robots, "https://news.example/robots.txt")
    assert found == ("https://news.example/news-sitemap.xml", "https://news.example/arc/news-sitemap-index/?outputType=xml")
