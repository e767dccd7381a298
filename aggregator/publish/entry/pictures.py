"""Which pictures are published: none with `publish.images: off`, and none whose address gives a secret away."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from urllib.parse import unquote

from msgspec import Struct, field

from aggregator.model import Item, Source, SourceId, Story
from aggregator.model.pictures import pictures_of
from aggregator.publish.entry import characters
from aggregator.settings import Settings
from aggregator.text.html import unescape
from aggregator.text.masks import has_secret_query, secret_parts
from aggregator.text.pictures import images_in, without_images

SHORTEST_SECRET = 6
"""Characters. A shorter one occurs in many addresses by chance."""
_IMAGE = re.compile(r'<img src="([^"]*)"[^<>]*>')
_POSTER = re.compile(r' poster="([^"]*)"')


class Image(Struct, frozen=True):
    """A story's picture. width, height: in pixels, None if unknown; outlet: whose it is, if it isn't the lead's outlet's."""

    url: str
    width: int | None = None
    height: int | None = None
    outlet: str | None = None

    @property
    def size(self) -> dict[str, str]:
        """What is known of it as attributes."""
        sides = {"width": self.width, "height": self.height}
        return {name: str(side) for name, side in sides.items() if side}


class Pictures(Struct, frozen=True):
    """link: False for none at all. secrets: as in `Settings`; sources: of the config, whose addresses may hold secrets."""

    link: bool = True
    secrets: frozenset[str] = frozenset()
    sources: Mapping[SourceId, Source] = field(default_factory=dict)

    def of(self, story: Story) -> Image | None:
        """The picture that the story is published with."""
        if not self.link:
            return None
        for found in pictures_of(story):
            url = characters.address(found.picture.url)
            if url is not None and self._guard(found.item).allows(url):
                item, lead = found.item, story.lead_item
                outlet = None if item.outlet_key == lead.outlet_key else characters.plain(item.outlet) or None
                return Image(url, found.picture.width, found.picture.height, outlet)
        return None

    def in_text(self, cleaned: str, item: Item) -> str:
        """Cleaned HTML with those of its images that may be published."""
        if "<img" not in cleaned and "<video" not in cleaned:
            return cleaned
        if not self.link:
            return _POSTER.sub("", without_images(cleaned))
        guard = self._guard(item)
        if not guard.strict and not guard.finds_secret(unescape(cleaned)):
            return cleaned

        def kept(found: re.Match[str]) -> str:
            return found[0] if guard.allows(unescape(found[1])) else ""

        return _POSTER.sub(kept, _IMAGE.sub(kept, cleaned))

    def may_link(self, url: str, item: Item) -> bool:
        """Whether the address of another picture of an item, such as a person's, may be published."""
        return self.link and self._guard(item).allows(url)

    def _guard(self, item: Item) -> _Guard:
        source = self.sources.get(item.source)
        own = _secrets_of(source) if source is not None else frozenset[str]()
        told = (secret for secret in self.secrets | own if len(secret) >= SHORTEST_SECRET)
        return _Guard(tuple(told), strict=bool(own) or item.private)


class _Guard(Struct, frozen=True):
    """What an address may not give away. strict: the source is private, or read with a secret; then no query may hold any."""

    secrets: tuple[str, ...]
    strict: bool

    def allows(self, url: str) -> bool:
        return not self.finds_secret(url) and not (self.strict and has_secret_query(url))

    def finds_secret(self, text: str) -> bool:
        """True if one of the secrets is in a text, as it is or percent-encoded."""
        decoded = unquote(text) if "%" in text else text
        return any(secret in text or secret in decoded for secret in self.secrets)


def pictures(settings: Settings) -> Pictures:
    """The `Pictures` of a config."""
    link = settings.publish.images == "link"
    return Pictures(link, settings.secrets, settings.sources_by_id)


def _secrets_of(source: Source) -> frozenset[str]:
    """What a source's address and headers hold that nobody else is to know."""
    values = [word for _, value in source.headers for word in value.split()]
    return secret_parts(source.url) | frozenset(word for word in values if len(word) >= 2 * SHORTEST_SECRET)


def figure(image: Image | None, body: str) -> str:
    """The picture as HTML to stand before a text that shows none: many readers know no Media RSS. Another outlet's is signed."""
    if image is None or next(images_in(body), None) is not None:
        return ""
    size = "".join(f' {name}="{side}"' for name, side in image.size.items())
    signed = f"<br><small>{html.escape(image.outlet, quote=False)}</small>" if image.outlet else ""
    return f'<p><img src="{html.escape(image.url)}" alt=""{size}>{signed}</p>'
