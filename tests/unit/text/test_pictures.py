"""Which images of a text show something."""

from __future__ import annotations

import pytest

from aggregator.text.clean import Links, clean
from aggregator.text.pictures import images_in, is_decoration, is_image, pixels, width_in_name, without_images

PHOTO = "https://cdn.example/2026/storm.jpg"


def first(markup: str) -> str | None:
    """The first image of a text as an outlet sends it."""
    cleaned = clean(markup, Links("https://harbour.example/"))
    return next((image.url for image in images_in(cleaned)), None)


@pytest.mark.parametrize(
    "image",
    [
        '<img src="https://cdn.example/a.gif" width="1" height="1">',
        '<img src="https://cdn.example/a.gif" width="2" height="2">',
        '<img src="https://cdn.example/a.gif" height="2px">',
        '<img src="https://cdn.example/a.gif" width="0" height="auto">',
        '<img src="https://cdn.example/line.png" width="600" height="1">',
        '<img src="https://cdn.example/a.gif" style="display:none">',
        '<img src="https://cdn.example/a.gif" style="visibility: hidden">',
        '<img src="https://cdn.example/a.gif" style="width:1px;height:1px">',
        '<img src="https://cdn.example/track/pixel.gif?id=7">',
        '<img src="https://pixel.cdn.example/v1?id=7">',
        '<img src="https://stats.blog.example/b.gif?host=x">',
        '<img src="https://cdn.example/1x1.png">',
        '<img src="https://cdn.example/lazy-load/images/1x1.trans.gif">',
        '<img src="https://cdn.example/theme/loading-2.svg">',
        '<img src="data:image/png;base64,iVBORw0KGgo=">',
        '<img src="https://s.w.org/images/core/emoji/14.0.0/72x72/1f600.png" alt="😀" class="wp-smiley">',
        '<img src="https://cdn.example/f/1f44d.png" alt="👍🏽">',
        '<img src="https://forum.example/images/smile.png?v=12" alt=":slightly_smiling_face:" title=":smile:">',
        '<img src="https://secure.gravatar.com/avatar/1ef0126c?s=96" alt="Ana Lindqvist">',
        '<img src="https://forum.example/user_avatars/avatars/42.png">',
        '<img src="https://cdn.example/theme/icons/mail.png">',
        '<img src="https://cdn.example/facebook-icon-32x32.png">',
        '<img src="https://cdn.example/share_twitter.png">',
        '<img src="https://cdn.example/img/subscribe-button.png">',
        '<img src="https://wiki.example/wikiicons/diff.png">',
        '<img src="https://cdn.example/flattr/flattr-badge-large.png">',
        '<img src="https://cdn.example/api/_icon_Azure-API.png">',
        '<img src="https://img.shields.io/pypi/v/aggregator">',
        '<img src="https://cdn.example/rss.png" width="16" height="16">',
        '<a href="https://www.facebook.com/sharer/sharer.php?u=x"><img src="https://cdn.example/fb.png"></a>',
        '<a href="https://x.com/intent/post?url=x"><b><img src="https://cdn.example/x.png"></b></a>',
        '<a href="mailto:desk@harbour.example"><img src="https://cdn.example/write.png"></a>',
    ],
)
def test_what_shows_nothing_is_passed_over(image: str) -> None:
    assert first(f'<p>Text {image}</p><p><img src="{PHOTO}" alt="Waves"></p>') == PHOTO
    assert first(f"<p>Text {image}</p>") is None


@pytest.mark.parametrize(
    "image",
    [
        '<img src="https://cdn.example/icon-of-the-seas.jpg">',
        '<img src="https://cdn.example/silicon-valley.png">',
        '<img src="https://cdn.example/google-pixel-9-review.jpg">',
        '<img src="https://cdn.example/track.jpg">',
        '<img src="https://cdn.example/films/avatar-still-from-the-set.jpg?w=640">',
        '<img src="https://cdn.example/a.jpg" width="100%" height="auto">',
        '<img src="https://cdn.example/a.jpg" alt="A">',
        '<img src="https://cdn.example/a.jpg" alt="橋">',
        '<a href="https://harbour.example/story"><img src="https://cdn.example/a.jpg"></a>',
        '<a href="https://x.com/intent/post?url=x">Tell</a> <img src="https://cdn.example/a.jpg">',
        '<img src="https://cdn.example/2024/12345.gif">',
        '<img src="https://cdn.example/lazy/1x1.trans.gif" data-lazy-src="https://cdn.example/a.jpg">',
        '<img src="https://cdn.example/placeholder.svg" srcset="/wide.jpg 2x" data-src="https://cdn.example/a.jpg">',
        '<img src="data:image/gif;base64,R0lGOD" data-src="https://cdn.example/a.jpg">',
    ],
)
def test_what_shows_something_is_taken(image: str) -> None:
    assert first(f'<p>{image}</p><img src="{PHOTO}">') not in (None, PHOTO)


def test_sizes_are_read() -> None:
    cleaned = f'<img src="{PHOTO}" width="1024" height="576px">'
    assert [(one.width, one.height) for one in images_in(cleaned)] == [(1024, 576)]
    assert [pixels(text) for text in ("600", " 600.5px ", "0", "50%", "auto", "-3", "", None, "9" * 9)] == [
        *(600, 600, 0),
        *[None] * 6,
    ]


def test_a_width_is_read_from_a_name() -> None:
    assert width_in_name("https://cdn.example/image/644x322/storm.jpg") == 644
    assert width_in_name("https://cdn.example/storm-150x150.jpg?w=9x9") == 150
    assert width_in_name("https://cdn.example/0x1f44d.png") is None and width_in_name("https://100x100.example/a.jpg") is None


def test_files_are_told_by_type_and_then_by_name() -> None:
    assert is_image("image/png", "https://cdn.example/x")
    assert is_image("", "https://cdn.example/x.JPG?w=1") and is_image("application/octet-stream", "https://cdn.example/x.webp#a")
    assert not is_image("video/mp4", "https://cdn.example/x.jpg")
    assert not is_image(None, "https://cdn.example/x.jpg/stream") and not is_image(None, "https://cdn.example.png")


def test_an_avatar_is_no_picture_whoever_names_it() -> None:
    assert is_decoration("https://2.gravatar.com/avatar/1ef0?s=96&d=identicon")
    assert not is_decoration("https://gravatar.com.example/wave.jpg")


def test_images_are_taken_out_of_a_text() -> None:
    assert without_images(f'<p>a <img src="{PHOTO}" alt="x &gt; y">b</p>') == "<p>a b</p>"
