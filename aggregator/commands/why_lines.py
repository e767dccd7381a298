"""What `aggregator why` collects of a story, as lines for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aggregator.commands import why_thread
from aggregator.commands.why_hooks import lines_of_hooks
from aggregator.commands.why_words import ASTRAY, KEPT_OUT, RULES, format_score, tell_matches


def lines(report: dict[str, Any], numbers: bool = False) -> Iterator[str]:
    """Yields the report as lines for people. numbers: with scores and their terms."""
    if "rejected" in report:
        yield f"{report['rejected']}\nthrown away on {report['at']} from {report['source']} by the rule: {report['rule']}"
        return
    if "stories" in report:
        yield from why_thread.lines_of_whole_thread(report)
        return
    if "title" not in report:
        yield f"{report['id']}: nothing of this story is to be seen"
        yield from _hidden_lines(report["hidden"])
        return
    if others := report.get("elsewhere"):
        yield f"this address is in {len(others) + 1} stories, of which this is the oldest; name another one by its id:"
        yield from (f"  {other['id']}  {other['title']}" for other in others)
        yield ""
    yield f"{report['title']}\n{report['id']}  published {report['published']}  updated {report['updated']}"
    if report["dropped"]:
        yield "taken down by hand"
    if report["corrected"]:
        yield f"headline corrected by hand; the lead's own: {report['lead_title']}"
    for row in report["decisions"]:
        yield f"decision {row['id']} of {row['at'][:16].replace('T', ' ')}, {row['kind']}: {row['did']}"
    shown = "lead, the entry that feeds showed until then" if report["dropped"] else "lead, the entry that feeds show"
    yield f"\n{shown}: {report['lead']['source']} ({report['lead']['reason']})"
    yield f"outlets ({len(report['outlets'])}): {', '.join(report['outlets'])}\n\nentries:"
    for item in report["items"]:
        yield from _item_lines(item, numbers)
    yield from _hidden_lines(report["hidden"])
    if report["thread"]:
        yield from why_thread.lines_of_thread(report["thread"])
    if report["pair"]:
        yield from why_thread.lines_of_pair(report["pair"])
    yield from lines_of_hooks(report["hooks"])
    yield "\ntags, and where each comes from:"
    yield from (f"  {tag['kind']}:{tag['tag']}  ({tag['reason']})" for tag in report["tags"])
    yield "\nfeeds, and what of their query the story meets or lacks:"
    yield from (f"  {'in ' if feed['in'] else 'out'}  {feed['feed']}: {feed['reason']}" for feed in report["feeds"])


def _item_lines(item: dict[str, Any], numbers: bool) -> Iterator[str]:
    """An entry: what it is, why it is in the story, and which story it did not join."""
    yield f"  {item['published']}  {item['outlet']} [{item['source']}]  {item['title']}\n    {item['url']}"
    yield f"    {item['joined']}: {RULES.get(item.get('rule', ''), item.get('rule', 'no reason is stored'))}"
    yield f"    {item['counts_for']}"
    if item["full_text"]:
        yield f"    full text: {item['full_text']}"
    if item["astray"]:
        yield f"    {ASTRAY}"
    if "partner" in item:
        yield f"    compared with {item['partner']['outlet']}: {item['partner']['title']}"
    yield from (f"      {sentence}" for sentence in item.get("because", ()))
    if numbers and item.get("terms"):
        yield f"    {format_score(item['terms'], item['score'])}"
    if "nearest" in item:
        yield f"    {_format_nearest(item['nearest'], numbers)}"


def _hidden_lines(hidden: list[dict[str, Any]]) -> Iterator[str]:
    if hidden:
        yield "\nentries taken out by a rule, which come back when it is lifted (`aggregator plan` tells, `--apply` does it):"
    for item in hidden:
        yield f"  [{item['source']}]  {item['title']}\n    {item['url']}\n    {item['rule']}"


def _format_nearest(nearest: dict[str, Any], numbers: bool) -> str:
    score = f", score {nearest['score']:+.2f}" if numbers and nearest["score"] is not None else ""
    story = f"“{nearest['title'] or 'one that is gone'}” ({nearest['story']}{score})"
    if nearest["joined_since"]:
        return f"did not join the nearest other story, but both are one story now: {story}"
    kept_out = KEPT_OUT.get(nearest["rule"], nearest["rule"]).format(matches=tell_matches(nearest["agrees"], nearest["asked"]))
    return f"did not join the nearest other story, {story}" + (f": {kept_out}" if kept_out else "")
