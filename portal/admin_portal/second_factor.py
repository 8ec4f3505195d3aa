"""Whether an administrator has a second factor, for the pages that list administrators."""

from users.models import User


def has_second_factor(person: User) -> bool:
    """Return whether this person confirms a sign-in with a second factor. Nobody can set one up yet."""
    return False
