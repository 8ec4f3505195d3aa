"""The choice of a guard in the dialogs that enable something."""

from django.http import HttpRequest

from idp.guard_errors import GuardMinutesInvalid, GuardPercentInvalid
from idp.guards import LEAST_MINUTES, MOST_MINUTES, GuardTerms

DEFAULT = GuardTerms()
MINUTES = (
    (10, "10 minutes"),
    (30, "30 minutes"),
    (60, "1 hour"),
    (240, "4 hours"),
    (24 * 60, "1 day"),
    (0, "No guard: it stays"),
)
PERCENTS = (20, 35, 50, 75, 100)


def guard_of(request: HttpRequest) -> GuardTerms | None:
    """Return the terms of the guard that was chosen, or None where none was.

    Raises:
        GuardMinutesInvalid, GuardPercentInvalid: it is none of the choices and no number that could be one.
    """
    minutes = request.POST.get("guard_minutes", "0")
    percent = request.POST.get("failure_percent", str(DEFAULT.failure_percent))
    if not _is_number(minutes):
        raise GuardMinutesInvalid(minutes=minutes[:20], least=LEAST_MINUTES, most=MOST_MINUTES)
    if not _is_number(percent):
        raise GuardPercentInvalid(percent=percent[:20])
    return GuardTerms(int(minutes), int(percent)) if int(minutes) else None


def guard_choices(request: HttpRequest) -> dict[str, object]:
    """Return what the choice shows: what was chosen before, else the default."""
    return {
        "guard_minutes": MINUTES,
        "guard_percents": PERCENTS,
        "chosen_minutes": request.POST.get("guard_minutes", str(DEFAULT.minutes)),
        "chosen_percent": request.POST.get("failure_percent", str(DEFAULT.failure_percent)),
    }


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 6
