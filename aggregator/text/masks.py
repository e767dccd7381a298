"""Addresses without the secrets in them, for everything that is shown, logged or published."""

from __future__ import annotations

import re
from collections.abc import Collection

from msgspec import Struct

_USER = re.compile(r"^([a-zA-Z][a-zA-Z0-9+.-]*://)[^/?#]*@")
_SECRET_PARAMETER = re.compile(r"(?i)([?&](?:token|key|api_?key|auth|password|secret|access_token|sig)=)[^&#]*")


def shown(url: str) -> str:
    """The address without user name and password, and with values of parameters that name a secret replaced by `***`."""
    bare = _USER.sub(r"\1", url) if "@" in url else url
    return _SECRET_PARAMETER.sub(r"\1***", bare) if "=" in bare else bare


def hide(text: str, secrets: Collection[str]) -> str:
    """The text with every secret (`Settings.secrets`) replaced by `***`, whatever it stands in; longer ones first."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def repr_without(value: Struct, *hidden: str) -> str:
    """What `repr` says of a value, but for the fields that hold secrets."""
    shown = (f"{name}={getattr(value, name)!r}" for name in value.__struct_fields__ if name not in hidden)
    return f"{type(value).__name__}({', '.join(shown)})"
