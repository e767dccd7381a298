"""Finds who publishes what stands at an address: the registrable domain, or on a platform the blog, channel, account or owner.

A publisher is written as a short address: `bbc.co.uk`, `anna.substack.com`, `medium.com/@anna`, `github.com/tidepool`. A page of
a platform that does not say whose it is (`youtube.com/watch`) has the platform's own domain. Never raises.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qs

from msgspec import Struct, field

from aggregator.text.canonical import uncached
from aggregator.text.suffixes import is_private
from aggregator.text.urls import registrable_domain

_KNOWN = """
    beehiiv.com sub|buttondown.com path|buttondown.email path|ghost.io sub|hashnode.dev sub|home.blog sub|medium.com @ sub=@ path|
    micro.blog sub|substack.com sub @ pub/=sub|typepad.com sub|wordpress.com sub|write.as path|blogspot.de sub|blogspot.co.uk sub|
    blogspot.fr sub|canalblog.com sub|dev.to path|hatenablog.com sub|livejournal.com sub|note.com path|over-blog.com sub|
    qiita.com path|svbtle.com sub|tumblr.com sub path=sub|weebly.com sub|zenn.dev path|mirror.xyz sub path|paragraph.com @|
    youtube.com channel/ user/ c/ @|vimeo.com path|dailymotion.com path|odysee.com @|rumble.com c/ user/|twitch.tv path|
    tiktok.com @|soundcloud.com path|bandcamp.com sub|podbean.com sub|libsyn.com sub|anchor.fm path|
    github.com path|gitlab.com path|codeberg.org path|bitbucket.org path|huggingface.co path|launchpad.net path|
    sourceforge.net projects/ p/=projects/|sr.ht ~|itch.io sub|
    bsky.app profile/|facebook.com path|instagram.com path|linkedin.com company/ in/|patreon.com path c/=path|pinterest.com path|
    t.me path s/=path|threads.net @|threads.com @|twitter.com path|x.com path|tapas.io path|
    go.com sub|reddit.com r/ user/ u/=user/|lemmy.world c/ u/|
    mastodon.social @ users/=@|mastodon.online @ users/=@|mastodon.world @ users/=@|mstdn.social @ users/=@|mas.to @ users/=@|
    fosstodon.org @ users/=@|hachyderm.io @ users/=@|infosec.exchange @ users/=@|chaos.social @ users/=@|
    techhub.social @ users/=@|universeodon.com @ users/=@|mstdn.jp @ users/=@|pawoo.net @ users/=@|pixelfed.social @ users/=@
"""
BUILT_IN: Mapping[str, str] = dict(row.split(" ", 1) for row in " ".join(_KNOWN.split()).replace("| ", "|").split("|"))
"""Platforms by domain, with the places where an address tells whose page it is.

sub: a subdomain; path: the first part of the path; `@`, `~`: a part that begins so; `r/`: the part behind that one. `pub/=sub`:
what stands there is the same publisher as under the other form.
"""
ANY_PLATFORM = "sub @ ~ users/ user/ u/ path"
"""The places for a platform that the config marks."""
AGGREGATORS = frozenset(
    ["reddit.com", "news.google.com", "news.ycombinator.com", "hnrss.org", "lobste.rs", "techmeme.com", "lemmy.world"]
)
"""Sites whose feeds pass on what others publish: sources there are `aggregator: true` unless the config says otherwise."""

_PAGES = """
    about abs account api app apps archive articles blog categories category channel d discover docs embed en events explore
    features feed feeds groups hashtag help home i index jobs latest legal live login m marketplace media new news notes orgs p
    pages playlist playlists podcast pod post posts pricing privacy public r recommended reel rss s search section security
    settings share shorts signup site sitemap sponsors static status stories story t tag tags terms top topic topics trending tv
    video videos watch
"""
_NO_NAMES = frozenset(_PAGES.split())
"""Parts of a path that are no account's name on a platform."""
_SITES = """
    www m mobile amp old new open feeds feed rss api blog about help support status news en app gist np i git
"""
_NO_BLOGS = frozenset(_SITES.split())
"""Subdomains that are no blog's name."""
_FEED_PARTS = frozenset(["feed", "feeds", "rss"])
"""Parts of a feed's address that precede the name: `medium.com/feed/@anna`."""
_FEED_ENDING = re.compile(r"\.(?:rss|atom|xml|json|rdf)$", re.I)
_NAME = re.compile(r"[@~]?[\w.@-]{1,80}")
_ACCOUNT = re.compile(r"@[\w.-]{1,60}(?:@[\w.-]{3,80})?")
_POST_ID = re.compile(r"\d{8,}")
LEAST_LABEL = 3
"""Letters of a label that another one may begin with."""
_YOUTUBE = frozenset(["youtube.com", "youtu.be", "youtube-nocookie.com"])


class Publishers(Struct, frozen=True):
    """The rules by which addresses have publishers. sites: hosts or publishers that the config names, apart from their domain."""

    platforms: Mapping[str, str] = field(default_factory=lambda: BUILT_IN)
    sites: frozenset[str] = frozenset()

    def of(self, url: str) -> str:
        """The publisher of the page at an address; "" if there is no host. A copy in an AMP cache is its original's."""
        url = uncached(url)
        domain = registrable_domain(url)
        if domain in _YOUTUBE:
            domain = "youtube.com"
        spec = self.platforms.get(domain)
        found = None
        if spec is not None:
            host = _host(url)
            found = _channel(url) if domain == "youtube.com" and "youtube.com" in host else None
            found = found or _on_platform(domain, spec, host, _parts(url))
        elif domain not in self.sites and ("/@" in url or "/users" in url):
            found = _account(_host(url), _parts(url))
        return self._named_site(url, found or domain) or found or domain

    def is_platform(self, publisher: str) -> bool:
        """True for a platform itself: its name does not tell who publishes."""
        return publisher in self.platforms

    def platform_of(self, publisher: str) -> str | None:
        """The platform that a publisher is on, where anybody may take any free name; None for a domain of its own."""
        base = registrable_domain(publisher)
        if base != publisher:
            return base if base in self.platforms or "/" in publisher else None
        suffix = base.partition(".")[2]
        return suffix if is_private(suffix) else None

    def _named_site(self, url: str, publisher: str) -> str | None:
        """The site of the config that an address's host is or lies in, if that is less than its publisher's whole domain."""
        if not self.sites or publisher in self.sites or "/" in publisher:
            return None
        labels = _host(url).split(".")
        parents = (".".join(labels[start:]) for start in range(len(labels)))
        return next((parent for parent in parents if parent in self.sites), None)


KNOWN = Publishers()
"""The rules without a config."""


def is_aggregator(url: str) -> bool:
    """True for a feed of a site that is known to pass on others' articles."""
    lowered = url.lower()
    if url.isascii() and not any(site in lowered for site in AGGREGATORS):
        return False  # most sources of a large config, told without a look at their domain
    return registrable_domain(url) in AGGREGATORS or _host(url).removeprefix("www.") in AGGREGATORS


def label_of(publisher: str) -> str:
    """The word by which a publisher is known: `bbc` of `bbc.co.uk`, `anna` of `anna.substack.com` and of `medium.com/@anna`."""
    return publisher.rpartition("/")[2].lstrip("@~") if "/" in publisher else publisher.partition(".")[0]


def counted_as(publisher: str, publishers: Publishers) -> str:
    """What a publisher is counted by. Accounts on a host that is no known platform are one: its owner can make up any number."""
    base = registrable_domain(publisher) if "/" in publisher else publisher
    return publisher if publishers.is_platform(base) else base


def are_akin(one: str, other: str) -> bool:
    """True if the label of one domain begins with that of the other and is not twice as long: `bbci.co.uk` and `bbc.co.uk`."""
    labels = sorted((label_of(one), label_of(other)), key=len)
    return len(labels[0]) >= LEAST_LABEL and labels[1].startswith(labels[0]) and len(labels[1]) < 2 * len(labels[0])


def _host(url: str) -> str:
    return url.partition("//")[2].partition("/")[0].partition("?")[0].rpartition("@")[2].partition(":")[0].lower().rstrip(".")


def _parts(url: str) -> list[str]:
    path = url.partition("//")[2].partition("/")[2].partition("?")[0].partition("#")[0]
    parts = [part for part in path.split("/")[:6] if part]
    while parts and parts[0].lower() in _FEED_PARTS:
        del parts[0]
    return [_FEED_ENDING.sub("", part) for part in parts]


def _on_platform(domain: str, spec: str, host: str, parts: list[str]) -> str | None:
    """The publisher on a platform; None if the address does not tell."""
    for place in spec.split():
        form, _, same = place.partition("=")
        if form == "sub":
            below = host.removesuffix(domain).rstrip(".").rpartition(".")[2]
            name = below if below not in _NO_BLOGS and host.endswith(domain) else ""
        elif form == "path":
            name = parts[0] if parts and _is_name(parts[0]) else ""
        elif form in ("@", "~"):
            name = parts[0] if parts and parts[0][0] == form and len(parts[0]) > 1 else ""
        else:
            name = parts[1] if len(parts) > 1 and parts[0].lower() + "/" == form else ""
        if name and _NAME.fullmatch(name):
            return _written(domain, same or form, name if form == "channel/" else name.lower())
    return None


def _is_name(part: str) -> bool:
    return part.lower() not in _NO_NAMES and not part.isdigit() and _NAME.fullmatch(part) is not None


def _written(domain: str, form: str, name: str) -> str:
    match form:
        case "sub":
            return f"{name}.{domain}"
        case "@":
            return f"{domain}/@{name.lstrip('@')}"
        case "path" | "~":
            return f"{domain}/{name}"
        case _:
            return f"{domain}/{form}{name}"


def _channel(url: str) -> str | None:
    """The channel whose feed is at an address of YouTube: by its id, its name, or the list of its uploads."""
    query = parse_qs(url.partition("?")[2].partition("#")[0])
    first = {name: values[0] for name, values in query.items() if values and _NAME.fullmatch(values[0])}
    if "channel_id" in first:
        return f"youtube.com/channel/{first['channel_id']}"
    if "playlist_id" in first:
        uploads = re.fullmatch(r"UU(?:LF|SH|LV)?([\w-]{22})", first["playlist_id"])  # the uploads of channel UC…
        return f"youtube.com/channel/UC{uploads[1]}" if uploads else f"youtube.com/playlist/{first['playlist_id']}"
    return f"youtube.com/user/{first['user'].lower()}" if "user" in first else None


def _account(host: str, parts: list[str]) -> str | None:
    """An account of the Fediverse on any host: `/@anna`, `/@anna/110542900213`, `/users/anna/statuses/110542900213`."""
    if not parts:
        return None
    host = host.removeprefix("www.")
    if _ACCOUNT.fullmatch(parts[0]) and (len(parts) == 1 or _POST_ID.fullmatch(parts[1])):
        return f"{host}/{parts[0].lower()}"
    if len(parts) > 2 and (parts[0], parts[2]) == ("users", "statuses") and _ACCOUNT.fullmatch("@" + parts[1]):
        return f"{host}/@{parts[1].lower()}"
    return None
