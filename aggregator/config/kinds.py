"""What a value in `feeds.yaml` can be: kinds that check it, that are listed by `aggregator schema`, and hold nothing else.

A kind reads what the YAML tree gave (text, whole number, truth value, nothing, `Trap`, lists and maps of them) and makes of
it what `build` takes. What is wrong is gathered with its path, so that one mistake does not hide others. Plain classes:
making some forty of them with each start has to cost nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, Literal, NoReturn, TypeVar

from aggregator.config.surroundings import Surroundings

T = TypeVar("T")
K = TypeVar("K")
T_co = TypeVar("T_co", covariant=True)

Path = tuple[str | int, ...]
"""Where a value stands: keys, places in lists, `=name` for one of several kinds, `[key]` for a key itself."""
Mistake = Literal["said", "unknown", "missing", "text", "whole", "switch", "low", "high", "list", "map", "choice", "empty"]
"""said: in words of its own; unknown, missing: of a key; low, high: beyond a bound; the others: what is needed."""
IN_KEY = "[key]"


class Refused(Exception):
    """A value that is not of its kind. said: the message, the bound or the choices."""

    def __init__(self, mistake: Mistake, said: str = "") -> None:
        super().__init__(said)
        self.mistake = mistake
        self.said = said


class Reading:
    """One reading of a config: what values are filled in from, and what was refused so far."""

    def __init__(self, around: Surroundings) -> None:
        self.around = around
        self.refused: list[tuple[Path, Refused]] = []

    def of(self, kind: Kind[T], value: object, path: Path) -> T | None:
        """The value as its kind makes it; None where it is refused, which is then noted."""
        try:
            return kind.read(value, path, self)
        except Refused as refused:
            self.refused.append((path, refused))
            return None


class Kind(Generic[T_co]):
    """What a value is to be."""

    __slots__ = ()

    def read(self, value: object, path: Path, reading: Reading) -> T_co:
        """The value, checked. Raises Refused; what is wrong inside of it is noted, and what comes back then is of no use."""
        raise NotImplementedError

    def inner(self, part: str | int) -> Sequence[Kind[Any]]:
        """What a part of a path leads to. A name that is no place in a list leads into each of its items."""
        return ()


def wrong(message: str) -> NoReturn:
    """Refuses the value; the message says what is wrong and what to write."""
    raise Refused("said", message)


# --- single values. schema: what JSON Schema has to say of it
class Value(Kind[T_co]):
    """A value with a check of its own. written: how a checked value stands in the file."""

    __slots__ = ("_check", "schema", "written")

    def __init__(
        self, check: Callable[[object], T_co], schema: Mapping[str, Any], written: Callable[[Any], object] = lambda value: value
    ) -> None:
        self._check = check
        self.schema = schema
        self.written = written

    def read(self, value: object, path: Path, reading: Reading) -> T_co:
        return self._check(value)


class Filled(Kind[T_co]):
    """The same for a value that is filled in from the surroundings, and so may be secret: no message repeats it."""

    __slots__ = ("_check", "schema")

    def __init__(self, check: Callable[[object, Surroundings], T_co], schema: Mapping[str, Any]) -> None:
        self._check = check
        self.schema = schema

    def read(self, value: object, path: Path, reading: Reading) -> T_co:
        return self._check(value, reading.around)


def text(check: Callable[[str], str] = str, **schema: Any) -> Value[str]:
    """Text that passes a check."""

    def checked(value: object) -> str:
        if not isinstance(value, str):
            raise Refused("text")
        return check(value)

    return Value(checked, {"type": "string", **schema})


def count(low: int, high: int) -> Value[int]:
    """A whole number within bounds."""

    def checked(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise Refused("whole")
        if value < low:
            raise Refused("low", str(low))
        if value > high:
            raise Refused("high", str(high))
        return value

    return Value(checked, {"type": "integer", "minimum": low, "maximum": high})


def choice(*choices: str) -> Value[str]:
    """One of several words. YAML reads `off` as false, and so do its other words for that."""
    listed = " or ".join(filter(None, (", ".join(f"`{one}`" for one in choices[:-1]), f"`{choices[-1]}`")))

    def checked(value: object) -> str:
        word = "off" if value is False else value
        if not isinstance(word, str) or word not in choices:
            raise Refused("choice", listed)
        return word

    schema: dict[str, Any] = {"type": "string", "enum": list(choices)}
    return Value(checked, {"enum": [*choices, False]} if "off" in choices else schema)


def _switch(value: object) -> bool:
    if not isinstance(value, bool):
        raise Refused("switch")
    return value


SWITCH = Value(_switch, {"type": "boolean"})


# --- values that hold others
class ListOf(Kind[Sequence[T]]):
    """A list of one kind."""

    __slots__ = ("item",)

    def __init__(self, item: Kind[T]) -> None:
        self.item = item

    def read(self, value: object, path: Path, reading: Reading) -> Sequence[T]:
        if not isinstance(value, list):
            raise Refused("list")
        return [reading.of(self.item, item, (*path, place)) for place, item in enumerate(value)]  # type: ignore[misc]

    def inner(self, part: str | int) -> Sequence[Kind[Any]]:
        return (self.item,) if isinstance(part, int) else self.item.inner(part)


class MapOf(Kind[Mapping[str, T]]):
    """A map whose keys are the author's own."""

    __slots__ = ("key", "value")

    def __init__(self, key: Kind[str], value: Kind[T]) -> None:
        self.key, self.value = key, value

    def read(self, value: object, path: Path, reading: Reading) -> Mapping[str, T]:
        if not isinstance(value, dict):
            raise Refused("map")
        found = {}
        for name, item in value.items():
            if item is None and not isinstance(self.value, OrNothing):
                continue  # `checks` tells it
            key = reading.of(self.key, name, (*path, name, IN_KEY))
            found[key] = reading.of(self.value, item, (*path, name))
        return found  # type: ignore[return-value]

    def inner(self, part: str | int) -> Sequence[Kind[Any]]:
        return (self.value,)


class OrNothing(Kind[T | None]):
    """null has a meaning."""

    __slots__ = ("kind",)

    def __init__(self, kind: Kind[T]) -> None:
        self.kind = kind

    def read(self, value: object, path: Path, reading: Reading) -> T | None:
        return None if value is None else self.kind.read(value, path, reading)

    def inner(self, part: str | int) -> Sequence[Kind[Any]]:
        return self.kind.inner(part)


class Either(Kind[T | K]):
    """One of two kinds, by the look of the value. Each has a name, which begins with `=`."""

    __slots__ = ("_is_first", "kinds")

    def __init__(self, is_first: Callable[[object], bool], first: tuple[str, Kind[T]], second: tuple[str, Kind[K]]) -> None:
        self._is_first = is_first
        self.kinds: tuple[tuple[str, Kind[T]], tuple[str, Kind[K]]] = (first, second)

    def read(self, value: object, path: Path, reading: Reading) -> T | K:
        name, kind = self.kinds[0] if self._is_first(value) else self.kinds[1]
        return reading.of(kind, value, (*path, name))  # type: ignore[return-value]

    def inner(self, part: str | int) -> Sequence[Kind[Any]]:
        named: dict[str | int, Kind[Any]] = dict(self.kinds)
        return (named[part],) if part in named else [found for kind in named.values() for found in kind.inner(part)]
