"""Hooks in the config: what they become, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from aggregator.config.diff import compare
from aggregator.config.load import load
from aggregator.errors import ConfigError
from aggregator.settings import Settings
from aggregator.tag.check import check

FULL = Path(__file__).with_name("full.yaml")
LEAST = "sources: [{id: a, url: https://a.example/feed}]\n"
TOPIC = "topics: [{slug: x, query: x, enrich: %s}]\n"


def read(folder: Path, text: str) -> Settings:
    (folder / "hook.sh").touch(0o755)
    (folder / "plain.txt").touch(0o644)
    (folder / "feeds.yaml").write_text(text if "sources:" in text else LEAST + text)
    return load(folder / "feeds.yaml", check, {"KEY": "abcdef123456"})


def problems(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as refused:
        read(folder, text)
    assert "abcdef123456" not in str(refused.value)
    return str(refused.value)


def test_hooks_know_what_they_are_asked_about(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret-token\n")
    hooks = read(tmp_path, FULL.read_text()).enrich
    assert list(hooks) == ["llama", "translator", "hook.example"]
    llama, translator, other = hooks.values()
    assert llama.command == ("python3", "-c", "pass") and llama.topics == ("ukraine",)
    assert (llama.fields, llama.tags, llama.timeout, llama.rate, llama.settle) == (
        ("summary", "tags"),
        ("economy",),
        120.0,
        6,
        60.0,
    )
    assert translator.url == "https://hook.example/?key=abcdef123456" and translator.token == "abcdef123456"
    assert (translator.outputs, translator.sources, translator.private) == (("late",), ("world",), True)
    assert other.url == "https://hook.example/other" and other.fields == ("summary", "title", "tags")
    assert "abcdef123456" not in repr(hooks)


def test_programs_are_relative_to_the_config(tmp_path: Path) -> None:
    settings = read(tmp_path, TOPIC % "\"./hook.sh 'two words' -v\"")
    assert settings.enrich["hook"].command == (str(tmp_path / "hook.sh"), "two words", "-v")


def test_groups_and_defaults_name_hooks_for_their_sources(tmp_path: Path) -> None:
    text = """
enrich: {one: {command: 'true'}, two: {command: 'true'}}
defaults: {enrich: one}
groups: {wires: {enrich: [one, two]}}
sources:
  - {id: a, url: https://a.example/feed}
  - {id: b, url: https://b.example/feed, group: wires}
  - {id: c, url: https://c.example/feed, enrich: []}
"""
    hooks = read(tmp_path, text).enrich
    assert (hooks["one"].sources, hooks["two"].sources) == (("a", "b"), ("b",))


def test_a_hook_that_nothing_names_is_not_asked(tmp_path: Path) -> None:
    settings = read(tmp_path, "enrich: {idle: {command: 'true'}}\n")
    assert settings.enrich == {}
    assert "feeds.yaml:2:16: enrich: no topic, output or source names the hook `idle`" in settings.notes[0]


def test_queries_may_ask_for_the_tags_of_hooks(tmp_path: Path) -> None:
    hook = "enrich: {model: {command: 'true', tags: [economy]}}\n"
    assert read(tmp_path, hook + "topics: [{slug: x, query: tag:economy, enrich: model}]\n").enrich
    assert "economy" in problems(tmp_path, "topics: [{slug: x, query: tag:economy}]\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TOPIC % "modle" + "enrich: {model: {command: 'true'}}\n", "there is no hook `modle` in `enrich`; did you mean `model`?"),
        (TOPIC % "jq", "there is no hook `jq` in `enrich`; define it there"),
        (TOPIC % "hook.sh", "there is no hook `hook.sh` in `enrich`; did you mean the program `./hook.sh`?"),
        (TOPIC % "{command: ./plain.sh}", "a hook is defined in `enrich:` at the top level, under a name; here stands the name"),
        (TOPIC % "./gone.sh", "there is no program ./gone.sh"),
        (TOPIC % "./plain.txt", "./plain.txt may not be run; `chmod +x ./plain.txt` lets it"),
        (TOPIC % '"./hook.sh \'open"', "a quote in this command is not closed"),
        (TOPIC % "[]" + "enrich: {m: {}}\n", "has neither `command` nor `url`"),
        ("enrich: {m: {command: ./gone.sh}}\n", "there is no program ./gone.sh"),
        ("enrich: {m: {command: [./gone.sh, -v]}}\n", "there is no program ./gone.sh"),
        ("enrich: {m: {command: []}}\n", "a command is one text"),
        ("enrich: {m: {command: ''}}\n", "the command is empty"),
        ("enrich: {m: {command: 'true', url: https://h.example/}}\n", "keep one of them"),
        ("enrich: {m: {url: https://h.example/, env: [A]}}\n", "env: it has a meaning with `command` alone"),
        ("enrich: {m: {command: 'true', token: '${KEY}'}}\n", "token: it has a meaning with `url` alone"),
        ("enrich: {m: {command: 'true', private: true}}\n", "private: it has a meaning with `url` alone"),
        ("enrich: {m: {command: 'true', env: [A B]}}\n", "names no environment variable"),
        ("enrich: {m: {command: 'true', fields: [body]}}\n", "`summary`, `title` or `tags`"),
        ("enrich: {m: {command: 'true', timeout: 2h}}\n", "is not between 1s and 10m"),
        ("enrich: {m: {command: 'true', rate: 0}}\n", "at least 1"),
        ("enrich: {m: {comand: 'true'}}\n", "did you mean `command`?"),
        ("outputs: [{slug: out, rejected: true, enrich: ./hook.sh}]\n", "has no stories to ask about"),
        (TOPIC % "[./hook.sh, ./hook.sh -v]", "two hooks called `hook`"),
        ("topics: [{slug: x, query: x, enrich: ./hook.sh}]\nenrich: {hook: {command: 'true'}}\n", "two hooks called `hook`"),
    ],
)
def test_what_is_wrong_is_told(text: str, said: str, tmp_path: Path) -> None:
    assert said in problems(tmp_path, text)


def test_an_edit_of_a_hook_is_told_by_its_name(tmp_path: Path) -> None:
    hook = "enrich: {model: {url: 'https://h.example/?k=%s'}}\n" + TOPIC % "model"
    before, after = read(tmp_path, hook % "one"), read(tmp_path, hook % "two")
    assert "~ enrich (model)" in compare(before, after).lines()
