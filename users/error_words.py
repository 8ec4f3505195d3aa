"""What the code of a refusal means, for pages that count refusals and have only their codes left."""

import re

from users.errors import DirectoryError

_GAP = re.compile(r"\s*\([^()]*\{[^{}]*\}[^()]*\)|\{[^{}]*\}")


def words_of(code: str) -> str:
    """Return the message of the error with this code, without the facts of one case; the code where none has it."""
    error = _classes().get(code)
    return _GAP.sub(lambda gap: "" if "(" in gap[0] else "…", error.message) if error else code


def _classes() -> dict[str, type[DirectoryError]]:
    """Return the error of each code; of several with one code that which the others derive from."""
    found: dict[str, type[DirectoryError]] = {}
    waiting = [DirectoryError]
    for error in waiting:
        found.setdefault(error.code, error)
        waiting.extend(error.__subclasses__())
    return found
