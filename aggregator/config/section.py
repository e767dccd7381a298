"""What all models of the config have in common."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict

DAY = 86_400.0
YEAR = 366 * DAY
CENTURY = 100 * YEAR

Content = Literal["full", "summary", "title"]
Level = Literal["story", "event"]


def wrapped(key: str, model: type[BaseModel]) -> BeforeValidator:
    """A text alone stands for a map with that key."""
    return BeforeValidator(lambda value: {key: value} if isinstance(value, str) else value, json_schema_input_type=str | model)


class Section(BaseModel):
    """A map of known keys, no others."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, use_attribute_docstrings=False, arbitrary_types_allowed=True
    )
