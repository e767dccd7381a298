"""Every kind of page in a real Chromium: for eyes and screen readers, for narrow and wide screens, for no other servers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Request

from tests.browser.conftest import World
from tests.flow.crawler import Crawl

SHIFTS = """
window.shifts = [];
new PerformanceObserver(list => {
  for (const one of list.getEntries())
    for (const {node} of one.sources) if (node) window.shifts.push(`${node.nodeName} ${one.value.toFixed(4)}`);
}).observe({type: "layout-shift", buffered: true});
"""
"""Pieces within the browser's own controls of sound move as they are drawn. They are no nodes of the page, and don't count."""
SETTLED = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(window.shifts))))"
TOO_WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
LINKS = "() => [...document.querySelectorAll('[href],[src],[action],[formaction]')].flatMap(e => [e.href, e.src, e.action])"


@dataclass
class Watched:
    """A page, and what happens while it is open."""

    page: Page
    requests: list[Request] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    @classmethod
    def open(cls, browser: Browser, width: int = 1280, scheme: Any = "light") -> Watched:
        context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
        watched = cls(context.new_page())
        page = watched.page
        page.add_init_script(SHIFTS)
        page.on("request", lambda request: watched.requests.append(request))
        page.on("dialog", lambda dialog: (watched.told.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on("console", lambda line: watched.told.append(f"console {line.type} {line.text}"))
        page.on("pageerror", lambda error: watched.told.append(f"error {error}"))
        page.on("popup", lambda popup: watched.told.append(f"popup {popup.url}"))
        page.on("download", lambda download: watched.told.append(f"download {download.url}"))
        return watched

    def go(self, url: str, status: int = 200) -> Page:
        self.requests.clear()
        self.told.clear()
        answer = self.page.goto(url, wait_until="load")
        assert answer is not None and answer.status == status, url
        return self.page


def strangers(requests: list[Request], site: str) -> list[str]:
    """What was asked of others, but for pictures, which `publish.images: link` has pages load."""
    others = [one for one in requests if not one.url.startswith(site + "/")]
    return [f"{one.resource_type} {one.url}" for one in others if one.resource_type != "image"]


STATUS = {"404": 404, "mistake": 400}


CHECKED = {(360, "dark"), (1280, "light")}
"""Where axe-core runs, which takes most of the time: each width and each scheme once."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_pages_are_for_everybody(browser: Browser, world: World, width: int, scheme: str) -> None:
    """No violation of WCAG that axe-core knows, nothing wider than the screen, nothing that moves, no other server."""
    watched, axe, wrong = Watched.open(browser, width, scheme), Axe(), []
    for name, path in world.pages.items():
        page = watched.go(world.site + path, STATUS.get(name, 200))
        wrong += [f"{name}: moved {shift}" for shift in page.evaluate(SETTLED)]
        if (over := page.evaluate(TOO_WIDE)) > 0:
            wrong.append(f"{name}: {over} px wider than the screen")
        wrong += [f"{name}: asks {one}" for one in strangers(watched.requests, world.site)]
        wrong += [f"{name}: {line}" for line in watched.told if not (name in STATUS and "Failed to load resource" in line)]
        found = axe.run(page).response["violations"] if (width, scheme) in CHECKED else []
        wrong += [f"{name}: {one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]]
    assert wrong == []


def test_what_a_hostile_outlet_writes_runs_nowhere(browser: Browser, world: World) -> None:
    watched, wrong = Watched.open(browser, 360), []
    world.asked.clear()
    for path in world.hostile:
        page = watched.go(world.site + path, 400 if "script%3E" in path and path.startswith("/search") else 200)
        page.evaluate(SETTLED)
        if page.evaluate("() => window.pwned") is not None or page.frames[1:] or page.url != world.site + path:
            wrong.append(f"{path}: it ran, framed or led away")
        schemes = {urlsplit(link).scheme for link in page.evaluate(LINKS) if isinstance(link, str) and link}
        wrong += [f"{path}: a link with {scheme}:" for scheme in schemes - {"http", "https"}]
        forms = page.evaluate("() => [...document.forms].map(form => form.action)")
        wrong += [f"{path}: a form to {form}" for form in forms if not form.startswith(world.site + "/")]
        if (over := page.evaluate(TOO_WIDE)) > 0:
            wrong.append(f"{path}: {over} px wider than the screen")
        wrong += [f"{path}: asks {one}" for one in strangers(watched.requests, world.site)]
        wrong += [f"{path}: {line}" for line in watched.told if "Failed to load resource" not in line]
    wrong += [f"asked for {one}" for one in world.asked if not one.split("?")[0].endswith((".jpg", ".png", "/x"))]
    assert wrong == []


def test_a_reader_finds_the_way_without_a_mouse_and_without_scripts(browser: Browser, world: World) -> None:
    """From the front page by keyboard to a search, and on to the story."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(world.site + "/")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("nato")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=nato")
    page.locator("article .by a").first.click()
    page.wait_for_url("**/stories/*")
    assert page.locator("h1").count() == 1


def test_a_query_is_tried_on_the_status_page_and_the_token_stays_in_the_address(browser: Browser, world: World) -> None:
    watched = Watched.open(browser)
    page = watched.go(world.site + "/status?token=demo-admin")
    page.get_by_label("Query to try").fill("title:nato")
    page.get_by_role("button", name="Try").click()
    page.get_by_text("To paste into the config:").wait_for()
    assert "query: 'title:nato'" in page.content() and "demo-admin" not in page.content()
    watched.requests.clear()
    page.get_by_role("link", name="Front page").click()
    page.wait_for_url("**/index.html")
    assert all("demo-admin" not in str(one.all_headers()) + one.url for one in watched.requests)


def test_the_copy_button_tells_what_became_of_it(browser: Browser, world: World) -> None:
    """Its name stays "Copy the address, RSS" for screen readers, which hear a line of its own."""
    watched = Watched.open(browser)
    page = watched.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.clock.install()
    watched.go(world.site + "/feeds/all.html")
    button, line = page.get_by_role("button", name="Copy the address, RSS"), page.get_by_role("status")
    button.click()
    line.get_by_text("The RSS address is copied.").wait_for()
    assert page.evaluate("() => navigator.clipboard.readText()").endswith("/feeds/all.rss") and button.inner_text() == "Copied"
    page.clock.fast_forward(5_000)
    assert (line.inner_text(), button.inner_text()) == ("", "Copy")
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('refused')) }")
    button.click()
    line.get_by_text("The browser refused to copy the RSS address").wait_for()


def test_states_stand_in_lines_of_whole_words(browser: Browser, world: World) -> None:
    page = Watched.open(browser).go(world.site + "/status?token=demo-admin")
    heights = page.evaluate("() => [...document.querySelectorAll('.states thead tr')].map(row => row.offsetHeight)")
    assert len(heights) == 2 and max(heights) < 2 * 22.4, "a heading such as `entries` takes one line"
    assert "disk_free_bytes" not in page.content() and "disk free: " in page.content()


def test_the_dot_between_two_facts_ends_a_line_and_begins_none(browser: Browser, world: World) -> None:
    page = Watched.open(browser, 360).go(world.site)
    before = "e => getComputedStyle(e, '::before').content"
    assert page.locator(".by time").first.evaluate(before) == "none"


def test_the_search_box_has_room_on_a_phone(browser: Browser, world: World) -> None:
    page = Watched.open(browser, 360).go(world.site)
    box = page.get_by_label("Search stories").bounding_box()
    assert box is not None and box["width"] > 200


def test_sound_is_fetched_when_it_is_played_and_not_before(browser: Browser, world: World) -> None:
    watched = Watched.open(browser)
    page = watched.go(world.site + world.pages["podcast"])
    sound = page.locator("audio").first
    address = sound.get_attribute("src")
    assert sound.is_visible() and not any(one.url == address for one in watched.requests)
    with page.expect_request(str(address)):
        sound.evaluate("audio => { audio.play().catch(() => 0) }")
    assert not [line for line in watched.told if "Content Security Policy" in line]


def test_every_link_of_the_site_to_any_depth_leads_somewhere(world: World) -> None:
    crawl = Crawl(world.site, world.site).run("/", "/search?q=nato", "/opml.xml")
    assert crawl.broken == [] and len(crawl.seen) > 100


def test_what_the_others_look_for_would_be_noticed(browser: Browser, world: World) -> None:
    """A page that moves, asks others and runs what it should not: each is seen by what the tests above look at."""
    watched = Watched.open(browser)
    page = watched.go(world.site + "/")
    page.evaluate("() => document.body.prepend(...document.querySelectorAll('footer'))")
    page.evaluate("() => document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=alert(1)>')")
    page.evaluate("() => fetch('http://127.0.0.1:9/').catch(() => 0)")
    assert page.evaluate(SETTLED)
    refused = [line for line in watched.told if "Content Security Policy" in line]
    assert any("inline event handler" in line for line in refused) and any("127.0.0.1:9" in line for line in refused)
