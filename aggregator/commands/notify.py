"""`aggregator notify`: sends a test message to channels."""

from __future__ import annotations

import asyncio
from secrets import token_hex
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from aggregator.commands.application import Application
    from aggregator.ports import Sent
    from aggregator.settings import Channel, Settings

    Numbered = tuple[str, int, Channel]


@click.group()
def command() -> None:
    """Channels: where people are told of stories and alerts (`notify:` in the config)."""


@command.command()
@click.argument("slug", required=False)
@click.option("--channel", "number", type=click.IntRange(min=1), help="The channel with this place in its list, from 1.")
@click.pass_obj
def test(application: Application, slug: str | None, number: int | None) -> None:
    """Send one test message to each channel of the output SLUG (`alerts`: of the alerts), or of all outputs.

    Tells how each went. Exit code 1 if one failed. Limits don't count, and nothing is stored.
    """
    from aggregator.channels.addresses import check_channels
    from aggregator.errors import AggregatorError

    settings = application.settings
    chosen = _choose(settings, slug, number)
    check_channels(settings)
    outcomes = asyncio.run(_send(application, chosen))
    for (place, count, channel), sent in zip(chosen, outcomes, strict=True):
        click.echo(f"{place or 'alerts'}, channel {count} ({channel.service}): {sent.why or sent.outcome}")
    if failed := sum(sent.outcome != "sent" for sent in outcomes):
        raise AggregatorError(f"{failed} of {len(outcomes)} channels failed")


def _choose(settings: Settings, slug: str | None, number: int | None) -> list[Numbered]:
    from aggregator.errors import UsageError

    lists = {str(output.slug): output.notify for output in settings.outputs if output.notify}
    if settings.alerts_notify:
        lists[""] = settings.alerts_notify
    place = "" if slug == "alerts" and "alerts" not in lists else slug
    if not lists:
        raise UsageError('no output has a channel: `notify: ["ntfys://ntfy.sh/my-topic"]` gives it one')
    if place is not None and place not in lists:
        raise UsageError(f"{slug!r} has no channels; channels have {', '.join(sorted(name or 'alerts' for name in lists))}")
    found = [
        (name, count, channel)
        for name, channels in lists.items()
        for count, channel in enumerate(channels, 1)
        if place in (None, name) and number in (None, count)
    ]
    if not found:
        raise UsageError(f"there is no channel {number}")
    return found


async def _send(application: Application, chosen: list[Numbered]) -> list[Sent]:
    from aggregator.channels.senders import make_senders
    from aggregator.fetch.messenger import HttpMessenger
    from aggregator.publish.messages.channel_messages import ChannelComposer

    composer = ChannelComposer(application.settings, application.store)
    messenger = HttpMessenger(application.settings)
    senders = make_senders(application.settings, messenger)

    async def begin() -> None: ...

    try:
        return [await senders.send(channel.url, composer.test(place, token_hex(16)), begin) for place, _, channel in chosen]
    finally:
        await messenger.aclose()
