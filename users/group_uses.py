"""What names a group, so that it cannot be deleted: asked downstairs, answered upstairs.

Policies live a floor above groups, and a group that one of them names decides how people sign in.
"""

from collections.abc import Callable

from users.models import Group

_answers: list[Callable[[Group], list[str]]] = []


def register(answer: Callable[[Group], list[str]]) -> None:
    """Add a function that returns what names a group, each in words such as "the routing policy Sales"."""
    if answer not in _answers:
        _answers.append(answer)


def uses_of(group: Group) -> list[str]:
    """Return what names a group, in words."""
    return [use for answer in _answers for use in answer(group)]
