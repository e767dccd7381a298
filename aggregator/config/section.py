"""What all sections of the config have in common: a class for each, with its keys as attributes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Generic, Self, TypeVar, cast, overload

from aggregator.config.kinds import Kind, Path, Reading, Refused, choice
from aggregator.settings import DAY

YEAR = 366 * DAY
CENTURY = 100 * YEAR

CONTENT = choice("full", "summary", "title")
LEVEL = choice("story", "event")

T = TypeVar("T")


class Key(Generic[T]):
    """All that is said of a key of a section. Checks, messages, JSON Schema and defaults derive from it; the docs are compared.

    default: what it means when it is absent; name: as written, where Python can't have it so; nullable: it may be written without
    a value; secret: no message repeats it (of a `Filled` value none does).
    """

    __slots__ = ("default", "description", "kind", "name", "needed", "nullable", "secret")

    def __init__(
        self, kind: Kind[T], description: str, default: T | None, *, needed: bool, name: str, nullable: bool, secret: bool
    ) -> None:
        self.kind, self.description, self.default, self.needed, self.name = kind, description, default, needed, name
        self.nullable, self.secret = nullable, secret


@overload
def key(kind: Kind[T], description: str, *, default: None, nullable: bool = False) -> T | None: ...
@overload
def key(kind: Kind[T], description: str, *, default: T, name: str = "", nullable: bool = False, secret: bool = False) -> T: ...
def key(kind: Kind[Any], description: str, *, default: Any, name: str = "", nullable: bool = False, secret: bool = False) -> Any:
    """A key that may be left out."""
    return Key(kind, description, default, needed=False, name=name, nullable=nullable, secret=secret)


def needed(kind: Kind[T], description: str, *, secret: bool = False) -> T:
    """A key that must be there."""
    return cast("T", Key(kind, description, None, needed=True, name="", nullable=False, secret=secret))


class Section:
    """A map of known keys, no others. An attribute has what the file says, else the key's default."""

    known: ClassVar[dict[str, tuple[str, Key[Any]]]] = {}
    """By the name as written: the attribute and the key; those of base classes first."""

    def __init_subclass__(cls) -> None:
        own = {attribute: key for attribute, key in vars(cls).items() if isinstance(key, Key)}
        cls.known = cls.known | {key.name or attribute: (attribute, key) for attribute, key in own.items()}
        for attribute, one in own.items():
            if one.needed:
                delattr(cls, attribute)
            else:
                setattr(cls, attribute, one.default)

    def __init__(self, **said: object) -> None:
        self.__dict__.update(said)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a {type(self).__name__} never changes")

    @classmethod
    def read(cls, value: object, path: Path, reading: Reading) -> Self:
        """Takes a map with these keys. Raises Refused; what is wrong inside is noted. A key without a value counts as absent."""
        if not isinstance(value, dict):
            raise Refused("map")
        said = {}
        for name, (attribute, one) in cls.known.items():
            if (item := value.get(name)) is not None:
                said[attribute] = reading.of(one.kind, item, (*path, name))
            elif one.needed:
                reading.refused.append(((*path, name), Refused("missing")))
        if len(value) > len(said):
            strange = [name for name, item in value.items() if name not in cls.known and item is not None]
            reading.refused += [((*path, name), Refused("unknown")) for name in strange]
        return cls(**said)


S = TypeVar("S", bound=Section)


class Part(Kind[S]):
    """A map that is a section. short: the key that a text alone stands for."""

    __slots__ = ("section", "short")

    def __init__(self, section: type[S], short: str = "") -> None:
        self.section, self.short = section, short

    def read(self, value: object, path: Path, reading: Reading) -> S:
        if self.short and isinstance(value, str):
            value = {self.short: value}
        return self.section.read(value, path, reading)

    def inner(self, part: str | int) -> Sequence[Kind[Any]]:
        return (self.section.known[str(part)][1].kind,) if part in self.section.known else ()
