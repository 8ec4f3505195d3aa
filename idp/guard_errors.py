"""What can be wrong with a guard: its terms, or the moment."""

from users.errors import DirectoryError


class GuardMinutesInvalid(DirectoryError):
    """Nobody could confirm in so short a time, or it would guard nothing for days."""

    code = "idp.guard.minutes_invalid"
    message = "A guard cannot last {minutes} minutes."
    hint = "Choose from {least} minutes to {most}, which is a day. 0 is no guard."
    exit_status = 2
    field = "guard_minutes"


class GuardPercentInvalid(DirectoryError):
    """The share is none."""

    code = "idp.guard.percent_invalid"
    message = "{percent} is no share of failed sign-ins."
    hint = "Give a whole number of percent from 1 to 100."
    exit_status = 2
    field = "failure_percent"


class GuardNotFound(DirectoryError):
    """There is nothing that waits to be confirmed."""

    code = "idp.guard.not_found"
    message = "Nothing of {name} waits to be confirmed."
    hint = "It was confirmed or taken back already. Its page says how people sign in now."
    http_status = 409
    exit_status = 3


class GuardOver(DirectoryError):
    """The time was over before it was confirmed."""

    code = "idp.guard.over"
    message = "The time to confirm {name} was over at {until} UTC, so everything went back to what it was."
    hint = "Look at the sign-ins that failed, and enable it again."
    http_status = 409
    exit_status = 3
