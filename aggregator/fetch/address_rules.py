"""Where the feed of a well-known kind of address is: channels, subreddits, accounts, repositories, podcasts, blogs.

Rules are rows of a table: hosts, path, words for a person, where the feed is. They only propose addresses: a request tells
whether a feed is there. If none is, what the page itself names is looked at.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import urlsplit

from msgspec import Struct

from aggregator.text.urls import resolve

_ANY = r"[^/]+"
"""Any host. Rules for it come last: the form of the path alone tells, so they may be wrong."""
_LONGEST = 2_000
"""Characters of an address that is looked at."""
_FEED_ENDING = re.compile(r"(?:\.(?:rss|atom|xml|rdf)|/(?:rss|feed|atom))/?$", re.I)

_FEED_WORD = re.compile(r"\b(?:rss\d*|atom|feeds?|xml|rdf|json)\b", re.I)
"""Words in the path or query of nearly every feed. What has none, on a site that is known, is a page."""


class Guess(Struct, frozen=True):
    """Where feeds of an address should be. feeds: best first; lookups: documents that name the feed; words: what it is."""

    words: str
    feeds: tuple[str, ...] = ()
    lookups: tuple[str, ...] = ()


class Rule(NamedTuple):
    """hosts, path: patterns of the whole host (without `www.` and `m.`) and the whole path (without a final slash).

    feeds, lookups: templates separated by blanks, with the path's groups as `{1}` and the address's `{origin}`.
    A path pattern with `\\?` is matched against path and query.
    """

    hosts: str
    path: str
    words: str
    feeds: str = ""
    lookups: str = ""


_YOUTUBE = r"(?:music\.)?youtube\.com"
_YOUTUBE_FEED = "https://www.youtube.com/feeds/videos.xml"
_GITHUB_PAGES = (
    "about|apps|collections|enterprise|explore|features|issues|login|marketplace|new|notifications|orgs|pricing|pulls|search|"
    "settings|site|sponsors|topics|trending"
)
_GITHUB_NO_OWNER = rf"(?!(?:{_GITHUB_PAGES})(?:/|$))"
_REPOSITORY = rf"/{_GITHUB_NO_OWNER}([\w.-]+)/([\w.-]+?)(?:\.git)?"
_REDDIT = r"(?:(?:old|new|np|i|sh)\.)?reddit\.com"
_STACK = (
    r"(?:[a-z]{2}\.)?stackoverflow\.com|serverfault\.com|superuser\.com|askubuntu\.com|mathoverflow\.net|stackapps\.com|"
    r"(?:[\w-]+\.)+stackexchange\.com"
)
_BLOGSPOT = r"[\w-]+\.blogspot\.(?:com|de|fr|co\.uk|[a-z]{2}|com\.[a-z]{2})"
_MEDIUM_PAGES = r"(?!(?:m|me|tag|topic|topics|search|about|feed|membership|plans)(?:/|$))"
_VIMEO_PAGES = r"(?!(?:channels|groups|categories|watch|search|features|upgrade|about|manage|ondemand|blog)(?:/|$))"

RULES: tuple[Rule, ...] = (
    # --- video and sound
    Rule(_YOUTUBE, r"/channel/(UC[\w-]{22})(?:/.*)?", "YouTube channel", f"{_YOUTUBE_FEED}?channel_id={{1}}"),
    Rule(_YOUTUBE, r"/user/([\w.-]+)(?:/.*)?", "YouTube user", f"{_YOUTUBE_FEED}?user={{1}}"),
    Rule(_YOUTUBE, r"/playlist\?(?:.*&)?list=([\w-]+).*", "YouTube playlist", f"{_YOUTUBE_FEED}?playlist_id={{1}}"),
    Rule(_YOUTUBE, r"/((?:@|c/)[^/]+)(?:/.*)?", "YouTube channel", "", "https://www.youtube.com/{1}"),
    Rule(r"vimeo\.com", r"/channels/([\w-]+)", "Vimeo channel", "https://vimeo.com/channels/{1}/videos/rss"),
    Rule(r"vimeo\.com", rf"/{_VIMEO_PAGES}([A-Za-z][\w-]*)", "Vimeo account", "https://vimeo.com/{1}/videos/rss"),
    Rule(r"odysee\.com", r"/(@[^/]+)", "Odysee channel", "https://odysee.com/$/rss/{1}"),
    Rule(
        r"(?:podcasts|itunes)\.apple\.com",
        r"/(?:[a-z]{2}/)?podcast/(?:[^/]+/)?id(\d+)",
        "Apple Podcasts",
        "",
        "https://itunes.apple.com/lookup?id={1}&entity=podcast",
    ),
    # --- forums
    Rule(_REDDIT, r"/r/([\w+-]+)/comments/(\w+)(?:/.*)?", "comments on Reddit", "https://www.reddit.com/r/{1}/comments/{2}/.rss"),
    Rule(_REDDIT, r"/r/([\w+-]+)/(new|top|hot|rising|controversial)", "subreddit", "https://www.reddit.com/r/{1}/{2}/.rss"),
    Rule(_REDDIT, r"/r/([\w+-]+)(?:/about)?", "subreddit", "https://www.reddit.com/r/{1}/.rss"),
    Rule(_REDDIT, r"/u(?:ser)?/([\w-]+)/m/(\w+)", "Reddit multireddit", "https://www.reddit.com/user/{1}/m/{2}/.rss"),
    Rule(
        _REDDIT,
        r"/u(?:ser)?/([\w-]+)(?:/(?:submitted|comments|overview))?",
        "Reddit user",
        "https://www.reddit.com/user/{1}/.rss",
    ),
    Rule(r"news\.ycombinator\.com", r"(?:/(?:news|front))?", "Hacker News", "https://news.ycombinator.com/rss"),
    Rule(
        r"news\.ycombinator\.com",
        r"/(newest|best|ask|show|jobs|bestcomments)",
        "Hacker News, by hnrss.org, which is a third party",
        "https://hnrss.org/{1}",
    ),
    Rule(
        r"news\.ycombinator\.com",
        r"/(?:user|submitted|threads)\?id=([\w-]+)",
        "Hacker News user, by hnrss.org, which is a third party",
        "https://hnrss.org/submitted?id={1}",
    ),
    Rule(r"lobste\.rs", r"", "Lobsters", "https://lobste.rs/rss"),
    Rule(r"lobste\.rs", r"/t/([\w,.+-]+)", "Lobsters tag", "https://lobste.rs/t/{1}.rss"),
    Rule(_STACK, r"/questions/tagged/([^/]+)", "questions with a tag", "{origin}/feeds/tag/{1}"),
    Rule(_STACK, r"/questions/(\d+)(?:/.*)?", "question and its answers", "{origin}/feeds/question/{1}"),
    Rule(_STACK, r"/users/(\d+)(?:/.*)?", "user's posts", "{origin}/feeds/user/{1}"),
    Rule(_STACK, r"(?:/questions)?", "new questions", "{origin}/feeds"),
    # --- accounts
    Rule(r"bsky\.app", r"/profile/([^/]+)(?:/.*)?", "Bluesky profile", "https://bsky.app/profile/{1}/rss"),
    # --- code
    Rule(r"github\.com", r"/orgs/([\w-]+)/discussions(?:/.*)?", "GitHub discussions", "https://github.com/orgs/{1}/discussions.atom"),
    Rule(r"github\.com", rf"{_REPOSITORY}/releases(?:/.*)?", "GitHub releases", "https://github.com/{1}/{2}/releases.atom"),
    Rule(r"github\.com", rf"{_REPOSITORY}/tags", "GitHub tags", "https://github.com/{1}/{2}/tags.atom"),
    Rule(r"github\.com", rf"{_REPOSITORY}/commits", "GitHub commits", "https://github.com/{1}/{2}/commits.atom"),
    Rule(
        r"github\.com",
        rf"{_REPOSITORY}/(?:commits|tree|blob)/(.+)",
        "GitHub commits",
        "https://github.com/{1}/{2}/commits/{3}.atom",
    ),
    Rule(r"github\.com", rf"{_REPOSITORY}/discussions", "GitHub discussions", "https://github.com/{1}/{2}/discussions.atom"),
    Rule(r"github\.com", rf"{_REPOSITORY}/wiki(?:/.*)?", "GitHub wiki", "https://github.com/{1}/{2}/wiki.atom"),
    Rule(
        r"github\.com",
        _REPOSITORY,
        "GitHub repository: releases, else tags, else commits",
        "https://github.com/{1}/{2}/releases.atom https://github.com/{1}/{2}/tags.atom https://github.com/{1}/{2}/commits.atom",
    ),
    Rule(r"github\.com", rf"/{_GITHUB_NO_OWNER}([\w-]+)", "GitHub account", "https://github.com/{1}.atom"),
    Rule(
        r"gitlab\.com",
        r"/((?!explore|help|users)[\w.-]+(?:/[\w.-]+)+?)(?:/-/(?:releases|tags|tree|commits).*)?",
        "GitLab project: releases, else tags",
        "https://gitlab.com/{1}/-/releases.atom https://gitlab.com/{1}/-/tags?format=atom",
    ),
    Rule(
        r"codeberg\.org",
        r"/((?!explore|user)[\w.-]+/[\w.-]+?)(?:\.git|/releases.*|/tags)?",
        "Codeberg repository: releases, else tags",
        "https://codeberg.org/{1}/releases.rss https://codeberg.org/{1}/tags.rss",
    ),
    Rule(r"pypi\.org", r"/project/([\w.-]+)(?:/.*)?", "PyPI releases", "https://pypi.org/rss/project/{1}/releases.xml"),
    # --- blogs
    Rule(r"medium\.com", r"/tag/([^/]+)(?:/.*)?", "Medium tag", "https://medium.com/feed/tag/{1}"),
    Rule(r"medium\.com", rf"/{_MEDIUM_PAGES}(@?[\w.-]+)(?:/.*)?", "Medium", "https://medium.com/feed/{1}"),
    Rule(r"(?!www)[\w-]+\.medium\.com", r"(?:/.*)?", "Medium", "{origin}/feed"),
    Rule(r"substack\.com", r"/@([\w-]+)(?:/.*)?", "Substack", "https://{1}.substack.com/feed"),
    Rule(r"(?!open)[\w-]+\.substack\.com", r"(?:/.*)?", "Substack", "{origin}/feed"),
    Rule(r"[\w-]+\.wordpress\.com", r"/((?:category|tag|author)/.+)", "WordPress blog", "{origin}/{1}/feed/"),
    Rule(r"[\w-]+\.wordpress\.com", r"(?:/.*)?", "WordPress blog", "{origin}/feed/"),
    Rule(r"tumblr\.com", r"/(?:blog/(?:view/)?)?([\w-]+)(?:/\d+.*)?", "Tumblr blog", "https://{1}.tumblr.com/rss"),
    Rule(r"[\w-]+\.tumblr\.com", r"/tagged/([^/]+)", "Tumblr tag", "{origin}/tagged/{1}/rss"),
    Rule(r"[\w-]+\.tumblr\.com", r"(?:/.*)?", "Tumblr blog", "{origin}/rss"),
    Rule(_BLOGSPOT, r"/search/label/([^/]+)", "Blogger label", "{origin}/feeds/posts/default/-/{1}"),
    Rule(_BLOGSPOT, r"(?:/.*)?", "Blogger blog", "{origin}/feeds/posts/default"),
    Rule(r"dev\.to", r"/t/([\w-]+)", "DEV tag", "https://dev.to/feed/tag/{1}"),
    Rule(r"dev\.to", r"/([\w-]+)(?:/.*)?", "DEV account", "https://dev.to/feed/{1}"),
    Rule(r"buttondown\.(?:com|email)", r"/([\w-]+)(?:/archive.*)?", "Buttondown newsletter", "https://buttondown.com/{1}/rss"),
    # --- news and papers
    Rule(r"news\.google\.com", r"(?:/home)?(?:\?.*)?", "Google News", "https://news.google.com/rss"),
    Rule(r"news\.google\.com", r"/((?:topics|search|publications)\b[^?]*(?:\?.*)?)", "Google News", "https://news.google.com/rss/{1}"),
    Rule(r"arxiv\.org", r"/list/([\w.-]+)(?:/.*)?", "arXiv listing", "https://rss.arxiv.org/rss/{1}"),
    Rule(
        r"store\.steampowered\.com", r"/app/(\d+)(?:/.*)?", "Steam news", "https://store.steampowered.com/feeds/news/app/{1}"
    ),
)  # fmt: skip
"""Rules for sites by name, the more special first."""

ANY_SITE: tuple[Rule, ...] = (
    Rule(_ANY, r"/@([\w.-]+)@([\w-]+(?:\.[\w-]+)+)", "Fediverse account", "https://{2}/@{1}.rss"),
    Rule(_ANY, r"/@([\w.-]+)", "Fediverse account", "{origin}/@{1}.rss"),
    Rule(_ANY, r"/users/([\w.-]+)", "Fediverse account", "{origin}/users/{1}.rss"),
    Rule(_ANY, r"/tags/([^/]+)", "Fediverse tag", "{origin}/tags/{1}.rss"),
    Rule(_ANY, r"/c/(\w+)@([\w-]+(?:\.[\w-]+)+)", "Lemmy community",
        "{origin}/feeds/c/{1}@{2}.xml?sort=New https://{2}/feeds/c/{1}.xml?sort=New"),
    Rule(_ANY, r"/c/(\w+)", "Lemmy community", "{origin}/feeds/c/{1}.xml?sort=New"),
    Rule(
        _ANY, r"/c/([\w.-]+)/videos", "PeerTube channel", "{origin}/feeds/videos.xml?videoChannelName={1}"
    ),
    Rule(_ANY, r"/a/([\w.-]+)/(?:videos|video-channels)", "PeerTube account", "{origin}/feeds/videos.xml?accountName={1}"),
    Rule(_ANY, r"/u/(\w+)", "Lemmy user", "{origin}/feeds/u/{1}.xml?sort=New"),
)  # fmt: skip
"""Rules for software that runs on hosts of any name."""

WITHOUT_FEEDS: dict[str, str] = {
    "x.com": "X",
    "twitter.com": "X",
    "instagram.com": "Instagram",
    "facebook.com": "Facebook",
    "tiktok.com": "TikTok",
    "threads.net": "Threads",
    "threads.com": "Threads",
    "linkedin.com": "LinkedIn",
    "open.spotify.com": "Spotify",
}
"""Sites that offer no feeds, by host without `www.` and `m.`: no address rule can help."""

_SCHEMES = re.compile(r"(?:feed|podcast|itpc|pcast|rss):(?://)?(?=\S)", re.I)
"""Schemes that readers registered. `feed:https://…` holds a whole address, `feed://…` one without its scheme."""
_ACCOUNT = re.compile(r"@([\w.-]+)@((?:[\w-]+\.)+[\w-]+)")
_COMMUNITY = re.compile(r"!(\w+)@((?:[\w-]+\.)+[\w-]+)")
_BLUESKY = re.compile(r"@([\w-]+\.bsky\.social)")
_SUBREDDIT = re.compile(r"/?(r|u|user)/([\w+-]+)/?")


class Pasted(Struct, frozen=True):
    """What a person pasted: its address, and where its feed should be, if a rule tells."""

    url: str
    guess: Guess | None = None


def understand(text: str) -> Pasted:
    """The address of a pasted text. Accounts (`@anna@social.example`), `r/news`, and `feed:` addresses are understood."""
    text = text.strip().strip("<>\"'").strip()
    if account := _ACCOUNT.fullmatch(text):
        name, host = account.groups()
        found = f"https://{host}/.well-known/webfinger?resource=acct:{name}@{host}"
        return Pasted(f"https://{host}/@{name}", Guess("Fediverse account", (f"https://{host}/@{name}.rss",), (found,)))
    if bluesky := _BLUESKY.fullmatch(text):
        text = f"https://bsky.app/profile/{bluesky[1]}"
    elif community := _COMMUNITY.fullmatch(text):
        text = f"https://{community[2]}/c/{community[1]}"
    elif reddit := _SUBREDDIT.fullmatch(text):
        text = f"https://www.reddit.com/{'r' if reddit[1] == 'r' else 'user'}/{reddit[2]}"
    elif scheme := _SCHEMES.match(text):
        text = text[scheme.end() :]
    url = text if "://" in text else f"https://{text}"
    return Pasted(url, guess_feeds(url))


def guess_feeds(url: str, *, any_site: bool = True) -> Guess | None:
    """Where the feed of an address should be; None if no rule tells. any_site: also by rules for hosts of any name."""
    whole = resolve(None, url)
    if whole is None or len(whole) > _LONGEST:
        return None
    parts = urlsplit(whole)
    path = parts.path.rstrip("/")
    if _FEED_ENDING.search(path):
        return None
    host = re.sub(r"^(?:www|m|mobile)\.", "", parts.hostname or "")
    for rule in (*RULES, *(ANY_SITE if any_site and host not in WITHOUT_FEEDS else ())):
        asked = f"{path}?{parts.query}" if r"\?" in rule.path and parts.query else path
        found = re.fullmatch(rule.path, asked) if re.fullmatch(rule.hosts, host) else None
        if found is not None:
            return _fill_in(rule, found, f"{parts.scheme}://{parts.netloc}")
    return None


def _fill_in(rule: Rule, found: re.Match[str], origin: str) -> Guess:
    groups = [found.group(), *(group or "" for group in found.groups())]
    feeds, lookups = (
        tuple(one.format(*groups, origin=origin) for one in templates.split()) for templates in (rule.feeds, rule.lookups)
    )
    return Guess(rule.words, feeds, lookups)


def why_no_feed(url: str) -> str | None:
    """Why an address is surely a page and no feed, as far as it shows that itself, and where its feed is; else None."""
    if _FEED_WORD.search(url.partition("://")[2].partition("/")[2]):
        return None
    if (site := without_feeds(url)) is not None:
        return f"{site} offers no feeds"
    guess = guess_feeds(url, any_site=False)
    if guess is None:
        return None
    feed = f"its feed should be at {guess.feeds[0]}" if guess.feeds else "`aggregator add` finds its feed"
    return f"a page ({guess.words}), no feed; {feed}"


def without_feeds(url: str) -> str | None:
    """The name of the site that an address is at, if that site is known to offer no feeds."""
    host = re.sub(r"^(?:www|m|mobile)\.", "", (urlsplit(resolve(None, url) or "").hostname or ""))
    return WITHOUT_FEEDS.get(host)
