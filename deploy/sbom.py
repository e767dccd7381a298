"""Prints what the runtime is made of as CycloneDX 1.5 JSON: `python deploy/sbom.py requirements.lock > sbom.json`.

Names, versions and hashes come from the lock file; licences from what is installed beside this interpreter.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)")
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def components(lock: str) -> Iterator[dict[str, Any]]:
    """One component a pin. The hashes are those of the files that the lock allows, as external references."""
    for block in re.split(r"\n(?=\S)", lock):
        pin = PIN.match(block)
        if pin is None:
            continue
        name, version = pin["name"], pin["version"]
        purl = f"pkg:pypi/{name}@{version}"
        component: dict[str, Any] = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
        if licence := _licence(name, version):
            component["licenses"] = [{"license": {"name": licence}}]
        hashes = [{"alg": "SHA-256", "content": digest} for digest in HASH.findall(block)]
        component["externalReferences"] = [{"type": "distribution", "url": purl, "hashes": hashes}]
        yield component


def _licence(name: str, version: str) -> str | None:
    try:
        found = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return None
    if found["Version"] != version:
        return None
    classifiers = [line.rpartition(" :: ")[2] for line in found.get_all("Classifier") or () if line.startswith("License ::")]
    return found["License-Expression"] or (classifiers[0] if classifiers else None)


def main() -> None:
    """Reads the lock file named on the command line."""
    lock = Path(sys.argv[1]).read_text("utf-8")
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "aggregator", "version": metadata.version("aggregator")}},
        "components": list(components(lock)),
    }
    json.dump(document, sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
