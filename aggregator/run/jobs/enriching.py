"""Asks hooks (`enrich:`) about stories, beside everything else: a hook that hangs holds up nothing but itself."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Callable
from itertools import count

import structlog
from msgspec.structs import replace

from aggregator.enrich.ask import ask
from aggregator.enrich.attempts import begin, conclude, give_up
from aggregator.model import Enrichment, Fault, Slug, Story, StoryId
from aggregator.ports import Asking, Job, Transaction
from aggregator.publish.messages.story_questions import StoryQuestions
from aggregator.run.runtime import CurrentRuntime, Runtime
from aggregator.settings import Hook
from aggregator.stories.curate import Curator
from aggregator.text.masks import mask_text

log = structlog.get_logger("enriching")

LOOK = 2.0
"""Seconds between two looks at what is due."""
AT_ONCE = 4
PER_HOOK = 2
"""Questions under way: in all, and to one hook."""
MINUTE = 60.0


class Enriching:
    """mark_changed: called with the feeds that an answer changed; record: with the hook, and "used" or "failed"."""

    def __init__(
        self, current: CurrentRuntime, mark_changed: Callable[[frozenset[Slug]], None], record: Callable[[str, str], None]
    ) -> None:
        self._current = current
        self._mark_changed = mark_changed
        self._record = record
        self._under_way: dict[tuple[str, StoryId], asyncio.Task[None]] = {}
        self._asked: dict[str, int] = {}
        """Hook → the number of the question that it was asked last."""
        self._numbers = count(1)

    def jobs(self) -> list[Job]:
        return [Job("enrich", LOOK, self.ask_due)]

    async def ask_due(self) -> None:
        """Starts asking about stories that are due, within the limits; does not wait for answers."""
        runtime = self._current.runtime
        hooks = runtime.settings.enrich.values()
        for hook in sorted(hooks, key=lambda hook: self._asked.get(hook.name, 0)):  # else two that hang would always be first
            if len(self._under_way) >= AT_ONCE:
                return
            self._start_due(runtime, hook)

    async def finish(self) -> None:
        """Asks about all that are due, and waits: for a poll without a daemon. The rate holds, so some may be left."""
        await self.ask_due()
        while self._under_way:
            await asyncio.gather(*self._under_way.values(), return_exceptions=True)
            await self.ask_due()

    def _start_due(self, runtime: Runtime, hook: Hook) -> None:
        now = runtime.clock.now()
        running = Counter(name for name, _ in self._under_way)
        asked = runtime.store.asked_since(hook.name, now - MINUTE)
        free = min(AT_ONCE - len(self._under_way), PER_HOOK - running[hook.name], hook.rate - asked)
        if free <= 0:
            return
        due = runtime.store.due_askings(hook.name, now, free + PER_HOOK)
        for one in [one for one in due if (hook.name, one.story) not in self._under_way][:free]:
            key = hook.name, one.story
            self._asked[hook.name] = next(self._numbers)
            self._under_way[key] = task = asyncio.create_task(self._ask(runtime, hook, one))
            task.add_done_callback(lambda done, key=key: self._ended(key, done))  # type: ignore[misc]

    def _ended(self, key: tuple[str, StoryId], done: asyncio.Task[None]) -> None:
        del self._under_way[key]
        if not done.cancelled() and (error := done.exception()) is not None:
            log.error("enrich_crashed", hook=key[0], story=key[1], error=repr(error), exc_info=error)

    async def _ask(self, runtime: Runtime, hook: Hook, due: Asking) -> None:
        """Asks about one story. That it is asked is stored before, so that what crashes the machine is not asked for ever."""
        story = runtime.store.story(due.story)
        began = await runtime.writer.commit(lambda transaction: _begin(transaction, runtime, hook, due, story))
        if began is None or story is None:
            return
        body = await asyncio.to_thread(StoryQuestions(runtime.settings).write, story, hook)
        folder = runtime.settings.file.absolute().parent
        answer = await ask(hook, body, story.title, runtime.messenger, os.environ, folder)
        if isinstance(answer, Fault):
            answer = replace(answer, detail=mask_text(answer.detail, runtime.settings.secrets))
            log.warning("enrich_failed", hook=hook.name, story=story.id, attempt=began.attempts, error=answer.detail)
        else:
            log.info("enriched", hook=hook.name, story=story.id)
        self._record(hook.name, "failed" if isinstance(answer, Fault) else "used")
        is_private = story.private
        store = self._current.runtime.writer.commit
        self._mark_changed(await store(lambda transaction: self._conclude(transaction, began, answer, is_private)))

    def _conclude(self, transaction: Transaction, asked: Asking, answer: Enrichment | Fault, is_private: bool) -> frozenset[Slug]:
        """Stores the answer, and refreshes the story with it, under the config in use now."""
        runtime, now = self._current.runtime, self._current.runtime.clock.now()
        known = next((one for one in transaction.askings([asked.story]) if one.hook == asked.hook), None)
        if known is None or asked.hook not in runtime.settings.enrich:
            return frozenset()  # the story, or the hook, is gone meanwhile
        transaction.save_asking(conclude(known, asked, answer, private=is_private, now=now))
        curator = Curator(runtime.rules, transaction.outputs(), runtime.settings.publish.settle, now)
        return frozenset(curator.refresh(transaction, [asked.story]))

    async def drain(self) -> None:
        """Ends what is under way; it is asked again after the next start."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _begin(transaction: Transaction, runtime: Runtime, hook: Hook, due: Asking, story: Story | None) -> Asking | None:
    """Stores that the hook is asked, or that it is not to be asked any more; returns None then."""
    known = next((one for one in transaction.askings([due.story]) if one.hook == hook.name), None)
    if known is None or known.due is None:
        return None
    began = begin(known, hook, runtime.clock.now()) if story is not None and _may_be_asked(story, hook) else None
    transaction.save_asking(began or give_up(known, None))
    return began


def _may_be_asked(story: Story, hook: Hook) -> bool:
    """False for a story that is gone, merged into another one, taken down, or turned private since it was put in line."""
    if story.dropped or not story.items:  # a merged one has none
        return False
    return not story.private or hook.url is None or hook.private
