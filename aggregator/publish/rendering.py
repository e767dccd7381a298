"""Entries are rendered once for each change of their story, and kept."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from aggregator.model import Source, SourceId, Story, StoryId
from aggregator.ports import Shown
from aggregator.publish import atom, jsonfeed, pages, rss
from aggregator.publish.characters import address, plain
from aggregator.publish.view import Origin, View, view
from aggregator.settings import Output, Settings, Site

_SECRET_WORDS = ("token", "key", "secret", "password", "passwd", "pass", "auth", "sig", "signature", "session", "credential")


@dataclass(frozen=True, slots=True)
class Rendered:
    """A story in the three formats and for the feed's page. version: of the stored story that it was made from."""

    story: StoryId
    version: int
    published: int
    updated: float
    atom: bytes
    rss: bytes
    json: bytes
    html: bytes = b""
    headline: bytes = b""


def render(shown: View, site: Site, version: int = 0) -> Rendered:
    """Renders one view in every format."""
    return Rendered(
        shown.id,
        version,
        shown.published,
        shown.updated,
        atom.entry(shown),
        rss.item(shown),
        jsonfeed.item(shown),
        pages.entry(shown, site),
        pages.headline(shown),
    )


class Renderer:
    """The rendered entries, by content mode, access and story. Holds those of the documents in use."""

    def __init__(self, settings: Settings, load: Callable[[Iterable[StoryId]], list[Story]]) -> None:
        self._site = settings.site
        self._origins = public_origins(settings)
        self._load = load
        self._kept: dict[tuple[str, bool], dict[StoryId, Rendered]] = {}

    def entries(self, members: Sequence[Shown], output: Output) -> list[Rendered]:
        """The members' entries in their order; those that changed are loaded and rendered, the others are there."""
        public = output.token is None
        kept = self._kept.setdefault((output.content, public), {})
        wanted = {
            member.story: member.version
            for member in members
            if (found := kept.get(member.story)) is None or found.version != member.version
        }
        for story in self._load(wanted) if wanted else ():
            shown = view(story, output.content, self._site, self._origins, public=public)
            kept[story.id] = render(shown, self._site, wanted[story.id])
        return [kept[member.story] for member in members if member.story in kept]

    def __len__(self) -> int:
        """How many entries are kept."""
        return sum(map(len, self._kept.values()))

    def forget_all_but(self, stories: Collection[StoryId]) -> None:
        """Drops what is in no document any more."""
        self._kept = {mode: {story: one for story, one in kept.items() if story in stories} for mode, kept in self._kept.items()}


class PublicOrigins(Mapping[SourceId, Origin]):
    """What may be said of each configured source: its title and its address, unless that carries a secret.

    Made of each source when it is first asked for: a feed's stories come from few of thousands.
    """

    def __init__(self, sources: Iterable[Source]) -> None:
        self._sources = {source.id: source for source in sources}
        self._made: dict[SourceId, Origin | None] = {}

    def __getitem__(self, source: SourceId) -> Origin:
        if source not in self._made:
            self._made[source] = _origin(self._sources[source])
        if (made := self._made[source]) is None:
            raise KeyError(source)
        return made

    def __iter__(self) -> Iterator[SourceId]:
        return (source for source in self._sources if source in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def public_origins(settings: Settings) -> Mapping[SourceId, Origin]:
    """`PublicOrigins` of a config."""
    return PublicOrigins(settings.sources)


def _origin(source: Source) -> Origin | None:
    url = address(source.url)
    if url is None or source.shown not in ("", source.url) or _has_secret(url):
        return None
    return Origin(plain(source.title or source.outlet or ""), url)


def _has_secret(url: str) -> bool:
    """Whether a query parameter is named like a credential."""
    names = (name.lower() for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True))
    return any(word in name for name in names for word in _SECRET_WORDS)
