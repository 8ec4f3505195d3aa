"""Every refusal has a code of its own, words, a cure and a status; and each one that is raised is reached by a test."""

import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import idp
import portal
import users
from users.errors import DirectoryError

ROOT = Path(__file__).resolve().parent.parent
# What a server loads makes this process one: it would count together with other runs of these tests.
SERVED = {"portal.wsgi", "portal.serving"}
PRODUCT = [path for floor in ("users", "idp", "portal") for path in sorted((ROOT / floor).rglob("*.py"))]
SOURCE = "\n".join(path.read_text() for path in PRODUCT)
TESTS = "\n".join(
    path.read_text() for path in sorted((ROOT / "tests").rglob("*.py")) if path.name != Path(__file__).name
)


def import_all(package: object) -> None:
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):  # type: ignore[attr-defined]
        if module.name not in SERVED:
            importlib.import_module(module.name)


def subclasses(error: type[DirectoryError]) -> set[type[DirectoryError]]:
    below = set(error.__subclasses__())
    return below.union(*(subclasses(each) for each in below)) if below else below


for package in (users, idp, portal):
    import_all(package)
ERRORS = sorted(
    (error for error in subclasses(DirectoryError) if error.__module__.split(".")[0] in {"users", "idp", "portal"}),
    key=lambda error: (error.code, error.__name__),
)


def is_raised(error: type[DirectoryError]) -> bool:
    """Return whether it is an error of its own: nothing derives from it, or it is made although something does."""
    return not error.__subclasses__() or bool(re.search(rf"(?<!class )(?<!\w){error.__name__}\(", SOURCE))


def is_reached(code: str) -> bool:
    """Return whether a test names the code, or puts it together as in f"idp.token.{rest}" with the rest in quotes."""
    cuts = range(code.rindex(".") + 1, len(code))
    return code in TESTS or any(f'f"{code[:cut]}{{' in TESTS and f'"{code[cut:]}"' in TESTS for cut in cuts)


RAISED = [error for error in ERRORS if is_raised(error)]
NAMES = [error.__name__ for error in RAISED]


def test_there_is_a_catalogue() -> None:
    assert len(RAISED) > 100
    assert {error.code.partition(".")[0] for error in RAISED} == {"users", "idp", "federation", "portal", "access"}


def test_codes_are_unique() -> None:
    codes = [error.code for error in RAISED]
    assert sorted({code for code in codes if codes.count(code) > 1}) == []


@pytest.mark.parametrize("error", RAISED, ids=NAMES)
def test_an_error_is_complete(error: type[DirectoryError]) -> None:
    assert re.fullmatch(r"[a-z]+(\.[a-z0-9_]+)+", error.code)
    assert error.__doc__ and error.message.strip() and error.hint.strip()
    assert error.exit_status in {1, 2, 3, 4, 5} and 400 <= error.http_status < 600
    assert len(error.code) <= 64  # the audit log's column


@pytest.mark.parametrize("error", RAISED, ids=NAMES)
def test_an_error_is_reached_by_a_test(error: type[DirectoryError]) -> None:
    assert is_reached(error.code), f"no test names {error.code}"


def test_a_message_leaves_unknown_facts_readable() -> None:
    class Sample(DirectoryError):
        """A sample."""

        message = "{known} and {unknown}"

    assert str(Sample(known="this")) == "this and (unknown)"
