"""The stories that an item may join: whether one agrees with it, and what is told of the nearest that it does not join. Pure."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from aggregator.dedup.compare import Weights
from aggregator.dedup.judge import Verdict
from aggregator.dedup.votes import agreed, mean, not_alone, share
from aggregator.model import Evidence, StoryId
from aggregator.ports import IndexedItem


class Nearest(Struct, frozen=True):
    """A story that an item does not join, and why."""

    story: StoryId
    score: float
    rule: str
    agrees: int = 0
    asked: int = 0

    def of(self, evidence: Evidence) -> Evidence:
        """The evidence, with this story as the nearest."""
        return replace(
            evidence,
            nearest=self.story,
            nearest_score=round(self.score, 2),
            nearest_rule=self.rule,
            nearest_agrees=self.agrees,
            nearest_asked=self.asked,
        )


class Proposal(Struct):
    """A story that an item may join. partner: the story's item that was found; scores: of the pairs with its judges.

    counts: the votes of each judge; is_second_text: the story has a different text of the item's outlet, so only a sure pair lets
    the item in; bridged: only round-ups agree.
    """

    story: StoryId
    partner: IndexedItem
    verdict: Verdict
    scores: list[float]
    counts: list[float]
    is_second_text: bool
    bridged: bool

    @property
    def mean(self) -> float:
        return mean(self.scores, self.counts)

    def as_nearest(self, weights: Weights) -> Nearest:
        """What is told of the story if the item doesn't join it."""
        if self.agrees(weights):
            rule = "agrees better elsewhere"
        elif self.bridged:
            rule = "only round-ups agree"
        else:
            rule = "second text of its outlet" if self.is_second_text else "outvoted"
        agreeing = sum(score >= 0 for score in self.scores)
        return Nearest(self.story, self.verdict.score, rule, agreeing, len(self.scores))

    def agrees(self, weights: Weights) -> bool:
        """True if one pair is sure and others agree, or the story agrees as a whole."""
        if self.bridged:
            return False
        if max(self.scores) >= weights.sure and share(self.scores, self.counts) >= not_alone(len(self.scores)):
            return True
        return not self.is_second_text and agreed(self.scores, self.counts, weights)
