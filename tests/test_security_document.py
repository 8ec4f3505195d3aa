"""docs/security.md names tests that exist, and each attack has one."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.idp.conformance.cases import PARTS

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docs" / "security.md").read_text()
ATTACKS = TEXT.split("## Attacks, defences and tests")[1].split("\n## ")[0]
ROWS = [
    [cell.strip() for cell in line.strip("| ").split(" | ")]
    for line in ATTACKS.splitlines()
    if line.startswith("| ") and not line.startswith(("| ---", "| attack"))
]
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT)))
# Through which tests' files each part of the conformance cases is shown, as the document names them.
CONFORMANCE = "tests/idp/conformance/"


@cache
def functions_of(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text())
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_a_named_test_exists(path: str, name: str) -> None:
    assert (ROOT / path).is_file(), path
    assert name in functions_of(path)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_each_attack_has_a_defence_and_a_test(row: list[str]) -> None:
    attack, defence, tests = row
    assert attack and defence and "::" in tests
    assert re.sub(r"`tests/[\w/]+\.py::\w+`(, )?", "", tests) == ""


def test_there_is_something_to_every_subject() -> None:
    assert len(ROWS) > 40
    subjects = (
        "forged replay mix-up injection fixation theft csrf clickjacking redirect ssrf rebinding poison storm noauth "
        "account brute spraying second whole break-glass malicious backup tampering logs formulas uploads hosts "
        "client dependency lost cache"
    )
    attacks = " ".join(row[0].lower() for row in ROWS)
    assert [subject for subject in subjects.split() if subject not in attacks] == []


def test_each_part_of_the_conformance_cases_is_behind_a_row() -> None:
    """Each file that shows cases is named, so that the cases of every part are behind some attack."""
    showing = {path.name for path in (ROOT / CONFORMANCE).glob("test_*.py") if "conformance(" in path.read_text()}
    named = {path.removeprefix(CONFORMANCE) for path, _ in NAMED if path.startswith(CONFORMANCE)}
    assert PARTS and showing - named == set()


def test_what_is_not_defended_is_said() -> None:
    assert TEXT.split("## What is not defended")[1].split("\n## ")[0].count("\n- **") > 5
