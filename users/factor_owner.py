"""Who owns a person's second factor, where it is not Gatehouse: asked downstairs, answered upstairs.

A provider that signs people in asks them for a second factor itself. Only where the company wants one at Gatehouse as
well is it kept here; what says so lives a floor above people, and registers its answer when it starts.
"""

from collections.abc import Callable

from users.models import User

_answer: Callable[[User], str | None] = lambda person: None  # noqa: E731


def register(answer: Callable[[User], str | None]) -> None:
    """Set the function that returns the name of the provider that alone asks for a second factor, or None."""
    global _answer
    _answer = answer


def of(person: User) -> str | None:
    """Return the name of the provider that alone asks this person for a second factor, or None where Gatehouse does."""
    return _answer(person)
