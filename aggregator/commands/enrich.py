"""`aggregator enrich`: tries the hooks of the config (`enrich:`)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from aggregator.commands.application import Application
    from aggregator.model import Enrichment, Fault, Story
    from aggregator.settings import Hook


@click.group()
def command() -> None:
    """Hooks: programs and addresses that tell summaries, other headlines and tags of stories."""


@command.command("test")
@click.argument("story", metavar="URL|STORY")
@click.option("--hook", "name", help="The hook, if the config has several.")
@click.option("--question", is_flag=True, help="Print what the hook would get, and ask nothing.")
@click.option("--json", "as_json", is_flag=True, help="What it told and how it would be shown, as one JSON object.")
@click.pass_obj
def try_hook(application: Application, story: str, name: str | None, question: bool, as_json: bool) -> None:
    """Ask a hook about one story, and show what it tells and how feeds would show that. Stores nothing.

    Private stories are sent to no address, unless the hook says `private: true`.
    """
    from aggregator.errors import AggregatorError
    from aggregator.model import Fault
    from aggregator.publish.messages.story_questions import StoryQuestions

    hook, found = pick_hook(application, name), _story(application, story)
    body = StoryQuestions(application.settings).write(found, hook)
    if question:
        click.echo(json.dumps(json.loads(body), ensure_ascii=False, indent=2))
        return
    _check_private(found, hook)
    answer = ask_once(application, hook, body, found)
    if isinstance(answer, Fault):
        from aggregator.text.masks import mask_text

        raise AggregatorError(f"the hook {hook.name} told nothing: {mask_text(answer.detail, application.settings.secrets)}")
    shown = _shown(application, found, answer)
    click.echo(json.dumps(shown, ensure_ascii=False, indent=2) if as_json else "\n".join(_lines(shown)))


def pick_hook(application: Application, name: str | None) -> Hook:
    """The hook of this name, or the only one. Raises UsageError."""
    from aggregator.errors import UsageError

    hooks = application.settings.enrich
    known = ", ".join(hooks) or "none: a topic, output or source must name one (`enrich:`)"
    if name is None:
        if len(hooks) != 1:
            raise UsageError(f"which hook? `--hook NAME`; there are {known}")
        return next(iter(hooks.values()))
    if name not in hooks:
        raise UsageError(f"there is no hook {name!r} in use; there are {known}")
    return hooks[name]


def _story(application: Application, named: str) -> Story:
    from aggregator.errors import UsageError

    found = application.store.story(application.story_id(named))
    if found is None or not found.items:
        raise UsageError(f"nothing of the story {named!r} is stored any more")
    return found


def _check_private(story: Story, hook: Hook) -> None:
    from aggregator.errors import UsageError

    if story.private and hook.url is not None and not hook.private:
        raise UsageError(f"the story is private, and the hook {hook.name} may not be sent such (`private: true` lets it)")


def ask_once(application: Application, hook: Hook, body: bytes, story: Story) -> Enrichment | Fault:
    """Asks the hook as the daemon would."""
    import asyncio
    import os

    from aggregator.enrich.ask import ask
    from aggregator.fetch.messenger import HttpMessenger

    async def once() -> Enrichment | Fault:
        messenger = HttpMessenger(application.settings)
        try:
            folder = application.settings.file.absolute().parent
            return await ask(hook, body, story.title, messenger, os.environ, folder)
        finally:
            await messenger.aclose()

    return asyncio.run(once())


def _shown(application: Application, story: Story, told: Enrichment) -> dict[str, Any]:
    """What the hook told, and the entry as a feed of summaries would show it."""
    from msgspec import to_builtins
    from msgspec.structs import replace

    from aggregator.publish.entry.pictures import pictures
    from aggregator.publish.entry.view import view
    from aggregator.publish.rendering import public_origins

    settings, others = application.settings, [one for one in story.enriched if one.hook != told.hook]
    enriched = replace(story, enriched=(told, *others))
    origins, shown = public_origins(settings), pictures(settings)
    seen = view(enriched, "summary", settings.site, origins, public=not story.private, pictures=shown)
    return {"told": to_builtins(told), "title": seen.title, "summary": seen.summary, "content_html": seen.in_feeds}


def _lines(shown: dict[str, Any]) -> list[str]:
    told = shown["told"]
    lines = [f"told by {told['hook']}:"]
    for name in ("title", "summary", "language"):
        if told[name]:
            lines.append(f"  {name}: {' / '.join(told[name].splitlines())}")
    if told["tags"]:
        lines.append(f"  tags: {', '.join(told['tags'])}")
    if len(lines) == 1:
        lines.append("  nothing")
    return [*lines, "", "feeds would show:", f"  {shown['title']}", f"  {shown['content_html']}"]
