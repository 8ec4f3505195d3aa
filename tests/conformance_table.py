"""A pytest plugin: which conformance cases were run, with the codes that were seen, as a table after a full run.

A test names the case that it shows by `@pytest.mark.conformance("oidcc-client-test-invalid-iss")`, on itself or on a
row of its parameters. The cases, with what they expect, are those of `tests.idp.conformance.cases`. What a test saw is
told by `saw`, and a test whose case expects a code that was not seen fails.
"""

from collections import defaultdict
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field

import pytest

from tests.idp.conformance.cases import CASES, PARTS, Case

# Fewer cases than these make no table: somebody runs one test again and again.
FEW = 20
_seen: list[str] = []


def saw(code: str) -> str:
    """Note the code of a refusal for the table, from any thread, and return it."""
    _seen.append(code)
    return code


def cases_of(marks: Iterable[pytest.Mark]) -> list[str]:
    """Return the slugs that some marks claim."""
    return [slug for mark in marks if mark.name == "conformance" for slug in mark.args]


@dataclass
class Result:
    """What became of one case in all its tests."""

    codes: dict[str, None] = field(default_factory=dict)
    passed: int = 0
    failed: int = 0

    def code_of(self, case: Case) -> str:
        """The code for the table: the expected one where it was seen among others."""
        fitting = [code for code in self.codes if code in case.codes]
        return ", ".join(fitting or (self.codes if self.failed else ())) or "-"

    @property
    def word(self) -> str:
        """How it ended."""
        if self.failed:
            return "FAILED"
        return "passed" if self.passed else "not run"


_results: dict[str, Result] = defaultdict(Result)


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known."""
    config.addinivalue_line("markers", "conformance(case, …): the rows of the conformance table that a test shows")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let each test's reports carry its cases, from the workers too. A case that nobody knows is a typing error."""
    for item in items:
        for slug in cases_of(item.iter_markers("conformance")):
            if slug not in CASES:
                raise pytest.UsageError(f"{item.nodeid} claims an unknown conformance case: {slug}")
            item.user_properties.append(("conformance", slug))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Note what a test saw, and fail it where that is not what its cases expect."""
    _seen.clear()
    try:
        result = yield
    finally:
        item.user_properties.extend(("conformance_code", code) for code in dict.fromkeys(_seen))
    for slug in cases_of(item.iter_markers("conformance")):
        case = CASES[slug]
        if not case.fits(_seen):
            pytest.fail(f"{slug} expects one of {case.codes or 'no codes'}, and {_seen or 'none'} was seen")
    return result


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Collect the outcomes, on the controller also those of the workers."""
    if report.when != "call" and not report.failed:
        return
    codes = [str(value) for name, value in report.user_properties if name == "conformance_code"]
    for slug in [str(value) for name, value in report.user_properties if name == "conformance"]:
        result = _results[slug]
        result.codes |= dict.fromkeys(codes)
        if report.passed:
            result.passed += 1
        else:
            result.failed += 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table: all cases after a full run, those that were run after a selection of some size.

    After failures it stands back: what failed is then the end of the output, where one looks.
    """
    if set(terminalreporter.stats) & {"failed", "error"}:
        return
    is_full = not config.option.keyword and not config.option.markexpr and config.args_source.name != "ARGS"
    if config.option.collectonly or (not is_full and len(_results) < FEW):
        return
    shown = [case for case in CASES.values() if is_full or case.slug in _results]
    terminalreporter.section("what a relying party must refuse, and what it must survive")
    for line in table_of(shown, _results):
        terminalreporter.write_line(line)


def table_of(cases: list[Case], results: dict[str, Result]) -> list[str]:
    """Return the lines of the table, by the reference's parts, and how many passed."""
    head = ("case", "expected", "code", "result")
    rows = {}
    for part in PARTS:
        for case in part.cases:
            if case in cases:
                result = results.get(case.slug, Result())
                name = case.slug.removeprefix(part.prefix) or "(itself)"
                rows[case.slug] = (name, case.expected, result.code_of(case), result.word)
    widths = [max(len(row[column]) for row in [head, *rows.values()]) for column in range(len(head))]

    def line(row: Iterable[str]) -> str:
        return "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()

    lines = [line(head), line("-" * width for width in widths)]
    for part in PARTS:
        within = [line(rows[case.slug]) for case in part.cases if case.slug in rows]
        lines += ["", f"{part.title} ({part.prefix}…)", *within] if within else []
    passed = sum(row[-1] == "passed" for row in rows.values())
    return [*lines, "", f"{len(rows)} cases, {passed} passed"]
