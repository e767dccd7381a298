"""What the container files promise one another and the product."""

from __future__ import annotations

import lzma
import re
from importlib.resources import files

import yaml

from tests.conftest import CHECKOUT

DEPLOY = CHECKOUT / "deploy"


def temporary(text: str) -> int:
    """Bytes of /tmp that a container is given."""
    found = re.search(r"/tmp:size=(\d+)m", text)
    assert found is not None
    return int(found[1]) << 20


def test_there_is_room_for_the_language_model_while_it_is_unpacked() -> None:
    with lzma.open(str(files("py3langid") / "data" / "model.npz.xz")) as model:
        unpacked = sum(map(len, iter(lambda: model.read(1 << 20), b"")))
    for name in ("compose.yaml", "aggregator.container", "cluster/compose.yaml"):
        assert temporary((DEPLOY / name).read_text("utf-8")) > 1.5 * unpacked, name


def test_what_comes_as_source_alone_is_allowed_to_be_built_and_can_be() -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text("utf-8")
    assert "--only-binary :all: --no-binary feedgen" in dockerfile
    assert "setuptools==" in (CHECKOUT / "requirements-build.lock").read_text("utf-8")


def test_what_the_image_is_made_of_is_given_to_its_build() -> None:
    """.dockerignore leaves out everything but what it names."""
    given = re.findall(r"^!(.+)$", (CHECKOUT / ".dockerignore").read_text("utf-8"), re.MULTILINE)
    dockerfile = (DEPLOY / "Dockerfile").read_text("utf-8")
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE)
    names = {name for line in copied for name in line.split()}
    assert (names - {"${LOCK}"}) | {"requirements.lock", "requirements-extras.lock"} == set(given)
    assert all((CHECKOUT / name).exists() for name in given)


def test_the_health_check_is_waited_for_where_it_is_built_in() -> None:
    assert "HEALTHCHECK" in (DEPLOY / "Dockerfile").read_text("utf-8")
    quadlet = (DEPLOY / "aggregator.container").read_text("utf-8")
    assert "Notify=healthy" in quadlet
    assert "podman build --format docker" in quadlet, "podman's own format has no health checks"
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]
    assert services["caddy"]["depends_on"]["aggregator"] == {"condition": "service_healthy"}


def test_units_wait_for_the_time_of_the_network() -> None:
    """A board without a clock would begin in the year of its last build."""
    for name in ("aggregator.service", "aggregator.container"):
        after = re.findall(r"^After=(.+)$", (DEPLOY / name).read_text("utf-8"), re.MULTILINE)
        assert "time-sync.target" in " ".join(after).split(), name
