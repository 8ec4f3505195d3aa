"""Reading `requirements.txt` as `make lock` writes it: exact versions, and nothing else."""

from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent.parent
LOCK = ROOT / "requirements.txt"


class LockLoose(Exception):
    """A line of the lock does not name one exact version; the message says which."""


@dataclass(frozen=True, order=True)
class Pinned:
    """A package with its version.

    Attributes:
        marker: where it is needed, such as `sys_platform == 'win32'`; "" for everywhere.
    """

    name: str
    version: str
    marker: str = ""

    @property
    def purl(self) -> str:
        """The package URL, by which other tools know it."""
        return f"pkg:pypi/{self.name}@{self.version}"


def read_lock(path: Path = LOCK) -> list[Pinned]:
    """Return the packages of a lock; raises LockLoose for anything that is not one exact version."""
    found = []
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        text = line.partition(" #")[0].strip()
        if text and not text.startswith("#"):
            found.append(_pinned(text, where=f"{path.name}, line {number}"))
    if not found:
        raise LockLoose(f"{path.name} names no package.")
    return found


def _pinned(text: str, *, where: str) -> Pinned:
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        raise LockLoose(f"{where}: {text!r} is not a package with an exact version.") from error
    pins = list(requirement.specifier)
    if requirement.url or len(pins) != 1 or pins[0].operator != "==" or "*" in pins[0].version:
        raise LockLoose(f"{where}: {text!r} is not pinned to one exact version.")
    marker = str(requirement.marker) if requirement.marker else ""
    return Pinned(canonicalize_name(requirement.name), str(Version(pins[0].version)), marker)
