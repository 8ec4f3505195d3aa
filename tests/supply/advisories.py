"""Matching versions with advisories in the OSV format (https://ossf.github.io/osv-schema/), without a network."""

import json
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from tests.supply.lock import Pinned

ECOSYSTEM = "PyPI"
# Of two events at one version, the one that makes it vulnerable counts last: rather once too often.
_ORDER = {"fixed": 0, "last_affected": 1, "introduced": 2}


class AdvisoriesUnusable(Exception):
    """The file holds no advisories that could be matched; the message says why."""


@dataclass(frozen=True, order=True)
class Finding:
    """An advisory that concerns a package of the lock.

    Attributes:
        fixed: the nearest version without it, or "" where there is none yet.
        also: the advisory's other names, such as its CVE.
    """

    name: str
    version: str
    advisory: str
    fixed: str
    summary: str
    also: tuple[str, ...] = ()


def load(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the advisories of a dump: a zip file, a folder, or one JSON file; raises AdvisoriesUnusable."""
    try:
        if path.is_dir():
            for file in sorted(path.rglob("*.json")):
                yield _parsed(file.read_bytes(), str(file))
        elif zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as dump:
                for name in sorted(dump.namelist()):
                    if name.endswith(".json"):
                        yield _parsed(dump.read(name), name)
        else:
            yield _parsed(path.read_bytes(), str(path))
    except (OSError, zipfile.BadZipFile) as error:
        raise AdvisoriesUnusable(f"{path} cannot be read: {error}") from error


def _parsed(text: bytes, name: str) -> dict[str, Any]:
    try:
        advisory = json.loads(text)
    except ValueError as error:
        raise AdvisoriesUnusable(f"{name} is no JSON.") from error
    if not isinstance(advisory, dict) or not isinstance(advisory.get("id"), str):
        raise AdvisoriesUnusable(f"{name} is no advisory in the OSV format.")
    return advisory


def match(locked: Iterable[Pinned], advisories: Iterable[dict[str, Any]], ignored: Iterable[str] = ()) -> list[Finding]:
    """Return what concerns the lock, sorted.

    Raises:
        AdvisoriesUnusable: none of the advisories is about Python packages at all: a wrong file must not look clean.
    """
    wanted: dict[str, list[Pinned]] = {}
    for each in locked:
        wanted.setdefault(each.name, []).append(each)
    skipped, found, seen = set(ignored), set(), 0
    for advisory in advisories:
        concerned = [part for part in advisory.get("affected", []) if _is_python(part)]
        seen += bool(concerned)
        names = {advisory["id"], *advisory.get("aliases", [])}
        if advisory.get("withdrawn") or names & skipped:
            continue
        for part in concerned:
            for each in wanted.get(canonicalize_name(part["package"]["name"]), []):
                if is_affected(each.version, part):
                    found.add(_finding(each, advisory, part))
    if not seen:
        raise AdvisoriesUnusable(f"There is no advisory about {ECOSYSTEM} packages in it.")
    return sorted(found)


def _is_python(part: dict[str, Any]) -> bool:
    return str(part.get("package", {}).get("ecosystem", "")).partition(":")[0] == ECOSYSTEM


def _finding(each: Pinned, advisory: dict[str, Any], part: dict[str, Any]) -> Finding:
    summary = str(advisory.get("summary") or advisory.get("details") or "").strip().partition("\n")[0][:120]
    also = tuple(sorted(advisory.get("aliases", [])))
    return Finding(each.name, each.version, advisory["id"], _fixed_in(each.version, part), summary, also)


def is_affected(version: str, part: dict[str, Any]) -> bool:
    """Return whether one `affected` entry names a version: in its list, or within one of its ranges."""
    parsed = Version(version)
    listed = [_version(text) for text in part.get("versions", [])]
    if parsed in listed:
        return True
    ranges = [each for each in part.get("ranges", []) if each.get("type") in {"ECOSYSTEM", "SEMVER"}]
    return any(_is_within(parsed, each.get("events", []), is_listed=bool(listed)) for each in ranges)


def _is_within(version: Version, events: list[dict[str, str]], *, is_listed: bool) -> bool:
    """Walk the events of a range in the order of their versions, as the format's evaluation does.

    Where an event names no version by PEP 440 nothing can be said; then the list decides, and without a list it counts.
    """
    pairs = [(kind, text, _version(text)) for event in events for kind, text in event.items() if kind in _ORDER]
    if any(at is None for _, _, at in pairs):
        return not is_listed
    vulnerable = False
    for kind, _, at in sorted(pairs, key=lambda pair: (pair[2] or _LOWEST, _ORDER[pair[0]])):
        at = at or _LOWEST
        if kind == "introduced" and version >= at:
            vulnerable = True
        elif (kind == "fixed" and version >= at) or (kind == "last_affected" and version > at):
            vulnerable = False
    return vulnerable and _is_below_limit(version, events)


def _is_below_limit(version: Version, events: list[dict[str, str]]) -> bool:
    limits = [event["limit"] for event in events if "limit" in event]
    ends = [_version(text) for text in limits if text != "*"]
    return not limits or "*" in limits or any(end is None or version < end for end in ends)


_LOWEST = Version("0.dev0")


def _version(text: str) -> Version | None:
    """Return a version, the lowest for "0", which stands for the beginning, or None where it is none."""
    if text == "0":
        return _LOWEST
    try:
        return Version(text)
    except InvalidVersion:
        return None


def _fixed_in(version: str, part: dict[str, Any]) -> str:
    events = [event for each in part.get("ranges", []) if each.get("type") != "GIT" for event in each.get("events", [])]
    fixed = [_version(event["fixed"]) for event in events if "fixed" in event]
    later = [each for each in fixed if each is not None and each > Version(version)]
    return str(min(later)) if later else ""
