"""The list of conformance cases is whole: each case is shown by a test, and the table tells what became of it."""

import importlib
import pkgutil
from collections import defaultdict
from collections.abc import Iterator
from types import ModuleType

import pytest

import tests.idp
import tests.portal
from tests.conformance_table import Result, cases_of, table_of
from tests.idp.conformance.cases import CASES, PARTS


def modules(package: ModuleType) -> Iterator[ModuleType]:
    """Import the test modules below a package."""
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if found.name.rpartition(".")[2].startswith("test_"):
            yield importlib.import_module(found.name)


def claimed() -> dict[str, list[str]]:
    """Return which tests claim which case, by their own marks or by those of their rows."""
    tests_of: dict[str, list[str]] = defaultdict(list)
    for package in (tests.idp, tests.portal):
        for module in modules(package):
            for name, test in vars(module).items():
                if name.startswith("test_"):
                    marks = list(getattr(test, "pytestmark", []))
                    rows = [row for mark in marks if mark.name == "parametrize" for row in mark.args[1]]
                    marks += [mark for row in rows for mark in getattr(row, "marks", ())]
                    for slug in cases_of(getattr(mark, "mark", mark) for mark in marks):
                        tests_of[slug].append(f"{module.__name__}.{name}")
    return tests_of


@pytest.fixture(scope="module")
def tests_of() -> dict[str, list[str]]:
    """The tests of each case."""
    return claimed()


@pytest.mark.parametrize("slug", CASES)
def test_a_case_is_shown_by_a_test(slug: str, tests_of: dict[str, list[str]]) -> None:
    assert tests_of[slug], f"no test claims {slug}"


def test_no_test_claims_an_unknown_case(tests_of: dict[str, list[str]]) -> None:
    assert set(tests_of) <= set(CASES)


def test_each_case_is_there_once() -> None:
    slugs = [case.slug for part in PARTS for case in part.cases]
    assert len(slugs) == len(set(slugs)) == NUMBER_OF_CASES


def test_a_refusal_names_its_codes() -> None:
    nameless = [case.slug for case in CASES.values() if case.expected == "reject" and not case.codes]
    assert nameless == []
    assert not any(case.codes for case in CASES.values() if case.expected == "succeed")


def test_the_table_tells_what_became_of_each_case() -> None:
    passed, failed, missed, *_ = (case for case in CASES.values() if case.expected == "reject")
    results = {
        passed.slug: Result(dict.fromkeys(["federation.state_used", *passed.codes]), passed=2),
        failed.slug: Result({"portal.oops": None}, passed=1, failed=1),
    }
    lines = table_of([passed, failed, missed], results)
    rows = {line.split()[0]: line.split()[1:] for line in lines if line}
    name = len(PARTS[0].prefix)
    assert rows[passed.slug[name:]] == ["reject", *passed.codes, "passed"]
    assert rows[failed.slug[name:]] == ["reject", "portal.oops", "FAILED"]
    assert rows[missed.slug[name:]] == ["reject", "-", "not", "run"]
    assert lines[-1] == "3 cases, 1 passed"


# As many as the specifications and the reference of this project name; a case is not to be lost unseen.
NUMBER_OF_CASES = 141
