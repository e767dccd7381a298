"""What of an address is a secret. One table; every place that tells an address uses the same function."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from aggregator.text import masks
from aggregator.text.masks import MASK, has_secret, mask_text, mask_url

SECRET = {
    # user and password
    "https://me:hunter2@x.example/feed": "https://x.example/feed",
    "https://token@x.example/feed": "https://x.example/feed",
    "https://me:p@ss@x.example/feed": "https://x.example/feed",
    "//me:hunter2@x.example/feed": "//x.example/feed",
    "socks5://me:hunter2@proxy.example:1080": "socks5://proxy.example:1080",
    # parameters by their name
    "https://x.example/feed?session=S": "https://x.example/feed?session=***",
    "https://x.example/f?signature=a&pass=b&passwd=c&authkey=d": "https://x.example/f?signature=***&pass=***&passwd=***&authkey=***",
    "https://x.example/f?rss_token=e&credential=f&page=2": "https://x.example/f?rss_token=***&credential=***&page=2",
    "https://x.example/f?apikey=a;api-key=b;API_KEY=c": "https://x.example/f?apikey=***;api-key=***;API_KEY=***",
    "https://x.example/f?PHPSESSID=a&rsstoken=b&authToken=c": "https://x.example/f?PHPSESSID=***&rsstoken=***&authToken=***",
    "https://x.example/f?auth[key]=a&%74oken=b": "https://x.example/f?auth[key]=***&%74oken=***",
    "https://x.example/f#access_token=a": "https://x.example/f#access_token=***",
    "https://gitlab.example/g/p.atom?feed_token=glft-abcd": "https://gitlab.example/g/p.atom?feed_token=***",
    "https://github.com/me.private.atom?token=AAAA": "https://github.com/me.private.atom?token=***",
    "https://www.patreon.com/rss/show?auth=x7Qa&show=1": "https://www.patreon.com/rss/show?auth=***&show=1",
    "https://s3.example/f?X-Amz-Credential=A&X-Amz-Signature=9&X-Amz-Expires=60": (
        "https://s3.example/f?X-Amz-Credential=***&X-Amz-Signature=***&X-Amz-Expires=60"
    ),
    # … by their form
    "https://x.example/f?u=bob&h=3f9c8e7d6b5a4c3d2e1f": "https://x.example/f?u=bob&h=***",
    "https://x.example/f?3f9c8e7d6b5a4c3d2e1f": "https://x.example/f?***",
    # … and because they are an address that has one
    "https://bridge.example/?url=https%3A%2F%2Fy.example%2F%3Ftoken%3Dabc": "https://bridge.example/?url=***",
    # parts of the path
    "https://x.example/feed/3f9c8e7d6b5a4c3d/news.atom": "https://x.example/feed/***/news.atom",
    "https://feedbin.com/starred/3f9c8e7d6b5a4c3d2e1f/atom.xml": "https://feedbin.com/starred/***/atom.xml",
    "https://hooks.slack.com/services/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": (
        "https://hooks.slack.com/services/T02AB3CDE/B04FGHJKL/***"
    ),
    "https://discord.com/api/webhooks/123456789012345678/aB3-dE5_fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5zA7bC9dE1f": (
        "https://discord.com/api/webhooks/123456789012345678/***"
    ),
    "https://api.telegram.org/bot123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11/sendMessage": (
        "https://api.telegram.org/bot123456:***/sendMessage"
    ),
    "https://calendar.google.com/calendar/ical/me%40gmail.com/private-0123456789abcdef0123456789abcdef/basic.ics": (
        "https://calendar.google.com/calendar/ical/me%40gmail.com/***/basic.ics"
    ),
    "https://api.substack.com/feed/podcast/12345/private/0f8fad5b-d9cb-469f-a165-70867728950e.rss": (
        "https://api.substack.com/feed/podcast/12345/private/***.rss"
    ),
    "https://show.supportingcast.fm/content/eyJhbGciOiJIUzI1NiJ9.rss": "https://show.supportingcast.fm/content/***.rss",
    "https://kill-the-newsletter.com/feeds/w8s9d2k1m4x7q0z3.xml": "https://kill-the-newsletter.com/feeds/***.xml",
    "https://www.instapaper.com/rss/12345/AbCdEfGhIj": "https://www.instapaper.com/rss/12345/***",
    "https://feeds.pinboard.in/rss/secret:ab12cd34/u:me/": "https://feeds.pinboard.in/rss/secret:***/u:me/",
    "https://mattermost.example/hooks/xkq7u1y8tbr5zfmw3n9jd4ahce": "https://mattermost.example/hooks/***",
    "https://x.example/feed;jsessionid=AB12/rss": "https://x.example/feed;jsessionid=***/rss",
    "https://x.example/private/x7Qa92": "https://x.example/private/***",
    "https://x.example/u/qzxkvbwplmfjtrhgdcnybs/feed": "https://x.example/u/***/feed",
}

HONEST = (
    "",
    "https://x.example",
    "http://127.0.0.1:8080/1.xml",
    "http://[::1]:8080/1.xml",
    "https://x.example/?p=123",
    "https://x.example/?id=4711&category=news&author=7&keyword=design&tag=passage&page=2&lang=de",
    "https://x.example/feed?format=atom10&limit=100",
    "https://x.example/2024/05/12/top-10-of-4k-tvs/feed/",
    "https://x.example/the-long-road-to-the-international-agreement-on-plastics-2024",
    "https://x.example/covid19/iphone15promax/feed.xml",
    "https://x.example/rechtschreibung/internationalization/feed",
    "https://x.example/private/feed.xml",
    "https://x.example/hooks/release.atom",
    "https://x.example/feed/2024-11-28T12:30:00Z",
    "https://x.example/${TOKEN}/feed?key=${KEY}",
    "https://www.youtube.com/feeds/videos.xml?channel_id=UCXuqSBlHAE6Xw-yeJA0Tunw",
    "https://feeds.megaphone.fm/GLT1412515089",
    "https://feeds.feedburner.com/NakedSecurityBlogFromSophos",
    "https://rss.nytimes.com/services/xml/rss/nyt/HomePage.xml",
    "https://www.tagesschau.de/infoservices/alle-meldungen-100~rss2.xml",
    "https://news.google.com/rss/search?q=climate+change&hl=en-US&gl=US&ceid=US:en",
    "https://www.reddit.com/r/programming/top/.rss?t=week",
    "https://x.example/index.php?option=com_content&view=category&layout=blog&Itemid=12&format=feed&type=rss",
)


@pytest.mark.parametrize("url", SECRET)
def test_a_secret_is_masked(url: str) -> None:
    assert mask_url(url) == SECRET[url]
    assert has_secret(url)
    assert mask_url(mask_url(url)) == mask_url(url)


@pytest.mark.parametrize("url", HONEST)
def test_what_is_no_secret_stays_readable(url: str) -> None:
    assert mask_url(url) == url
    assert not has_secret(url)


@pytest.mark.parametrize("url", SECRET)
@pytest.mark.parametrize(
    "sentence",
    ["redirect from https down to http refused: {}", '"{}"', "({}).", "Hop(301, 'https://a.example/', '{}')", "{}\n{}"],
)
def test_an_address_inside_a_text_is_masked_as_alone(url: str, sentence: str) -> None:
    assert mask_text(sentence.replace("{}", url)) == sentence.replace("{}", SECRET[url])


def test_a_parameter_of_an_address_without_its_host_is_masked() -> None:
    assert mask_text("bad request line: GET /feed?a=1&token=abc HTTP/1.1") == "bad request line: GET /feed?a=1&token=*** HTTP/1.1"


def test_what_was_filled_in_is_masked_wherever_it_stands() -> None:
    assert mask_text("no such user: hunter2-long, hunter2", {"hunter2", "hunter2-long"}) == f"no such user: {MASK}, {MASK}"


def test_a_text_without_addresses_stays_as_it_is() -> None:
    text = "no success for 3 d; 2 of 4 sources fail: can't write /srv/3f9c8e7d6b5a4c3d/x (a=1; b//c)"
    assert mask_text(text) == text


@given(some.text(max_size=200))
def test_any_text_can_be_masked_and_nothing_is_masked_twice(text: str) -> None:
    assert mask_url(mask_url(text)) == mask_url(text)
    mask_text(text)


KEYS = (
    some.from_regex(r"[0-9a-f]{32}", fullmatch=True),
    some.from_regex(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", fullmatch=True),
)


@given(
    some.one_of(*KEYS),
    some.sampled_from(["https://x.example/feed/{}", "https://x.example/{}/rss.xml", "https://x.example/f?x={}"]),
)
def test_digests_and_uuids_are_found_wherever_they_stand(key: str, place: str) -> None:
    if key.isdigit() or not any(letter.isdigit() for letter in key):
        return
    assert key not in mask_url(place.format(key))


@given(some.from_regex(masks._PLAIN, fullmatch=True))
@example("http://0000000A0A")
def test_the_short_way_says_what_the_long_one_says(url: str) -> None:
    assert mask_url(url + "#") == url + "#"


def test_an_address_as_long_as_a_book_takes_no_time() -> None:
    long = ("https://x.example/" + "aB3-" * 25_000, "https://x.example/?" + "a=1&" * 25_000, "//" + "@" * 100_000, "a:" * 50_000)
    began = time.process_time()
    for url in long:
        mask_url(url)
        mask_text(url)
    assert time.process_time() - began < 5.0
