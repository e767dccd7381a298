"""Forty pages of articles: four texts in ten templates. Each knows what of it is the article and what is not."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator

from msgspec import Struct


class Text(Struct, frozen=True):
    """A text of our own. charset: one that isn't UTF-8 and has all its letters."""

    language: str
    charset: str
    title: str
    paragraphs: tuple[str, ...]


TEXTS = (
    Text(
        "en",
        "windows-1252",
        "The harbour of Velm gets its old ferry back",
        (
            "After nine years in a shed at the edge of the shipyard, the ferry “Marigold” left the slipway on "
            "Tuesday morning and crossed the harbour of Velm under its own power for the first time since the "
            "winter storm.",
            "The town had meant to sell the ship for scrap. Two retired engineers, a baker and a class of "
            "apprentices talked the council out of it, and promised to put the engine in order at their own "
            "expense.",
            "It took them longer than they had thought. The drawings were lost, and each valve had to be measured "
            "by hand before a new one could be turned in the workshop of the vocational school.",
            "From the first of May the ferry is to run on Sundays, with room for forty people and their bicycles. "
            "A crossing costs as much as it did nine years ago, said the mayor, who bought the first ticket.",
        ),
    ),
    Text(
        "de",
        "iso-8859-1",
        "Bürgerbad in Hollwitz öffnet wieder für alle Schüler",
        (
            "Das Bürgerbad in Hollwitz öffnet am Montag wieder seine Türen, nachdem die Heizung über den ganzen "
            "Sommer erneuert worden ist und die Gemeinde lange um das nötige Geld gerungen hatte.",
            "Für die Schulen der Umgebung ist das eine große Erleichterung: Die Kinder mussten bisher mit dem Bus "
            "in die Kreisstadt fahren, und für den Unterricht im Wasser blieb oft nur eine halbe Stunde.",
            "Die neue Anlage braucht nach Angaben der Betreiber ein Drittel weniger Gas, weil die Wärme der "
            "Abluft zurückgewonnen wird und das Becken nachts abgedeckt bleibt.",
            "Der Eintritt bleibt gleich. Wer ehrenamtlich als Rettungsschwimmer hilft, darf das Bad außerhalb der "
            "Schulstunden kostenlos benutzen, beschloss der Gemeinderat einstimmig.",
        ),
    ),
    Text(
        "pl",
        "iso-8859-2",
        "Stary młyn w Zawrociu znów miele żyto",
        (
            "Po trzydziestu latach przerwy stary młyn w Zawrociu znów miele żyto. Koło wodne naprawili mieszkańcy "
            "wsi, którzy przez dwa lata zbierali pieniądze na nowe łopaty i wał.",
            "Pierwszą mąkę przesiano w sobotę rano, a piekarz z sąsiedniej miejscowości upiekł z niej sto "
            "bochenków chleba. Rozeszły się w niespełna godzinę, mimo deszczu i zimna.",
            "Młyn ma pracować dwa dni w tygodniu. W pozostałe dni będą go zwiedzać szkoły, a na strychu powstaje "
            "małe muzeum z narzędziami, które ludzie przynieśli z własnych stodół.",
            "Burmistrz zapowiedział, że gmina dołoży się do naprawy grobli, bo bez niej koło stanie przy "
            "pierwszej większej wodzie. Roboty zaczną się wczesną wiosną.",
        ),
    ),
    Text(
        "fr",
        "windows-1252",
        "À Rochebrune, la bibliothèque déménage à vélo",
        (
            "Pendant trois jours, les habitants de Rochebrune ont transporté à vélo les douze mille livres de la "
            "bibliothèque vers l’ancienne gare, où elle rouvrira à la fin du mois.",
            "La commune n’avait pas les moyens de payer une entreprise de déménagement. C’est une institutrice "
            "qui a proposé l’idée au conseil municipal, en montrant la remorque de son fils.",
            "Chaque caisse portait un numéro et la couleur d’un rayon. Selon la bibliothécaire, seuls quatre "
            "ouvrages manquent à l’appel, dont un atlas que quelqu’un a sans doute gardé pour le lire.",
            "La nouvelle salle est deux fois plus grande que l’ancienne, et ses fenêtres donnent sur le canal. "
            "Les trains ne passent plus, mais l’horloge du quai a été remise en marche.",
        ),
    ),
)

MENU, COOKIES, REMARK, FOOT = (
    "Subscribe to our newsletter today",
    "We and our 832 partners value your privacy",
    "First comment from a reader who knows everything better",
    "All rights reserved by the Example Publishing Group",
)
"""What stands around articles."""


class Page(Struct, frozen=True):
    """A page as a server sends it. told: what its article says; around: what is not of the article."""

    name: str
    body: bytes
    told: tuple[str, ...]
    title: str
    around: tuple[str, ...] = (MENU, FOOT)
    content_type: str = "text/html; charset=utf-8"
    encoding: str | None = None


def make_pages() -> Iterator[Page]:
    """All forty: each text in each template."""
    for text in TEXTS:
        for name, template in TEMPLATES.items():
            page = template(text)
            yield Page(f"{name}-{text.language}", page.body, page.told, text.title, page.around, page.content_type, page.encoding)


def _nav() -> str:
    links = "".join(f'<li><a href="/{name}">{name.title()}</a></li>' for name in ("world", "town", "sport", "weather"))
    return f'<header><nav class="menu"><ul>{links}<li><a href="/letters">{MENU}</a></li></ul></nav></header>'


def _foot() -> str:
    return f'<footer class="footer"><p>{FOOT}</p><a href="/imprint">Imprint</a> <a href="/privacy">Privacy</a></footer>'


def _html(text: Text, body: str, head: str = "") -> str:
    return (
        f'<!DOCTYPE html><html lang="{text.language}"><head><title>{text.title} | Example News</title>{head}</head>'
        f"<body>{_nav()}{body}{_foot()}</body></html>"
    )


def _paragraphs(text: Text) -> str:
    return "".join(f"<p>{one}</p>" for one in text.paragraphs)


def _page(markup: str, text: Text, **more: object) -> Page:
    return Page("", markup.encode(), text.paragraphs, text.title, **more)  # type: ignore[arg-type]


def semantic(text: Text) -> Page:
    body = f"<main><article><h1>{text.title}</h1><time>2026-11-20</time>{_paragraphs(text)}</article></main>"
    return _page(_html(text, body), text)


def div_soup(text: Text) -> Page:
    inner = "".join(
        f'<div class="c{at}"><div><div class="txt"><p>{one}</p></div></div></div>' for at, one in enumerate(text.paragraphs)
    )
    whole = f'<h1>{text.title}</h1><div class="article-body">{inner}</div>'
    body = f'<div id="w"><div class="l"><div class="x1">{whole}</div></div></div>'
    return _page(_html(text, body), text)


def table_layout(text: Text) -> Page:
    body = (
        '<table width="100%"><tr><td width="20%"><a href="/a">Archive</a><br><a href="/b">Guestbook</a></td>'
        f'<td><font size="4"><b>{text.title}</b></font><br><div class="content">{_paragraphs(text)}</div></td></tr></table>'
    )
    return _page(_html(text, body), text)


def lists(text: Text) -> Page:
    first, *others = text.paragraphs
    items = "".join(f"<li>{one}</li>" for one in others)
    return _page(_html(text, f"<article><h1>{text.title}</h1><p>{first}</p><ul>{items}</ul></article>"), text)


def paywall(text: Text) -> Page:
    """The beginning alone: there is nothing more to be had."""
    first = text.paragraphs[0]
    wall = '<div class="paywall"><h2>Read on with a subscription</h2><a href="/buy">Buy now</a></div>'
    page = _page(_html(text, f"<article><h1>{text.title}</h1><p>{first}</p></article>{wall}"), text)
    return Page("", page.body, (first,), text.title)


def comments(text: Text) -> Page:
    remarks = "".join(
        f'<li class="comment"><div class="comment-body"><p>{said} {REMARK}.</p></div></li>' for said in text.paragraphs[::-1]
    )
    below = f'<section id="comments"><ol class="comment-list">{remarks}</ol></section>'
    body = f"<article><h1>{text.title}</h1>{_paragraphs(text)}</article>{below}"
    return _page(_html(text, body), text, around=(MENU, FOOT, REMARK))


def cookie_banner(text: Text) -> Page:
    banner = (
        f'<div id="cookie-consent" class="cookie-banner" role="dialog"><p>{COOKIES}.</p>'
        "<button>Accept all</button><button>Refuse</button></div>"
    )
    return _page(
        _html(text, f"{banner}<article><h1>{text.title}</h1>{_paragraphs(text)}</article>"), text, around=(MENU, FOOT, COOKIES)
    )


def other_charset(text: Text) -> Page:
    """Named in a `meta` alone, as on old sites."""
    head = f'<meta http-equiv="Content-Type" content="text/html; charset={text.charset}">'
    markup = _html(text, f"<article><h1>{text.title}</h1>{_paragraphs(text)}</article>", head)
    return Page("", markup.encode(text.charset), text.paragraphs, text.title, content_type="text/html")


def gzipped(text: Text) -> Page:
    page = semantic(text)
    return Page("", gzip.compress(page.body), page.told, text.title, encoding="gzip")


def huge(text: Text) -> Page:
    """One megabyte of script and style around a short article, as many sites send."""
    script = "<script>window.state={" + ",".join(f'"key{at}":"value {at}"' for at in range(30_000)) + "}</script>"
    style = "<style>" + "".join(f".c{at}{{color:#123}}" for at in range(20_000)) + "</style>"
    return _page(_html(text, f"{script}<article><h1>{text.title}</h1>{_paragraphs(text)}</article>{script}", style), text)


TEMPLATES: dict[str, Callable[[Text], Page]] = {
    "semantic": semantic,
    "div-soup": div_soup,
    "table": table_layout,
    "lists": lists,
    "paywall": paywall,
    "comments": comments,
    "cookies": cookie_banner,
    "charset": other_charset,
    "gzip": gzipped,
    "huge": huge,
}
