"""Addresses that must never be connected to, in every form of writing them."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from aggregator.fetch.guard import Guard, how_to_allow, literal_address

REFUSED = """0.0.0.0 0.1.2.3 10.255.255.1 100.64.0.1 100.127.255.255 100.100.100.200 127.0.0.1 127.255.255.254 168.63.129.16
    169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.192 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.19.255.255
    198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
    :: ::1 ::7f00:1 ::ffff:10.0.0.1 ::ffff:127.0.0.1 ::ffff:0:127.0.0.1 64:ff9b::10.0.0.1 64:ff9b::7f00:1 64:ff9b:1::1 100::1
    2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:db8::1 2002:7f00:1:: 2002:0a00:0001::1 3fff::1 5f00::1 fc00::1 fd12::1
    fe80::1 fe80::1%eth0 fec0::1 ff02::1 fd00:ec2::254""".split()
PUBLIC = """1.1.1.1 9.255.255.255 11.0.0.1 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.1 172.15.255.255 172.32.0.0
    192.0.1.1 192.167.255.255 198.17.255.255 198.20.0.0 223.255.255.255 2606:4700::1111 2a00:1450::1 ::ffff:8.8.8.8
    64:ff9b::8.8.8.8 2002:808:808::1""".split()


@pytest.mark.parametrize("address", REFUSED)
def test_special_addresses_are_refused_by_name(address: str) -> None:
    refusal = Guard().refusal(address)
    assert refusal is not None and "not allowed" in refusal and "address" in refusal


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_pass(address: str) -> None:
    assert Guard().refusal(address) is None


@pytest.mark.parametrize(
    ("allow", "address", "passes"),
    [
        ("127.0.0.0/8", "127.0.0.2", True),
        ("127.0.0.2/32", "127.0.0.3", False),
        ("127.0.0.2", "::ffff:127.0.0.2", True),
        ("127.0.0.2", "::ffff:127.0.0.3", False),
        ("127.0.0.0/8", "::1", False),
        ("127.0.0.0/8", "0.0.0.0", False),
        ("fd00::/8", "fd12::1", True),
        ("fd00::/8", "fe80::1", False),
        ("0.0.0.0/0", "10.0.0.1", True),
        ("0.0.0.0/0", "fd12::1", False),
    ],
)
def test_a_range_that_is_allowed_opens_itself_alone(allow: str, address: str, passes: bool) -> None:
    assert (Guard([allow]).refusal(address) is None) is passes


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("127.0.1", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("0x7f000001", "127.0.0.1"),
        ("0X7F.1", "127.0.0.1"),
        ("0177.0.0.1", "127.0.0.1"),
        ("012.0377.0377.01", "10.255.255.1"),
        ("0", "0.0.0.0"),
        ("127.0.0.1.", "127.0.0.1"),
        ("①②⑦.⓪.⓪.①", "127.0.0.1"),
        ("１２７.０.０.１", "127.0.0.1"),
        ("[::1]", "::1"),
        ("[::ffff:127.0.0.1]", "::ffff:7f00:1"),
        ("fe80::1%25eth0", "fe80::1"),
        ("news.example", None),
        ("127.example", None),
        ("1.2.3.4.5", None),
        ("256.1.1.1", None),
        ("08.1.1.1", None),
        ("99999999999", None),
        ("1" * 5000, None),
        ("::1::", None),
        ("", None),
    ],
)
def test_every_way_of_writing_an_address_is_seen_through(host: str, address: str | None) -> None:
    found = literal_address(host)
    assert found == (ip_address(address) if address else None)


@pytest.mark.parametrize(
    ("address", "line"),
    [
        ("192.168.1.5", "network: {allow: [192.168.1.5/32]}"),
        ("fd00::5", "network: {allow: [fd00::5/128]}"),
        ("::ffff:10.0.0.5", "network: {allow: [10.0.0.5/32]}"),
    ],
)
def test_the_line_of_the_config_that_allows_an_address_is_known(address: str, line: str) -> None:
    assert line in how_to_allow(address)
    assert Guard([line.partition("[")[2].partition("]")[0]]).refusal(address) is None


def test_nobody_is_told_how_to_reach_a_metadata_service() -> None:
    assert how_to_allow("169.254.169.254") == ""
