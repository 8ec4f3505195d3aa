"""Who owns a person's password, where it is not Gatehouse: asked downstairs, answered upstairs.

Federation lives a floor above people, and yet no password may be set for a federated person from anywhere. So the
floor above registers its answer when it starts.
"""

from collections.abc import Callable

from users.models import User

_answer: Callable[[User], str | None] = lambda person: None  # noqa: E731


def register(answer: Callable[[User], str | None]) -> None:
    """Set the function that returns the name of the provider that owns a person's password, or None."""
    global _answer
    _answer = answer


def of(person: User) -> str | None:
    """Return the name of the provider that owns this person's password, or None where it is kept here."""
    return _answer(person)
