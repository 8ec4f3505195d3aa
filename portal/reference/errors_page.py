"""docs/reference/errors.md: every refusal, from the subclasses of DirectoryError."""

import importlib
import pkgutil
from itertools import groupby

import idp
import portal
import users
from portal.reference.markdown import code, page, plain, prose
from users.errors import DirectoryError

AREAS = {
    "access": "Access policies",
    "federation": "Signing in and out through a provider",
    "idp": "Identity providers",
    "portal": "The portals",
    "users": "People, administrators and the directory",
}
INTRODUCTION = (
    "Each refusal has a code, which never changes its meaning. A page shows it as `data-error-code`, a command prints "
    "it in brackets and, with `--json`, as `code`; the audit log stores it with the reference number that the person "
    "saw: `manage.py audit list --reference XXXX-XXXX-XXXX`. *HTTP* is the status of the answer, *exit* that of a "
    "command. What stands in braces is filled in."
)


def errors_page() -> str:
    """Return the page."""
    listed = sorted(_errors(), key=lambda error: error.code)
    parts = [prose(INTRODUCTION)]
    for area, errors in groupby(listed, key=lambda error: error.code.partition(".")[0]):
        parts.append(f"## {AREAS[area]}")
        parts += [_entry(error) for error in errors]
    return page("Error codes", *parts)


def _entry(error: type[DirectoryError]) -> str:
    statuses = f"HTTP {error.http_status}, exit {error.exit_status}."
    return f"### {code(error.code)}\n\n{prose(plain(f'{error.message} {error.hint}'))}\n\n{statuses}"


def _errors() -> set[type[DirectoryError]]:
    """Return the errors that are raised: those without subclasses, and those with words of their own."""
    for package in (users, idp, portal):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".migrations" not in module.name and not module.name.endswith(".wsgi"):
                importlib.import_module(module.name)
    found: set[type[DirectoryError]] = set()
    waiting = list(DirectoryError.__subclasses__())
    while waiting:
        error = waiting.pop()
        waiting.extend(error.__subclasses__())
        own = vars(error)
        is_ours = error.__module__.partition(".")[0] in {"users", "idp", "portal"}
        if is_ours and (not error.__subclasses__() or ("code" in own and "message" in own)):
            found.add(error)
    return found
