"""Decides which addresses may be connected to. Checked at connect time, for every hop, on the very address that is used.

The ranges are listed here because `ipaddress.is_global` of Python 3.11 calls several of them public (64:ff9b::/96, 2002::/16, …).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

REFUSED_V4: tuple[tuple[IPv4Network, str], ...] = tuple(
    (IPv4Network(network), name)
    for network, name in (
        ("0.0.0.0/8", "this host"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "private (carrier NAT)"),
        ("100.100.100.200/32", "cloud metadata"),
        ("127.0.0.0/8", "loopback"),
        ("168.63.129.16/32", "cloud metadata"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved"),
        ("192.0.2.0/24", "documentation"),
        ("192.88.99.0/24", "reserved"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "private (benchmark)"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
    )
)
"""Ranges outside the public internet: IANA's special-purpose registry (RFC 6890) and the clouds' metadata services."""

REFUSED_V6: tuple[tuple[IPv6Network, str], ...] = tuple(
    (IPv6Network(network), name)
    for network, name in (
        ("::/128", "this host"),
        ("::1/128", "loopback"),
        ("::/96", "reserved"),
        ("::ffff:0:0:0/96", "reserved"),
        ("64:ff9b:1::/48", "private (translation)"),
        ("100::/64", "discard"),
        ("100:0:0:1::/64", "reserved"),
        ("2001::/23", "reserved"),
        ("2001:db8::/32", "documentation"),
        ("3fff::/20", "documentation"),
        ("5f00::/16", "reserved"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "private (site-local)"),
        ("ff00::/8", "multicast"),
    )
)

LOCAL_NAMES: dict[str, str] = {
    "localhost": "127.0.0.1",
    "localdomain": "127.0.0.1",
    "localhost4": "127.0.0.1",
    "localhost6": "::1",
    "localdomain6": "::1",
    "ip6-localhost": "::1",
    "ip6-loopback": "::1",
    "instance-data": "169.254.169.254",
    "instance-data.ec2.internal": "169.254.169.254",
    "metadata": "169.254.169.254",
    "metadata.goog": "169.254.169.254",
    "metadata.google.internal": "169.254.169.254",
}
"""Names that mean the same on every machine (RFC 6761 6.3) or in a cloud. Names below them mean it, too."""
_PRIVATE_NAMES = frozenset({"local", "internal", "intranet", "lan", "home", "corp", "arpa"})
"""Last labels that public DNS doesn't have and won't have (RFC 6762, RFC 8375, ICANN's name collisions)."""

_NAT64 = IPv6Network("64:ff9b::/96")
_SIX_TO_FOUR = IPv6Network("2002::/16")
_NUMBER = re.compile(r"(?:0[xX][0-9a-fA-F]*|[0-9]+)\Z")


def unwrap(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one (mapped, NAT64, 6to4), where a packet would really go; else the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    if address in _SIX_TO_FOUR and address.sixtofour is not None:
        return address.sixtofour
    return address


def literal_address(host: str) -> Address | None:
    """The IP address that a URL's host stands for, in any notation, or None if it is a name.

    Read as resolvers do (`inet_aton`): one to four parts, decimal, octal (0…) or hexadecimal (0x…), where the last fills the
    remaining bytes; also full-width and circled digits (NFKC, as IDNA maps them), and IPv6 with or without brackets and zone.
    """
    text = unicodedata.normalize("NFKC", host).strip("[]").partition("%")[0].rstrip(".")
    if ":" in text:
        try:
            return IPv6Address(text)
        except ValueError:
            return None
    return _numbers(text.split("."))


def _numbers(parts: list[str]) -> IPv4Address | None:
    if not 1 <= len(parts) <= 4 or not all(_NUMBER.match(part) and len(part) < 40 for part in parts):
        return None
    try:
        values = [_value(part) for part in parts]
        *heads, last = values
        if any(value > 255 for value in heads) or last >= 256 ** (5 - len(values)):
            return None
        return IPv4Address(sum(value << (24 - 8 * place) for place, value in enumerate(heads)) + last)
    except ValueError:
        return None


def _value(part: str) -> int:
    if part[:2] in ("0x", "0X"):
        return int(part[2:] or "0", 16)
    return int(part, 8) if part[0] == "0" and len(part) > 1 else int(part)


class Guard:
    """The list of what is refused, with the ranges that `network.allow` opens."""

    def __init__(self, allow: Iterable[str] = ()) -> None:
        self._allow: tuple[Network, ...] = tuple(ip_network(text, strict=False) for text in allow)
        self.refusal = lru_cache(maxsize=4_096)(self._refusal)
        """`_refusal`, cached: it is pure, and the same addresses come again."""

    def _refusal(self, text: str) -> str | None:
        """Why an address from a resolver must not be connected to, as a message that names it; None if it may."""
        try:
            address = ip_address(text.partition("%")[0])
        except ValueError:
            return f"address {text!r} not understood, not allowed"
        inner = unwrap(address)
        if any(_inside(inner, network) or _inside(address, network) for network in self._allow):
            return None
        name = _refused_range(inner)
        shown = str(address) if inner == address else f"{address} ({inner})"
        return None if name is None else f"{name} address {shown} not allowed"

    def refusal_of_host(self, host: str) -> str | None:
        """`refusal` for a host that somebody else resolves (a proxy), as far as the name alone shows it."""
        address = literal_address(host)
        if address is not None:
            return self.refusal(str(address))
        labels = host.lower().rstrip(".").split(".")
        if _NUMBER.match(labels[-1]) or ":" in host:
            return f"address {host!r} not understood, not allowed"
        meant = (LOCAL_NAMES.get(".".join(labels[start:])) for start in range(len(labels)))
        refusals = (self.refusal(address) for address in meant if address is not None)
        return next((f"{host} is a {refusal}" for refusal in refusals if refusal is not None), None)


_NOTHING_ALLOWED = Guard()
"""What the config allows doesn't make an address public."""


def is_private_name(host: str) -> bool:
    """True for a name that only a private network can resolve: without a dot, or below a domain that is not public."""
    labels = host.lower().rstrip(".").split(".")
    return literal_address(host) is None and (len(labels) == 1 or labels[-1] in _PRIVATE_NAMES)


def is_private_host(host: str) -> bool:
    """True for an address outside the public internet, in any notation, and for a name that no public server resolves."""
    return is_private_name(host) or _NOTHING_ALLOWED.refusal_of_host(host) is not None


def how_to_allow(text: str) -> str:
    """What to write into the config for a refused address of one's own; "" for metadata services and the like."""
    inner = unwrap(ip_address(text.partition("%")[0]))
    if not (_refused_range(inner) or "").startswith(("loopback", "private")):
        return ""
    return f"; if it is yours, add `network: {{allow: [{ip_network(inner)}]}}` to the config"


def _inside(address: Address, network: Network) -> bool:
    return address.version == network.version and address in network


def _refused_range(address: Address) -> str | None:
    if isinstance(address, IPv4Address):
        return next((name for network, name in REFUSED_V4 if address in network), None)
    return next((name for network, name in REFUSED_V6 if address in network), None)
