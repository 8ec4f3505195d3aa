"""`make audit`: whether a known advisory concerns what Gatehouse runs on.

With a dump of advisories nothing is asked of the network; without one, pip-audit asks. Exit status 0: nothing known;
1: findings; 2: it could not be told.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from tests.supply.advisories import AdvisoriesUnusable, Finding, load, match
from tests.supply.lock import LOCK, LockLoose, Pinned, read_lock


def main(arguments: list[str] | None = None) -> int:
    """Audit the lock, and return the exit status."""
    parser = argparse.ArgumentParser(prog="make audit", description=__doc__)
    parser.add_argument("lock", nargs="?", type=Path, default=LOCK, help="the lock (requirements.txt)")
    text = "a dump of OSV advisories: PyPI's all.zip from osv.dev, a folder of JSON files, or one of them"
    parser.add_argument("--advisories", type=Path, metavar="FILE", help=text)
    text = "an advisory that was looked at and does not concern Gatehouse; may be given again"
    parser.add_argument("--ignore", action="append", default=[], metavar="ID", help=text)
    options = parser.parse_args(arguments)
    try:
        locked = read_lock(options.lock)
        if options.advisories is None:
            return _ask_online(options.lock, options.ignore)
        findings = match(locked, load(options.advisories), options.ignore)
    except (LockLoose, AdvisoriesUnusable, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    _print(locked, findings)
    return 1 if findings else 0


def _print(locked: list[Pinned], findings: list[Finding]) -> None:
    for each in findings:
        cure = f"fixed in {each.fixed}" if each.fixed else "no fixed version is known"
        names = " ".join([each.advisory, *each.also])
        sys.stdout.write(f"{each.name} {each.version}: {names}: {cure}. {each.summary}".rstrip() + "\n")
    sys.stdout.write(f"{len(locked)} packages, {len(findings)} findings.\n")


def _ask_online(lock: Path, ignored: list[str]) -> int:
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(lock), "--no-deps", "--disable-pip"]
    command += [part for each in ignored for part in ("--ignore-vuln", each)]
    return subprocess.run(command, check=False).returncode  # noqa: S603  (our own arguments)


if __name__ == "__main__":
    sys.exit(main())
