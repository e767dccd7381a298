"""deploy/kubernetes, as kustomize puts it together: what its files promise one another and the product."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import yaml

from aggregator.run.scheduler import END_LIMIT
from aggregator.serve import ops
from aggregator.settings import is_on_server
from tests.conftest import CHECKOUT
from tests.unit.deploy.nodes import read_config, role_of

FOLDER = CHECKOUT / "deploy" / "kubernetes"
SECRETS = "/run/secrets/aggregator"
Manifest: TypeAlias = dict[str, Any]


@pytest.fixture(scope="module")
def manifests() -> list[Manifest]:
    program = shutil.which("kustomize")
    if program is None:
        pytest.skip("kustomize is not installed")
    built = subprocess.run([program, "build", FOLDER], capture_output=True, text=True, check=True, timeout=60)
    assert built.stderr == "", "nothing deprecated"
    return list(yaml.safe_load_all(built.stdout))


def of_kind(manifests: Iterable[Manifest], kind: str) -> dict[str, Manifest]:
    return {one["metadata"]["name"]: one for one in manifests if one["kind"] == kind}


def pods(manifests: Iterable[Manifest]) -> dict[str, Manifest]:
    """Role → the specification of its pods."""
    return {name: one["spec"]["template"]["spec"] for name, one in of_kind(manifests, "Deployment").items()}


def container(pod: Manifest) -> Manifest:
    (only,) = pod["containers"]
    found: Manifest = only
    return found


def test_there_are_two_of_each_role(manifests: list[Manifest]) -> None:
    found = of_kind(manifests, "Deployment")
    assert found.keys() == {"lead", "fetch", "web"}
    for name, deployment in found.items():
        assert deployment["spec"]["replicas"] == 2
        assert role_of(container(deployment["spec"]["template"]["spec"])["args"]) == name


def test_selectors_select_the_pods_of_their_role_alone(manifests: list[Manifest]) -> None:
    labels = {name: one["spec"]["template"]["metadata"]["labels"] for name, one in of_kind(manifests, "Deployment").items()}

    def selected(selector: Manifest) -> set[str]:
        return {name for name, has in labels.items() if selector.items() <= has.items()}

    for name, deployment in of_kind(manifests, "Deployment").items():
        assert selected(deployment["spec"]["selector"]["matchLabels"]) == {name}
    budgets = of_kind(manifests, "PodDisruptionBudget")
    assert budgets.keys() == labels.keys()
    for name, budget in budgets.items():
        assert selected(budget["spec"]["selector"]["matchLabels"]) == {name}
        assert budget["spec"]["maxUnavailable"] == 1
    assert selected(of_kind(manifests, "Service")["web"]["spec"]["selector"]) == {"web"}


def test_requests_come_through(manifests: list[Manifest], tmp_path: Path) -> None:
    port = read_config(FOLDER / "feeds.yaml", tmp_path, SECRETS, {"database": "postgresql://news@db/news"}).server.port
    (offered,) = of_kind(manifests, "Service")["web"]["spec"]["ports"]
    (rule,) = of_kind(manifests, "Ingress")["web"]["spec"]["rules"]
    assert rule["http"]["paths"][0]["backend"]["service"] == {"name": "web", "port": {"name": offered["name"]}}
    for pod in pods(manifests).values():
        assert container(pod)["ports"] == [{"name": offered["targetPort"], "containerPort": port}]


def test_probes_ask_what_every_node_answers(manifests: list[Manifest]) -> None:
    answered = {route.path for route in ops.routes(lambda: (True, {}), None, ops.Administration())}
    for pod in pods(manifests).values():
        probes = {name: container(pod)[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")}
        assert {probe["path"] for probe in probes.values()} <= answered
        assert {probe["port"] for probe in probes.values()} == {"http"}
        assert probes["liveness"]["path"] == "/healthz", "no node is ended because the database is away"


def test_configs_and_secrets_are_where_nodes_look(manifests: list[Manifest], tmp_path: Path) -> None:
    example = yaml.safe_load((FOLDER / "secret.example.yaml").read_text("utf-8"))
    settings = read_config(FOLDER / "feeds.yaml", tmp_path, SECRETS, example["stringData"])
    assert is_on_server(settings.storage.database)
    assert yaml.safe_load(of_kind(manifests, "ConfigMap")["aggregator"]["data"]["feeds.yaml"])["storage"]
    assert "AGGREGATOR_CONFIG=/config/feeds.yaml" in (CHECKOUT / "deploy" / "Dockerfile").read_text("utf-8")
    for pod in pods(manifests).values():
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        mounted = {mount["mountPath"]: volumes[mount["name"]] for mount in container(pod)["volumeMounts"]}
        assert mounted.keys() == {"/config", SECRETS, "/tmp", "/data"}
        assert mounted["/config"]["configMap"]["name"] in of_kind(manifests, "ConfigMap")
        assert mounted[SECRETS]["secret"]["secretName"] == example["metadata"]["name"]
        assert example["metadata"]["namespace"] == "aggregator" in of_kind(manifests, "Namespace")


def test_a_node_ends_in_peace(manifests: list[Manifest]) -> None:
    for pod in pods(manifests).values():
        waits = container(pod).get("lifecycle", {}).get("preStop", {"exec": {"command": ["sleep", "0"]}})
        assert pod["terminationGracePeriodSeconds"] > END_LIMIT + float(waits["exec"]["command"][1])


def test_a_pod_may_do_little(manifests: list[Manifest]) -> None:
    """The standard `restricted`, which the namespace enforces, and a file system that can't be written."""
    for pod in pods(manifests).values():
        about, inside = pod["securityContext"], container(pod)["securityContext"]
        assert about["runAsNonRoot"] and about["runAsUser"] == about["fsGroup"] == 10001
        assert about["seccompProfile"] == {"type": "RuntimeDefault"}
        assert inside == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False, "AGGREGATOR_… are the program's own"
        assert container(pod)["resources"]["limits"]["memory"]
