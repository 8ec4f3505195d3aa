"""The lines of a connection test or a rehearsal: what was looked at, how it ended, and how long it took."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Generic, Literal, TypeVar

from users.errors import DirectoryError

T = TypeVar("T")
Outcome = Literal["passed", "warning", "failed", "unknown", "skipped"]


@dataclass(frozen=True)
class Step:
    """One line.

    Attributes:
        outcome: `unknown` where the provider cannot be asked, `skipped` where an earlier step leaves nothing to ask.
        hint: what cures it.
        code: the error's code, where it failed.
        facts: what to quote to the provider: correlation ID, time, its own words. For administrators only.
    """

    name: str
    outcome: Outcome
    detail: str
    hint: str = ""
    code: str = ""
    milliseconds: int = 0
    facts: dict[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the step as it is stored and printed."""
        return asdict(self)


@dataclass(frozen=True)
class Finding(Generic[T]):
    """What a step brought: a value for the steps after it, and the words for its line."""

    value: T
    detail: str
    outcome: Outcome = "passed"
    hint: str = ""


@dataclass
class Run:
    """Steps one after the other. A refusal ends its own step and skips those that depend on it.

    Attributes:
        error: the first refusal.
    """

    steps: list[Step] = field(default_factory=list)
    error: DirectoryError | None = None

    def step(self, name: str, work: Callable[[], Finding[T]], *, needs: tuple[str, ...] = ()) -> T | None:
        """Do the work, note its line and return its value; None where it failed or was skipped."""
        missing = next(
            (step for step in self.steps if step.name in needs and step.outcome in {"failed", "skipped"}), None
        )
        if missing is not None:
            reason = "failed" if missing.outcome == "failed" else "was not tested"
            self.steps.append(Step(name, "skipped", f"Not tested, because “{missing.name}” {reason}."))
            return None
        started = time.monotonic()
        try:
            found = work()
        except DirectoryError as error:
            self.error = self.error or error
            self.steps.append(failed_step(name, error, milliseconds=_since(started)))
            return None
        self.steps.append(Step(name, found.outcome, found.detail, found.hint, milliseconds=_since(started)))
        return found.value

    @property
    def failed(self) -> list[Step]:
        """The lines that failed."""
        return [step for step in self.steps if step.outcome == "failed"]


def failed_step(name: str, error: DirectoryError, *, milliseconds: int = 0) -> Step:
    """Return the line of a refusal, in the words for administrators."""
    return Step(
        name,
        "failed",
        getattr(error, "admin_detail", "") or error.message,
        getattr(error, "admin_hint", "") or error.hint,
        error.code,
        milliseconds,
        _facts(error),
    )


def _facts(error: DirectoryError) -> dict[str, str]:
    """Return what an administrator quotes to the provider's support, or searches the provider's log for."""
    labels = {"correlation_id": "Correlation ID", "timestamp": "Time", "upstream_text": "The provider's own words"}
    return {label: str(error.context[name]) for name, label in labels.items() if error.context.get(name)}


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
