"""Writes the messages to channels: a story, several at once, an issue of a digest, or alerts, in plain words.

What outlets wrote is tamed: no headline may call the people of a chat ("@everyone").
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from hashlib import sha256

from msgspec import Struct

from aggregator.model import StoryId
from aggregator.ports import EVENTS, Delivery, Event, Notice, StoreView
from aggregator.publish import archive
from aggregator.publish.entry.addresses import home_path
from aggregator.publish.entry.excerpt import excerpt
from aggregator.publish.entry.view import View, view
from aggregator.publish.entry.wording import outlets_in_words, wording
from aggregator.publish.messages import notices
from aggregator.publish.messages.digest_text import as_text
from aggregator.publish.messages.webhooks import is_shown
from aggregator.publish.rendering import public_origins
from aggregator.settings import Channel, Output, Settings

LISTED = 20
"""Stories that one message names; of more it tells the number, and the page that shows them."""
TITLE, SUMMARY = 200, 280
"""Characters of a headline and of a summary: a message of 500 holds either, and a link."""
PLAIN_TEMPLATE = "{title}\n{outlets}\n{link}"
"""A story among others in one message."""
_FIELD = re.compile(r"\{\{|\}\}|\{(\w+)\}")
_CALLS = re.compile(r"https?://[^\s<>]+|@(?=\S)|<(?=[^\s\d=<])|\](?=\()")
"""Addresses, and what begins a mention, or a link that shows other words than its address: `<!channel>` and `<https://…|words>`
(Slack), `<users/all>` (Google Chat), `<at user_id="all">` (Feishu), `[words](https://…)` (Discord and others).
"""
_JOINER = "\u2060"
"""WORD JOINER: nobody sees it, and what it stands in is no name of a person, role or channel any more."""


class Told(Struct, frozen=True):
    """A message, and the deliveries that it stands for. The others are of no use any more."""

    notice: Notice
    deliveries: tuple[Delivery, ...]


class ChannelComposer:
    """Writes messages from current state. Called in threads."""

    def __init__(self, settings: Settings, store: StoreView) -> None:
        self._settings = settings
        self._store = store
        self._outputs = {str(output.slug): output for output in settings.outputs}
        self._origins = public_origins(settings)

    def compose(self, place: str, channel: Channel, deliveries: Sequence[Delivery]) -> Told | None:
        """One message for these deliveries; None if nothing of them is to be told any more. place: a slug, or "" for alerts."""
        if not place:
            return self._alerts(deliveries)
        output = self._outputs.get(place)
        if output is None:
            return None
        if output.digest is not None:
            return self._issue(output, deliveries)
        views = {one: shown for one in deliveries if (shown := self._story(output, one)) is not None}
        if not views:
            return None
        stories, kept = list(views.values()), tuple(views)
        if len(stories) == 1:
            return Told(self._one(output, channel, stories[0], _key(kept)), kept)
        return Told(self._several(output, channel, stories, _key(kept)), kept)

    def test(self, place: str, key: str) -> Notice:
        """A message that shows that a channel works. key: its own, since mail servers drop what came before."""
        of_what = self._outputs[place].title if place else "alerts"
        title = f"Test: {self._settings.site.title}"
        return Notice(title, f"This channel is told of: {of_what}\n{self._settings.site.url}/", key)

    # --- stories
    def _story(self, output: Output, delivery: Delivery) -> View | None:
        """The story as the feed shows it, or None if it does no longer."""
        story = self._store.story(StoryId(delivery.subject))
        if story is None or not is_shown(story) or output.slug not in self._store.members_of([story.id])[story.id]:
            return None
        return view(story, "summary", self._settings.site, self._origins, public=output.token is None)

    def _one(self, output: Output, channel: Channel, shown: View, key: str) -> Notice:
        fields = self._fields(output, shown)
        if channel.template is None:
            return Notice(fields["title"], f"{fields['outlets']}\n{fields['link']}", key, subject=fields["title"])
        return Notice("", fill(channel.template, fields), key, subject=fields["title"])

    def _several(self, output: Output, channel: Channel, shown: Sequence[View], key: str) -> Notice:
        template = channel.template or PLAIN_TEMPLATE
        parts = [fill(template, self._fields(output, one)).strip() for one in shown[:LISTED]]
        more = len(shown) - len(parts)
        title = f"{len(shown)} stories: {output.title}"
        body = "\n\n".join([*parts, *([f"and {more} more: {self._home(output)}"] if more else [])])
        return Notice(title, body, key, subject=title)

    def _fields(self, output: Output, shown: View) -> Mapping[str, str]:
        names = [shown.outlet, *(report.outlet for report in shown.also)]
        return {
            "title": tame(excerpt(shown.title, TITLE)),
            "link": _link(shown.link),
            "outlets": tame(outlets_in_words(names, wording(shown.language or self._settings.site.language))),
            "count": str(len(dict.fromkeys(names))),
            "summary": tame(excerpt(shown.summary, SUMMARY)),
            "page": _link(shown.page),
            "feed": output.title,
        }

    def _home(self, output: Output) -> str:
        return self._settings.site.url + home_path(output)

    # --- digests, alerts
    def _issue(self, output: Output, deliveries: Sequence[Delivery]) -> Told | None:
        """The newest of these issues, with a word on the others: they are in the feed."""
        wanted = {StoryId(one.subject) for one in deliveries}
        issue = archive.newest_of(self._store, output.slug, wanted)
        if issue is None:
            return None
        shown = notices.issued_digest(issue.story, issue.published, issue.json, self._settings.site)
        return Told(self._issue_notice(shown, len(wanted) - 1, _key(deliveries)), tuple(deliveries))

    def _issue_notice(self, shown: View, earlier: int, key: str) -> Notice:
        more = f"{earlier} earlier issue{'s' if earlier > 1 else ''}: {shown.link}" if earlier else ""
        body = "\n\n".join(filter(None, (shown.link, tame(as_text(shown.body)), more)))
        html = f'<p><a href="{shown.link}">{shown.link}</a></p>{shown.body}' + (f"<p>{more}</p>" if more else "")
        return Notice(shown.title, body, key, html, subject=shown.title)

    def _alerts(self, deliveries: Sequence[Delivery]) -> Told | None:
        known = {f"{event.opened:.3f} {event.key}": event for event in self._store.events(EVENTS)}
        events = {one: known[one.subject] for one in deliveries if one.subject in known}
        if not events:
            return None
        kept = tuple(events)
        told = [(tame(excerpt(_alert_title(event), TITLE)), tame(event.detail)) for event in events.values()]
        if len(told) == 1:
            title, body = told[0]
            return Told(Notice(title, body, _key(kept), subject=title), kept)
        title = f"{len(told)} alerts: {self._settings.site.title}"
        parts = [f"{first}\n{detail}" for first, detail in told[:LISTED]]
        more = len(told) - len(parts)
        body = "\n\n".join([*parts, *([f"and {more} more: {self._settings.site.url}/health.atom"] if more else [])])
        return Told(Notice(title, body, _key(kept), subject=title), kept)


def _alert_title(event: Event) -> str:
    return event.title if event.closed is None else f"Over: {event.title}"


def fill(template: str, fields: Mapping[str, str]) -> str:
    """The template with its fields. `{{` and `}}` are braces."""
    return _FIELD.sub(lambda match: fields.get(match[1], match[0]) if match[1] else match[0][0], template)


def tame(text: str) -> str:
    """The text without mentions: chats call everybody for "@everyone", "<!channel>" or a person's name."""
    return _CALLS.sub(lambda match: _link(match[0]) if "://" in match[0] else match[0] + _JOINER, text)


def _link(url: str) -> str:
    """The address without the `@` that would make `/@name` a mention."""
    return url.replace("@", "%40")


def _key(deliveries: Sequence[Delivery]) -> str:
    return sha256("\0".join(sorted(f"{one.subject} {one.version}" for one in deliveries)).encode()).hexdigest()[:32]
