"""Where readers discuss, by address."""

from __future__ import annotations

import pytest

from aggregator.text.discussions import discussion_of, place_of


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://news.ycombinator.com/item?id=36345678", "Hacker News"),
        ("https://news.ycombinator.com/item?p=2&id=36345678", "Hacker News"),
        ("https://www.reddit.com/r/europe/comments/14a2b3c/nato/", "Reddit"),
        ("https://old.reddit.com/user/ines/comments/14a2b3c/nato", "Reddit"),
        ("https://lobste.rs/s/abc123/nato", "Lobsters"),
        ("https://tech.slashdot.org/story/23/06/15/nato", "Slashdot"),
        ("https://news.ycombinator.com/newsguidelines.html", None),
        ("https://news.ycombinator.com/user?id=ines", None),
        ("https://www.reddit.com/r/europe/", None),
        ("https://notlobste.rs/s/abc123", None),
        ("https://example.org/?u=https://lobste.rs/s/abc123", None),
        ("https://[half/item?id=1", None),
        (None, None),
    ],
)
def test_threads_are_called_by_their_place(url: str | None, name: str | None) -> None:
    assert place_of(url) == name


@pytest.mark.parametrize(
    ("article", "comments", "expected"),
    [
        ("https://a.example/x", "https://lobste.rs/s/abc123", ("Lobsters", "https://lobste.rs/s/abc123")),
        ("https://www.reddit.com/r/a/comments/1/x/", None, ("Reddit", "https://www.reddit.com/r/a/comments/1/x/")),
        ("https://a.example/x", "https://forum.b.example/t/1", ("b.example", "https://forum.b.example/t/1")),
        ("https://www.a.example/x", "https://blog.a.example/x#comments", None),
        (None, "https://a.example/x#comments", None),
        ("https://a.example/x", None, None),
    ],
)
def test_comments_at_the_articles_own_site_are_no_place(
    article: str | None, comments: str | None, expected: tuple[str, str] | None
) -> None:
    assert discussion_of(article, comments) == expected
