"""Channels in the config: what is right, and what is told of what is wrong, at its place."""

from __future__ import annotations

import pytest

from aggregator.settings import Channel, Rate
from tests.unit.config.conftest import Loader
from tests.unit.config.test_problems import Problems

SOURCE = 'sources: ["https://a.example/feed"]\n'
MARK = "¦"
WRONG = [
    ("{slug: d, notify: [{url: 'ntfy://h/t', template: 'a ¦{titel}'}]}", "did you mean `{title}`?"),
    ("{slug: d, notify: [{url: 'ntfy://h/t', template: 'a ¦{0.__class__}'}]}", "known are `{title}`"),
    ("{slug: d, notify: [{url: 'ntfy://h/t', template: '{title} ¦} b'}]}", "write `}}`"),
    ("{slug: d, notify: [{url: 'ntfy://h/t', template: '{title} ¦{ b'}]}", "write `{{`"),
    ("{slug: d, notify: [{url: 'ntfy://h/t', template: '¦{title'}]}", "this `{` is not closed; known are `{title}`"),
    ("{slug: d, notify: [{url: 'ntfy://h/t', limit: ¦10}]}", "10/h"),
    ("{slug: d, notify: [{url: 'ntfy://h/t', limit: ¦0/h}]}", "10/h"),
    ("{slug: d, notify: [{url: 'ntfy://h/t', limit: ¦10/w}]}", "10/h"),
    ("{slug: d, notify: [{url: 'ntfy://h/t', when: '¦age<1d'}]}", "age"),
    ("{slug: d, notify: ['ntfy://h/t', ¦'ntfy://h/t']}", "given already in line 3"),
    ("{slug: d, notify: ¦'ntfy://h/t'}", "must be a list"),
    ("{slug: d, notify: [¦harbour]}", "a channel is an Apprise address"),
    ("{slug: d, notify: [¦'ntfy://h/a b']}", "a blank"),
    ("{slug: d, notify: [¦{when: 'outlets>=2'}]}", "url"),
    ("{slug: d, notify: [{¦link: 'ntfy://h/t'}]}", "`url`"),
    ("{slug: d, rejected: true, notify: [¦'ntfy://h/t']}", "told to nobody"),
    ("{slug: d, digest: '0 6 * * *', notify: [{url: 'ntfy://h/t', when: ¦'outlets>=2'}]}", "a digest is told as a whole"),
    ("{slug: d, digest: '0 6 * * *', notify: [{url: 'ntfy://h/t', template: ¦'{title}'}]}", "a form of its own"),
    ("{slug: d, digest: '0 6 * * *', webhook: 'https://h/x', when: ¦'outlets>=2'}", "a digest is told as a whole"),
    ("{slug: d, rejected: true, webhook: ¦'https://h/x'}", "told to nobody"),
    ("{slug: d, when: ¦'outlets>=2', notify: ['ntfy://h/t']}", "a channel has a `when` of its own"),
]


@pytest.mark.parametrize(("marked", "words"), WRONG)
def test_what_is_wrong_is_told_at_its_place(problems: Problems, marked: str, words: str) -> None:
    column = marked.index(MARK) + len("  - ") + 1
    told = problems(f"{SOURCE}outputs:\n  - {marked.replace(MARK, '')}\n")
    assert any(one.startswith(f"3:{column}: ") and words in one for one in told), told


def test_alerts_need_somebody(problems: Problems) -> None:
    assert any("a `webhook`, or channels" in one for one in problems(SOURCE + "alerts: {}\n"))
    assert not problems(SOURCE + 'alerts: {notify: ["ntfy://h/t"]}\n')


def test_a_text_alone_is_a_channel_with_defaults(config: Loader) -> None:
    settings = config(
        SOURCE + "alerts: {notify: ['ntfy://h/ops']}\noutputs:\n  - slug: desk\n    notify:\n      - ntfys://ntfy.sh/t\n"
        "      - {url: 'slack://a/b/c', when: 'outlets>=3', template: '{title} {{x}}', limit: 5 / m}\n"
    )
    [output] = [one for one in settings.outputs if one.slug == "desk"]
    plain, other = output.notify
    assert plain == Channel("ntfys://ntfy.sh/t", None, None, Rate(20, 3600.0))
    assert other == Channel("slack://a/b/c", "outlets>=3", "{title} {{x}}", Rate(5, 60.0))
    assert settings.alerts_notify == (Channel("ntfy://h/ops"),)
    assert settings.channel_places[plain.id] == (6, 9)
    assert settings.channel_places[other.id] == (7, 15)


def test_an_address_and_its_secret_parts_are_secrets(config: Loader) -> None:
    address = "mailtos://desk:pass%40Word1@mail.example?to=anna@b.example&from=desk@c.example"
    settings = config(
        f"{SOURCE}outputs: [{{slug: desk, notify: ['{address}', 'slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXr']}}]\n"
    )
    assert {address, "pass%40Word1", "pass@Word1", "T1JJ3T3L2", "A1BRTD4JD", "TIiajkdnlazkcOXr"} <= settings.secrets
    assert "mail.example" not in settings.secrets
    for secret in ("Word1", "TIiajkdnlazkcOXr", "T1JJ3T3L2"):
        assert secret not in repr(settings)
