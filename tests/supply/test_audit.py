"""The audit of the lock without a network, on advisories made for it."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.supply.advisories import is_affected
from tests.supply.audit import main
from tests.supply.lock import LOCK, ROOT, LockLoose, read_lock


def entry(name: str = "Some.Package", ecosystem: str = "PyPI", **parts: Any) -> dict[str, Any]:
    return {"package": {"ecosystem": ecosystem, "name": name}, **parts}


def ranged(*events: dict[str, str], kind: str = "ECOSYSTEM") -> dict[str, Any]:
    return {"ranges": [{"type": kind, "events": list(events)}]}


def advisory(*affected: dict[str, Any], **parts: Any) -> dict[str, Any]:
    return {
        "id": "PYSEC-2026-1",
        "aliases": ["CVE-2026-1"],
        "summary": "It opens.",
        "affected": list(affected),
        **parts,
    }


FIXED = ranged({"introduced": "0"}, {"fixed": "2.0"})


@pytest.mark.parametrize(
    ("version", "part", "affected"),
    [
        ("1.0", FIXED, True),
        ("2.0", FIXED, False),
        ("2.0rc1", FIXED, True),
        ("2.0.post1", FIXED, False),
        ("0.dev0", FIXED, True),
        ("10.0", ranged({"introduced": "9"}), True),  # by number, not by letter
        ("10.0", ranged({"introduced": "0"}, {"fixed": "9"}), False),
        ("1.4", ranged({"introduced": "1.5"}, {"fixed": "2.0"}), False),
        ("1.5", ranged({"introduced": "1.5"}, {"fixed": "2.0"}), True),
        ("1.5.0", ranged({"introduced": "1.5"}, {"fixed": "2.0"}), True),
        ("2.0", ranged({"introduced": "0"}, {"last_affected": "2.0"}), True),
        ("2.0.1", ranged({"introduced": "0"}, {"last_affected": "2.0"}), False),
        # two spans, in no order
        ("1.1", ranged({"fixed": "3.2"}, {"introduced": "3.0"}, {"introduced": "0"}, {"fixed": "1.2"}), True),
        ("2.0", ranged({"fixed": "3.2"}, {"introduced": "3.0"}, {"introduced": "0"}, {"fixed": "1.2"}), False),
        ("3.1", ranged({"fixed": "3.2"}, {"introduced": "3.0"}, {"introduced": "0"}, {"fixed": "1.2"}), True),
        ("3.2", ranged({"fixed": "3.2"}, {"introduced": "3.0"}, {"introduced": "0"}, {"fixed": "1.2"}), False),
        ("1.0", {"versions": ["1.0", "1.1"]}, True),
        ("1.0.0", {"versions": ["1.0"]}, True),
        ("1.2", {"versions": ["1.0", "1.1"]}, False),
        ("1.2", {"versions": ["1.0"], **FIXED}, True),
        ("2.1", {"versions": ["2.1"], **FIXED}, True),
        ("1.0", ranged({"introduced": "0"}, {"fixed": "0123abc"}, kind="GIT"), False),
        ("1.0", ranged({"introduced": "0"}, {"fixed": "2.0"}, kind="SEMVER"), True),
        ("1.0", ranged({"introduced": "0"}, {"limit": "0.9"}), False),
        ("1.0", ranged({"introduced": "0"}, {"limit": "*"}), True),
        ("1.0", ranged({"introduced": "0"}, {"fixed": "2004d"}), True),  # nobody can tell
        ("1.0", {"versions": ["0.9"], **ranged({"introduced": "0"}, {"fixed": "2004d"})}, False),
        ("1.0", {"versions": ["2004d"]}, False),
        ("1.0", ranged(), False),
        ("1.0", {}, False),
        ("1!1.0", FIXED, False),  # an epoch is above all
    ],
)
def test_a_version_is_matched_as_the_format_says(version: str, part: dict[str, Any], affected: bool) -> None:
    assert is_affected(version, entry(**part)) == affected


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "requirements.txt"
    path.write_text("some-package==1.0\n    # via somebody\nother==3.1 ; sys_platform == 'win32'\n")
    return path


def stored(folder: Path, *advisories: dict[str, Any], as_zip: bool = False) -> Path:
    files = {f"{number}.json": json.dumps(each) for number, each in enumerate(advisories)}
    if as_zip:
        with zipfile.ZipFile(folder / "all.zip", "w") as dump:
            for name, text in files.items():
                dump.writestr(name, text)
        return folder / "all.zip"
    (folder / "dump" / "deep").mkdir(parents=True)
    for name, text in files.items():
        (folder / "dump" / "deep" / name).write_text(text)
    return folder / "dump"


@pytest.mark.parametrize("as_zip", [True, False])
def test_a_finding_names_package_version_advisory_and_cure(
    as_zip: bool, lock: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dump = stored(tmp_path, advisory(entry(**FIXED)), advisory(entry("unknown", **FIXED), id="X"), as_zip=as_zip)
    assert main([str(lock), "--advisories", str(dump)]) == 1
    line, summary = capsys.readouterr().out.splitlines()
    assert line == "some-package 1.0: PYSEC-2026-1 CVE-2026-1: fixed in 2.0. It opens."
    assert summary == "2 packages, 1 findings."


def test_the_nearest_fixed_version_is_named(lock: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spans = ranged({"introduced": "0"}, {"fixed": "0.5"}, {"introduced": "0.9"}, {"fixed": "1.0.1"}, {"fixed": "2.3"})
    dump = stored(tmp_path, advisory(entry(**spans)), advisory(entry("other", **ranged({"introduced": "0"})), id="B"))
    assert main([str(lock), "--advisories", str(dump)]) == 1
    out = capsys.readouterr().out
    assert "fixed in 1.0.1" in out and "other 3.1: B CVE-2026-1: no fixed version is known" in out


@pytest.mark.parametrize(
    ("given", "ignored"),
    [
        (advisory(entry(**ranged({"introduced": "0"}, {"fixed": "1.0"}))), []),
        (advisory(entry(**FIXED), withdrawn="2026-01-01T00:00:00Z"), []),
        (advisory(entry(**FIXED)), ["PYSEC-2026-1"]),
        (advisory(entry(**FIXED)), ["CVE-2026-1"]),
        (advisory(entry("some-package-2", **FIXED)), []),
        (advisory(entry(**FIXED), entry(ecosystem="npm", **FIXED), withdrawn="2026-01-01"), []),
    ],
)
def test_what_does_not_concern_the_lock_is_clean(
    given: dict[str, Any], ignored: list[str], lock: Path, tmp_path: Path
) -> None:
    arguments = [str(lock), "--advisories", str(stored(tmp_path, given))]
    assert main([*arguments, *(part for each in ignored for part in ("--ignore", each))]) == 0


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("dump.json", "no JSON", "is no JSON"),
        ("dump.json", "[]", "is no advisory"),
        ("dump.json", '{"summary": "no id"}', "is no advisory"),
        ("dump.json", json.dumps(advisory(entry(ecosystem="npm", **FIXED))), "no advisory about PyPI"),
        ("other.json", "{}", "cannot be read"),
    ],
)
def test_what_is_no_dump_does_not_look_clean(
    name: str, text: str, says: str, lock: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_text(text)
    assert main([str(lock), "--advisories", str(tmp_path / "dump.json")]) == 2
    assert says in capsys.readouterr().err


def test_an_empty_folder_does_not_look_clean(lock: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert main([str(lock), "--advisories", str(tmp_path / "empty")]) == 2


@pytest.mark.parametrize(
    "line", ["django", "django>=5", "django~=5.2", "django==5.*", "django==5.2,<6", "-e .", "./here", "x @ file:///x"]
)
def test_a_loose_lock_is_refused(line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "requirements.txt").write_text(f"some-package==1.0\n{line}\n")
    with pytest.raises(LockLoose, match="line 2"):
        read_lock(tmp_path / "requirements.txt")
    assert main([str(tmp_path / "requirements.txt"), "--advisories", str(tmp_path)]) == 2
    assert "line 2" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_our_own_locks_are_pinned_to_the_last_package(name: str) -> None:
    assert len(read_lock(ROOT / name)) > 30


def test_an_advisory_about_our_own_lock_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dump = stored(tmp_path, advisory(entry("Django", **ranged({"introduced": "0"}))), as_zip=True)
    assert main(["--advisories", str(dump)]) == 1
    (django,) = [each for each in read_lock(LOCK) if each.name == "django"]
    assert f"django {django.version}: PYSEC-2026-1" in capsys.readouterr().out
