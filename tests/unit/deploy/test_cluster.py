"""deploy/cluster: what its files promise one another and the product."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from aggregator.run.scheduler import END_LIMIT
from tests.conftest import CHECKOUT
from tests.unit.deploy.nodes import read_config, role_of

FOLDER = CHECKOUT / "deploy" / "cluster"
COMPOSE = yaml.safe_load((FOLDER / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
NODES = {name: service for name, service in SERVICES.items() if service["image"].startswith("aggregator")}


def test_there_are_two_of_each_role() -> None:
    roles = sorted(role_of(node["command"]) for node in NODES.values())
    assert roles == ["fetch", "fetch", "lead", "lead", "web", "web"]


def test_nodes_find_the_database_and_readers_the_nodes(tmp_path: Path) -> None:
    settings = read_config(FOLDER / "config" / "feeds.yaml", tmp_path, "/run/secrets", {"postgres-password": "secret"})
    address, said = urlsplit(settings.storage.database), SERVICES["postgres"]["environment"]
    assert (address.username, address.path, address.password) == (said["POSTGRES_USER"], f"/{said['POSTGRES_DB']}", "secret")
    assert address.hostname == "postgres" in SERVICES
    assert said["POSTGRES_PASSWORD_FILE"] == "/run/secrets/postgres-password"
    serving = {f"{name}:{settings.server.port}" for name, node in NODES.items() if role_of(node["command"]) == "web"}
    assert set(SERVICES["caddy"]["environment"]["UPSTREAMS"].split()) == serving
    assert settings.server.host == "0.0.0.0"
    for place in (settings.publish.directory, settings.publish.private):
        assert Path(place).parent == Path("/data")


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_may_do_little_and_comes_back(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["restart"] == "unless-stopped"
    assert "build" in service or re.fullmatch(r"docker\.io/library/\w+:\d+", service["image"])


@pytest.mark.parametrize("name", NODES)
def test_a_node_ends_in_peace_and_has_room(name: str) -> None:
    node = NODES[name]
    assert int(node["stop_grace_period"].removesuffix("s")) > END_LIMIT
    mounted = {volume.split(":")[1] for volume in node["volumes"]} | {one.split(":")[0] for one in node["tmpfs"]}
    assert {"/config", "/data", "/tmp"} <= mounted
    assert node["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert "healthcheck" in SERVICES["postgres"]


def test_leads_share_no_folder() -> None:
    folders = [v for n in NODES.values() if role_of(n["command"]) == "lead" for v in n["volumes"] if v.endswith(":/data")]
    assert len(set(folders)) == 2


def test_what_is_named_is_there() -> None:
    for service in SERVICES.values():
        assert set(service.get("secrets", ())) <= COMPOSE["secrets"].keys()
        assert set(service["networks"]) <= COMPOSE["networks"].keys()
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            assert (FOLDER / source).exists() if source.startswith(".") else source in COMPOSE["volumes"], volume
    build = {"context": "../..", "dockerfile": "deploy/Dockerfile", "args": {"LOCK": "requirements-extras.lock"}}
    assert all(node["build"] == build for node in NODES.values()), "PostgreSQL needs an extra"
