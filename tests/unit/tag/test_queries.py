"""What a query matches."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from aggregator.ports import QueryNames
from aggregator.tag.query import Query

from .stories import DAY, NOON, item, story

PLAIN = story(
    item(
        "NATO weighs closer ties with Ukraine",
        "Ministers met in Brussels on Thursday. Russia's envoy to the U.S. said 1,000 words; al-Shabaab was no topic.",
        author="Ada O'Brien",
        group="wires",
        categories=["World news"],
        origin="reuters",
        url="https://www.news.herald.example/world/live/nato-42?a=B",
    ),
    tags=["tag:wire", "entity:nato", "subject:politics", "category:World news"],
    topics=["ukraine"],
)

MATCHES = [
    "nato",
    "NATO Ukraine",
    "nato AND ukraine",
    "ukraine nato brussels",
    '"closer ties"',
    '"CLOSER ties with"',
    '"closer tie*"',
    "russia",
    "russia's",
    "Rüssia",
    "al-shabaab",
    "shabaab",
    '"al shabaab"',
    "U.S.",
    "us",
    "1000",
    "1,000",
    "ukrain*",
    "zebra OR nato",
    "(zebra OR nato) (ties OR lion)",
    "-zebra",
    "nato -zebra",
    "NOT zebra",
    "-(zebra nato)",
    "nato -(zebra OR lion)",
    "title:nato",
    "title:(zebra OR nato)",
    "title:(nato -brussels)",
    "body:brussels",
    'title:"closer ties"',
    "author:ada",
    "author:o'brien",
    'author:"ada o\'brien"',
    "url:/live/",
    "url:herald",
    "url:NATO-42",
    'url:"?a=b"',
    r"url:/\/nato-\d+/",
    "url:/LIVE/i",
    "url:(zebra OR live)",
    "site:herald.example",
    "site:news.herald.example",
    "site:www.herald.example OR site:herald.example",
    "source:herald",
    "source:HERALD",
    "source:her*",
    "source:(post OR herald)",
    "group:wires",
    "tag:wire",
    "tag:w*",
    "topic:ukraine",
    "lang:en",
    "lang:en-GB",
    "entity:nato",
    "subject:politics",
    'category:"world news"',
    "category:world*",
    "origin:reuters",
    "outlets>=1",
    "outlets=1",
    "items<2",
    "words>10",
    "words > 10 words < 50",
    "age<2d",
    "age>11h",
    "age>=12h age<=12h",
    r"/\bNATO\b/",
    "/nato/i",
    "title:/^NATO/",
    "body:/[A-Z]\\.S\\./",
    "nato OR zebra lion",
    "“closer ties” –zebra",
]

MATCHES_NOT = [
    "zebra",
    "nato zebra",
    '"ties closer"',
    '"closer with"',
    "nat",
    "tie",
    '"ukraine ministers"',  # title and text are two texts
    "-nato",
    "nato -ukraine",
    "-(nato ukraine)",
    "-(zebra OR nato)",
    "(zebra OR lion) nato",
    "title:brussels",
    "title:(nato brussels)",
    "body:ties",
    "author:nato",
    "ada",
    "url:/deliver/",
    "url:/live/politics",
    "site:example.org",
    "site:ald.example",
    "source:post",
    "group:blogs",
    "tag:nato",
    "tag:politics",
    "entity:ua",
    "subject:sport",
    "topic:climate",
    "lang:de",
    "origin:afp",
    "outlets>=2",
    "items>1",
    "words<5",
    "age<2h",
    "age>2d",
    "/nato/",
    "title:/Brussels/",
    "S.U.",
]


@pytest.mark.parametrize("query", MATCHES)
def test_matches(query: str) -> None:
    assert Query(query).matches(PLAIN, NOON + DAY / 2)


@pytest.mark.parametrize("query", MATCHES_NOT)
def test_matches_not(query: str) -> None:
    assert not Query(query).matches(PLAIN, NOON + DAY / 2)


@pytest.mark.parametrize(
    ("query", "title", "matches"),
    [
        ("U.S.", "US senators meet", True),
        ("U.S.", "U.S.-led talks", True),
        ("U.S.", "The U.S.’s plan", True),
        ("U.S.", "They told us so", False),
        ("us", "They told us so", True),
        ("U.N.", "U.N. and UN", True),
        ("UN", "A U.N. envoy", True),
        ("Łódź", "Strike in Lodz", True),
        ("strasse", "In der Straße", True),
        ("Київ", "київ", True),
        ("мои", "мой дом", False),
        ("日本", "東日本大震災", True),
        ("本", "東日本", True),
        ("日大", "東日本大震災", False),
        ('"日本 NATO"', "日本 NATO", True),
        ("ประเทศ", "ในประเทศไทย", True),
        ("우크라이나", "우크라이나는 오늘", True),
        ("l'Ukraine", "Avec l’Ukraine", True),
        ("ukraine", "Avec l’Ukraine", True),
        ("don't", "We don’t know", True),
        ("covid-19", "COVID 19 wave", True),
        ("F-16", "The F-16s", False),
        ("F-16*", "The F-16s", True),
        ("AT&T", "AT&T buys", True),
        ("3.5", "3.5 per cent", True),
        ("35", "3.5 per cent", False),
        ("हिन्दी", "आज हिन्दी में", True),
        ("أوكرانيا", "حرب اوكرانيا", True),
    ],
)
def test_words_of_the_world(query: str, title: str, matches: bool) -> None:
    assert Query(query).matches(story(item(title)), NOON) is matches


TWO = story(item("Kyiv asks for jets"), item("NATO meets in Vilnius", source="post", number=2, outlet="The Post"))


@pytest.mark.parametrize(
    ("query", "matches"),
    [
        ("kyiv", True),
        ("nato", True),
        ("kyiv nato", False),  # no single item says both
        ("kyiv OR nato", True),
        ("kyiv -nato", False),  # an exclusion looks at the whole story
        ("kyiv source:herald", True),
        ("kyiv source:post", False),
        ("outlets>=2 kyiv", True),
        ("outlets>=3 kyiv", False),
        ("items=2 nato", True),
    ],
)
def test_a_story_matches_when_one_of_its_items_does(query: str, matches: bool) -> None:
    assert Query(query).matches(TWO, NOON) is matches


@pytest.mark.parametrize("code", ["no", "nb", "nn", "nb-NO"])
@pytest.mark.parametrize("asked", ["no", "nb", "nn"])
def test_norwegian_is_one_language(code: str, asked: str) -> None:
    assert Query(f"lang:{asked}").matches(story(item("Hei", language=code)), NOON)


THREE = story(
    item("Ferry line closed by storm", "Boats stay in port.", "alpha", number=1, group="wires", outlet="Alpha Post"),
    item("Ferry line closed", "NATO is not concerned.", "beta", number=2, group="wires"),
    item("Storm closes ferry line", "Boats stay in port.", "beta-sport", number=3, group="wires", outlet="beta", language="no"),
    replace(item("Ferry", "", "hub", number=4, outlet="hub"), unattributed=True, aggregator=True, rank=1),
)


@pytest.mark.parametrize(
    ("query", "matches"),
    [
        ("outlets>=2", True),
        ("outlets>=3", False),
        ("outlets(group:wires)>=2", True),
        ("outlets(group:wires) >= 3", False),
        ("outlets(group:wires)=2 nato", True),
        ("outlets(lang:en)=2", True),
        ("outlets(boats)=2", True),
        ("outlets(boats lang:en)=1", True),
        ("outlets(-nato)=2", True),
        ("outlets(group:wires -boats)=1", True),
        ("outlets(source:hub)=0", True),
        ("outlets(group:none)>=1", False),
        ("outlets(group:none)<1", True),
        ("-outlets(nato)>=1", False),
        ('outlet:"alpha post"', True),
        ("outlet:alpha*", True),
        ("outlet:alpha", False),
        ("outlet:beta", True),
        ("outlet:beta nato", True),
        ("outlet:alpha* nato", False),
        ("outlet:hub", False),
        ("rank<=1", True),
        ("rank<=1 boats", False),
        ("rank<1", False),
        ("lead:storm", True),
        ("lead:nato", False),
        ("lead:nato OR nato", True),
        ("lead:storm nato", True),
        ("lead:title:boats", False),
        ("lead:(storm -nato)", True),
        ("lead:(storm -boats)", False),
        ("-lead:nato", True),
        ('lead:(outlet:"alpha post" lang:en rank=2)', True),
        ("lead:/stor[mn]/", True),
    ],
)
def test_a_query_chooses_among_the_entries(query: str, matches: bool) -> None:
    assert Query(query).matches(THREE, NOON) is matches


@pytest.mark.parametrize("value", ["guardian", '"the guardian"', "theguardian", "theguardian.com", "GUARDIAN", "the*"])
def test_an_outlet_is_asked_for_as_people_call_it(value: str) -> None:
    paper = replace(item("Storm", outlet="The Guardian"), outlet_key="theguardian.com")
    assert Query(f"outlet:{value}").matches(story(paper), NOON)
    assert not Query(f"outlet:{value}").matches(story(item("Guardian angels", outlet="Post")), NOON)


def test_the_lead_is_the_entry_that_is_shown() -> None:
    assert Query("lead:nato").matches(replace(THREE, lead=THREE.items[1].id), NOON)
    assert Query('lead:(title:"boats at rest")').matches(replace(THREE, headline="Boats at rest"), NOON)


@pytest.mark.parametrize(
    ("query", "branch"),
    [
        ("outlets(group:wires)>=2", "outlets(group:wires)>=2 (it has 2)"),
        ("outlets(boats lang:no)>=2", "not outlets(boats lang:no)>=2 (it has 1)"),
        ("lead:(title:storm lang:en)", "the lead has title:storm, lang:en"),
        ("lead:nato", "the lead does not meet lead:nato"),
        ("-lead:storm", "excluded by the lead has storm in the title"),
        ("rank<1", "not rank<1 (at best 1)"),
        ("outlet:gamma", "not outlet:gamma"),
    ],
)
def test_the_explanation_of_what_chooses(query: str, branch: str) -> None:
    assert Query(query).explain(THREE, NOON).branch == branch


@pytest.mark.parametrize(
    ("query", "branch"),
    [
        ("kyiv", "kyiv in the title [herald]"),
        ("zebra OR vilnius nato", "vilnius in the title, nato in the title [post]"),
        ("kyiv nato", "kyiv nato: each is there, but never in the same item"),
        ("kyiv zebra", "no zebra"),
        ("kyiv -nato", "excluded by nato in the title [post]"),
        ("kyiv NOT NOT nato", "kyiv in the title, another entry has nato in the title [herald]"),
        ("kyiv -(-zebra)", "no zebra"),
        ("NOT NOT kyiv", "kyiv in the title [herald]"),
        ("outlets>=3", "not outlets>=3 (it has 2)"),
        ("zebra OR lion OR title:jets kyiv lynx", "none of zebra, lion, title:jets kyiv lynx"),
        ("lang:de", "not lang:de"),
        ("kyiv -zebra", "kyiv in the title, no zebra [herald]"),
        ("age<1h", "not age<1h (it is 24h old)"),
    ],
)
def test_the_explanation_names_what_decided(query: str, branch: str) -> None:
    assert Query(query).explain(TWO, NOON + DAY).branch == branch


def test_a_filter_uses_names_as_the_config_spells_them() -> None:
    names = QueryNames(sources=frozenset({"Herald", "post"}), tags=frozenset({"Wire"}))
    found = Query("source:(herald OR post) tag:wire lang:en nato", names).filter(NOON)
    assert (found.sources, found.tags, found.language) == (frozenset({"Herald", "post"}), frozenset({"Wire"}), "en")
    assert Query("source:herald").filter(NOON).sources is None
    assert Query("source:herald OR nato", names).filter(NOON).sources is None
    assert Query("nato age<2d").filter(NOON).since == NOON - 2 * DAY


def test_hostile_patterns_are_fast() -> None:
    text = story(item("a" * 400, "a" * 200_000 + "!"))
    assert not Query("/(a+)+$/ /(a|a)*b/").matches(text, NOON)


def test_a_story_without_text_or_address_is_no_trouble() -> None:
    bare = story(replace(item("Quake", url=None), canonical=None))
    assert Query("quake -site:example.org -url:live words<1").matches(bare, NOON)
