"""The catalogue of protocol errors: unique, complete, and each one reached by a test."""

from pathlib import Path

from idp.protocol import client_errors, errors, logout_errors, oauth_errors, token_errors, url_errors
from users.errors import DirectoryError

MODULES = (client_errors, errors, logout_errors, oauth_errors, token_errors, url_errors)
ERRORS = [
    error
    for module in MODULES
    for error in vars(module).values()
    if isinstance(error, type) and issubclass(error, DirectoryError) and "code" in vars(error)
    if error.__module__ == module.__name__
]
OTHER_TESTS = [path for path in Path(__file__).parent.glob("test_*.py") if path.name != Path(__file__).name]
TESTS = "".join(path.read_text() for path in OTHER_TESTS)


def test_codes_are_unique():
    codes = [error.code for error in ERRORS]
    assert len(codes) == len(set(codes)) > 90


def test_each_code_is_reached_by_a_test():
    # Tests of one group name the last part only, as in refused(f"idp.token.{code}").
    missing = [e.code for e in ERRORS if e.code not in TESTS and f'("{e.code.rpartition(".")[2]}", ' not in TESTS]
    assert missing == []


def test_each_error_says_what_to_do_and_how_to_end():
    statuses = {error: (error.http_status, error.exit_status) for error in ERRORS}
    assert set(statuses.values()) <= {(400, 2), (403, 3), (502, 5), (504, 5)}
    assert all(error.message.endswith((".", "}")) and error.hint for error in ERRORS)
