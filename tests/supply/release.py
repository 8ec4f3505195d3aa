"""`make release`: the source archive, its bill of materials and their checksums in `dist/`, from a clean commit.

`--bill-only` writes the bill of materials alone.
"""

import argparse
import hashlib
import subprocess
import sys
from pathlib import Path

from portal import __version__
from tests.supply.bom import EnvironmentDiffers, make_bom
from tests.supply.lock import ROOT, LockLoose

DIST = ROOT / "dist"


def main(arguments: list[str] | None = None, *, root: Path = ROOT) -> int:
    """Write the files, and return the exit status."""
    parser = argparse.ArgumentParser(prog="make release", description=__doc__)
    parser.add_argument("--bill-only", action="store_true", help="the bill of materials alone")
    parser.add_argument("--to", type=Path, default=DIST, metavar="FOLDER", help="where the files go (dist)")
    options = parser.parse_args(arguments)
    if not options.bill_only and _git(root, "status", "--porcelain"):
        sys.stderr.write("There are changes that no commit has. A release is made of a commit.\n")
        return 1
    try:
        bill = make_bom(int(_git(root, "log", "-1", "--format=%ct")))
    except (EnvironmentDiffers, LockLoose) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for file in write_files(options.to, bill, archived=None if options.bill_only else root):
        sys.stdout.write(f"{file}\n")
    return 0


def write_files(folder: Path, bill: str, *, archived: Path | None) -> list[Path]:
    """Write a bill of materials, with archive and checksums where a repository is given, and return the files.

    The archive holds the commit and nothing of the working tree, so it is the same for the same commit.
    """
    name = f"gatehouse-{__version__}"
    folder.mkdir(exist_ok=True)
    made = [folder / f"{name}.cdx.json"]
    made[0].write_text(bill)
    if archived is not None:
        made.append(folder / f"{name}.tar.gz")
        _git(archived, "archive", "--format=tar.gz", f"--prefix={name}/", f"--output={made[-1]}", "HEAD")
        sums = "".join(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in sorted(made))
        made.append(folder / "SHA256SUMS")
        made[-1].write_text(sums)
    return made


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603  (our own)


if __name__ == "__main__":
    sys.exit(main())
