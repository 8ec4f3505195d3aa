"""The lines of an examination, whatever goes wrong during one of them."""

from collections.abc import Callable
from typing import Literal, TypeVar

from django.db import DatabaseError
from urllib3.exceptions import HTTPError

from idp.steps import Finding, Run
from users.errors import DirectoryError

T = TypeVar("T")
# What a machine or a network does. Its text says what, and holds no secret.
_OF_THE_WORLD = (OSError, DatabaseError, HTTPError)


def ok(detail: str) -> Finding[None]:
    """Return the line of something that is as it must be."""
    return Finding(None, detail)


def not_ok(
    detail: str, hint: str, outcome: Literal["failed", "warning", "unknown", "skipped"] = "failed"
) -> Finding[None]:
    """Return the line of something that is not, with what to do."""
    return Finding(None, detail, outcome, hint)


class Examination(Run):
    """Lines one after the other. A defect fails its own line, so that the others are still looked at."""

    def look(
        self, name: str, work: Callable[[], Finding[T]], *, hint: str = "", needs: tuple[str, ...] = ()
    ) -> T | None:
        """Look at one thing, note its line and return its value.

        Args:
            hint: what to do where the work ends in an error of the machine, the network or the database.
            needs: the lines that leave nothing to look at where they failed.
        """

        def carefully() -> Finding[T | None]:
            try:
                found = work()
            except DirectoryError:
                raise
            except _OF_THE_WORLD as error:
                return Finding(None, _in_words(error), "failed", hint)
            except Exception as defect:  # noqa: BLE001  (one line's defect must not hide the others)
                return Finding(None, f"This could not be looked at: {type(defect).__name__}.", "failed", hint)
            return Finding(found.value, found.detail, found.outcome, found.hint)

        return self.step(name, carefully, needs=needs)


def _in_words(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error).partition("\n")[0]
    return f"{text or type(error).__name__}".rstrip(".")[:300] + "."
