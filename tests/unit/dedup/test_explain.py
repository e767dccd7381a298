"""What two entries are said to differ by."""

from __future__ import annotations

from aggregator.dedup.explain import Told
from tests.unit.publish.samples import item


def test_words_that_say_nothing_are_not_named_as_a_difference() -> None:
    one, other = (Told(item(1, title=title, text="")) for title in ("The ferry sank in the Humber", "Tram strike ends"))
    assert one.own_words(other) == ["ferry", "sank", "Humber"]
    assert one.own_names(other) == ["Humber"]
