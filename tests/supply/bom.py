"""The bill of materials of a release (CycloneDX 1.6), from the installed packages that the lock names.

`cyclonedx-py` looks at everything that is installed, tests' tools too; what the lock does not name is taken out.
"""

import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

from packaging.utils import canonicalize_name

from tests.supply.lock import ROOT, Pinned, read_lock

MAIN = "root-component"
Bom = dict[str, Any]


class EnvironmentDiffers(Exception):
    """What is installed is not what the lock names; the message says how."""


def make_bom(at: int) -> str:
    """Return the bill of materials as JSON, the same for the same lock, project and time.

    Args:
        at: the time that it states, in seconds since 1970: the commit's.

    Raises:
        EnvironmentDiffers: the lock is not installed.
    """
    bom: Bom = json.loads(_look())
    locked = {each.name: each for each in read_lock()}
    installed = {canonicalize_name(each["name"]): each for each in bom["components"]}
    components = [_component(each, installed.get(each.name)) for each in locked.values()]
    bom["components"] = sorted(components, key=lambda each: each["bom-ref"])
    refs = {each["bom-ref"] for each in components} | {MAIN}
    bom["dependencies"] = _graph(bom, refs)
    bom["metadata"]["timestamp"] = datetime.fromtimestamp(at, UTC).isoformat()
    main = bom["metadata"]["component"]
    main["purl"] = f"pkg:generic/{main['name']}@{main['version']}"
    return json.dumps(bom, indent=2, sort_keys=True) + "\n"


def _look() -> str:
    """Return what `cyclonedx-py` finds in this environment."""
    command = [sys.executable, "-m", "cyclonedx_py", "environment", sys.executable]
    command += ["--pyproject", str(ROOT / "pyproject.toml"), "--mc-type", "application"]
    command += ["--spec-version", "1.6", "--output-format", "JSON", "--output-reproducible", "--no-validate"]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout  # noqa: S603  (our own)


def _component(pinned: Pinned, found: dict[str, Any] | None) -> dict[str, Any]:
    """Return a package of the lock as a component: as it is installed, or by name where this machine needs none."""
    if found is None and pinned.marker:
        ref = f"{pinned.name}=={pinned.version}"
        plain = {"bom-ref": ref, "name": pinned.name, "version": pinned.version, "type": "library"}
        found = {**plain, "purl": pinned.purl, "scope": "optional"}
    if found is None or found["version"] != pinned.version:
        has = found["version"] if found else "none"
        cure = "Install it: pip install -r requirements.txt"
        raise EnvironmentDiffers(f"The lock names {pinned.name} {pinned.version}, and {has} is installed. {cure}")
    marker = [{"name": "gatehouse:marker", "value": pinned.marker}] if pinned.marker else []
    return {**found, **({"properties": [*found.get("properties", []), *marker]} if marker else {})}


def _graph(bom: Bom, refs: set[str]) -> list[dict[str, Any]]:
    """Return who needs whom among the components; the application needs what pyproject.toml names for running."""
    known = {each["ref"]: [ref for ref in each.get("dependsOn", []) if ref in refs] for each in bom["dependencies"]}
    return [{"ref": ref, "dependsOn": sorted(known.get(ref, []))} for ref in sorted(refs)]
