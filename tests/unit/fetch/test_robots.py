"""robots.txt by RFC 9309."""

from __future__ import annotations

import pytest

from aggregator.fetch.robots import LONGEST, allows, product_token, rules_for

AGENT = "Newsdesk/1.0 (+https://desk.example)"


def may(text: str, path: str, agent: str = AGENT) -> bool:
    return allows(rules_for(text.encode(), agent), f"https://site.example{path}")


def test_a_program_is_named_by_the_beginning_of_its_user_agent() -> None:
    assert product_token("aggregator/1.2 (+https://x.example)") == "aggregator"
    assert product_token("My-News_Bot/2") == "my-news_bot"
    assert product_token("(nameless)") == ""


@pytest.mark.parametrize(
    ("text", "path", "allowed"),
    [
        ("", "/a", True),
        ("User-agent: *\nDisallow:", "/a", True),
        ("User-agent: *\nDisallow: /", "/a", False),
        ("User-agent: *\nDisallow: /", "/robots.txt", True),
        ("user-AGENT : *\r\ndisALLOW : /a # all of it\r\n", "/a/b", False),
        ("\ufeffUser-agent: *\nDisallow: /a", "/a", False),
        ("User-agent: *\rDisallow: /a", "/a", False),
        ("Disallow: /a\nUser-agent: *\nDisallow: /b", "/a", True),
        # groups
        ("User-agent: newsdesk\nDisallow: /a\n\nUser-agent: *\nDisallow: /", "/b", True),
        ("User-agent: newsdesk\nDisallow: /a\n\nUser-agent: *\nDisallow: /", "/a", False),
        ("User-agent: NEWSDESK/7\nDisallow: /a", "/a", False),
        ("User-agent: news\nDisallow: /a", "/a", True),
        ("User-agent: newsdesk-images\nDisallow: /a", "/a", True),
        ("User-agent: other\nUser-agent: newsdesk\nDisallow: /a", "/a", False),
        ("User-agent: other\nSitemap: https://x.example/s.xml\nUser-agent: newsdesk\nDisallow: /a", "/a", False),
        ("User-agent: newsdesk\nDisallow: /a\nUser-agent: x\nDisallow: /b\nUser-agent: newsdesk\nDisallow: /c", "/c", False),
        ("User-agent: newsdesk\nDisallow: /a\nUser-agent: x\nDisallow: /b", "/b", True),
        ("User-agent: newsdesk\n\nUser-agent: *\nDisallow: /", "/a", False),
        ("User-agent: newsdesk\nDisallow:\n\nUser-agent: *\nDisallow: /", "/a", True),
        # the longest match
        ("User-agent: *\nDisallow: /a\nAllow: /a/b", "/a/b/c", True),
        ("User-agent: *\nAllow: /a\nDisallow: /a/b", "/a/b/c", False),
        ("User-agent: *\nDisallow: /a\nAllow: /a", "/a", True),
        ("User-agent: *\nAllow: /page\nDisallow: /*.html", "/page.html", False),
        # wildcards and ends
        ("User-agent: *\nDisallow: /*.php$", "/a/b.php", False),
        ("User-agent: *\nDisallow: /*.php$", "/a/b.php?x=1", True),
        ("User-agent: *\nDisallow: /a*b*c", "/aXXbYYcZZ", False),
        ("User-agent: *\nDisallow: /a*b*c", "/aXXcYYb", True),
        ("User-agent: *\nDisallow: /a*a$", "/a", True),
        ("User-agent: *\nDisallow: /*a*a$", "/xaya", False),
        ("User-agent: *\nDisallow: /a$", "/ab", True),
        ("User-agent: *\nDisallow: *", "/a", False),
        ("User-agent: *\nDisallow: /*?", "/a?b", False),
        ("User-agent: *\nDisallow: /a", "/A", True),
        # escapes
        ("User-agent: *\nDisallow: /b%61r", "/bar", False),
        ("User-agent: *\nDisallow: /żyto", "/%C5%BCyto", False),
        ("User-agent: *\nDisallow: /%c5%bcyto", "/żyto", False),
        ("User-agent: *\nDisallow: /a%2Fb", "/a/b", True),
    ],
)
def test_rules(text: str, path: str, allowed: bool) -> None:
    assert may(text, path) is allowed


def test_a_program_without_a_name_follows_the_rules_for_all() -> None:
    assert not may("User-agent: *\nDisallow: /a", "/a", "(nameless)")


def test_a_huge_document_is_read_as_far_as_the_rfc_asks() -> None:
    filler = "# nothing\n" * (LONGEST // 10)
    assert may(f"User-agent: *\n{filler}Disallow: /", "/a")
    assert not may(f"User-agent: *\nDisallow: /\n{filler}", "/a")


def test_wildcards_take_no_time() -> None:
    """With a backtracking matcher this would take years."""
    rules = f"User-agent: *\nDisallow: /{'*a' * 5_000}b$\n"
    assert may(rules * 20, "/" + "a" * 10_000)


def test_bytes_that_are_no_text_forbid_nothing() -> None:
    assert allows(rules_for(bytes(range(256)) * 100, AGENT), "https://site.example/a")


@pytest.mark.parametrize("path", ["/a/%2e%2e/private/x", "/%2E/private/x", "/a/..%2fb/%2e%2e/%2e%2e/private/x"])
def test_dots_that_are_escaped_are_no_way_around(path: str) -> None:
    """Servers read `/a/%2e%2e/private` as `/private` (RFC 3986 6.2.2.3)."""
    assert not may("User-agent: *\nDisallow: /private/", path)
    assert may("User-agent: *\nDisallow: /private/", "/private/%2e%2e/public")
