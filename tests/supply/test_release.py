"""The bill of materials of a release: valid, complete, and the same each time."""

import hashlib
import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from portal import __version__
from tests.supply.bom import MAIN, make_bom
from tests.supply.lock import ROOT, read_lock
from tests.supply.release import main, write_files

AT = 1_800_000_000
NAME = f"gatehouse-{__version__}"


@pytest.fixture(scope="module")
def text() -> str:
    return make_bom(AT)


@pytest.fixture(scope="module")
def bom(text: str) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(text)
    return made


def test_it_is_valid_by_the_schema(text: str, bom: dict[str, Any]) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert (bom["bomFormat"], bom["specVersion"]) == ("CycloneDX", "1.6")


def test_it_names_gatehouse_first(bom: dict[str, Any]) -> None:
    main_component = bom["metadata"]["component"]
    assert (main_component["name"], main_component["version"]) == ("gatehouse", __version__)
    assert main_component["type"] == "application" and main_component["purl"] == f"pkg:generic/gatehouse@{__version__}"
    assert bom["metadata"]["timestamp"] == "2027-01-15T08:00:00+00:00"


def test_it_has_each_package_of_the_lock_and_no_other(bom: dict[str, Any]) -> None:
    purls = sorted(component["purl"] for component in bom["components"])
    assert purls == sorted(each.purl for each in read_lock())
    assert not {"pytest", "mypy", "ruff", "playwright"} & {component["name"] for component in bom["components"]}


def test_each_installed_package_has_a_licence(bom: dict[str, Any]) -> None:
    installed = [each for each in bom["components"] if each.get("scope") != "optional"]
    assert [each["name"] for each in installed if not each.get("licenses")] == []


def test_the_graph_reaches_every_installed_package(bom: dict[str, Any]) -> None:
    needs = {each["ref"]: each["dependsOn"] for each in bom["dependencies"]}
    reached, waiting = set(), [MAIN]
    while waiting:
        ref = waiting.pop()
        if ref not in reached:
            reached.add(ref)
            waiting += needs[ref]
    optional = {each["bom-ref"] for each in bom["components"] if each.get("scope") == "optional"}
    assert {each["bom-ref"] for each in bom["components"]} - reached <= optional
    assert any(ref.lower().startswith("django==") for ref in needs[MAIN])


def test_it_is_the_same_each_time_and_names_no_machine(text: str, bom: dict[str, Any]) -> None:
    assert make_bom(AT) == text
    assert "serialNumber" not in bom and str(ROOT) not in text


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one commit."""
    root = tmp_path / "repository"
    root.mkdir()
    (root / "manage.py").write_text("# committed\n")
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "Begin"]):
        who = ["-c", "user.name=Tests", "-c", "user.email=tests@gatehouse.example"]
        subprocess.run(["git", *who, *arguments], cwd=root, check=True)  # noqa: S603, S607  (our own)
    return root


def test_a_release_is_the_commit_with_its_bill_and_checksums(tmp_path: Path, repository: Path, text: str) -> None:
    (repository / "manage.py").write_text("# changed since\n")
    first, second = (write_files(tmp_path / name, text, archived=repository) for name in ("first", "second"))
    assert [file.name for file in first] == [f"{NAME}.cdx.json", f"{NAME}.tar.gz", "SHA256SUMS"]
    assert [file.read_bytes() for file in first] == [file.read_bytes() for file in second]
    for line in first[-1].read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((tmp_path / "first" / name).read_bytes()).hexdigest() == digest
    with tarfile.open(first[1]) as archive:
        committed = archive.extractfile(f"{NAME}/manage.py")
        assert committed is not None and committed.read() == b"# committed\n"


def test_changes_that_no_commit_has_make_no_release(
    tmp_path: Path, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "new.py").touch()
    assert main(["--to", str(tmp_path / "dist")], root=repository) == 1
    assert "no commit has" in capsys.readouterr().err and not (tmp_path / "dist").exists()
