"""What every component checks of its arguments: a wrong one is a mistake in a template and fails at once."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import QueryDict
from django.template import TemplateSyntaxError
from django.utils.text import slugify

TONE_ICONS = {
    "neutral": "circle-dot",
    "info": "info",
    "success": "circle-check",
    "warning": "triangle-alert",
    "danger": "octagon-alert",
}


def require(tag: str, **values: object) -> None:
    """Refuse a component whose named arguments are empty: an untitled dialog is a bug, not a style."""
    for name, value in values.items():
        if not value:
            raise TemplateSyntaxError(f"{{% {tag} %}} must have a value for {name}.")


def one_of(tag: str, name: str, value: str, allowed: Sequence[str]) -> str:
    """Return a value that must be one of a few."""
    if value not in allowed:
        raise TemplateSyntaxError(f"{{% {tag} %}}: {name} must be one of {', '.join(allowed)}, not {value!r}.")
    return value


def tone_of(tag: str, tone: str) -> str:
    """Return a tone, which must be one of the five."""
    return one_of(tag, "tone", tone, tuple(TONE_ICONS))


def pairs_of(tag: str, parts: Sequence[str]) -> list[tuple[str, str]]:
    """Return `label url label url ...` as pairs."""
    if not parts or len(parts) % 2:
        raise TemplateSyntaxError(f"{{% {tag} %}} takes pairs of label and url.")
    return list(zip(parts[::2], parts[1::2], strict=True))


def query_of(tag: str, query: object) -> QueryDict:
    """Return the query of the page, which must be `request.GET` itself."""
    if not isinstance(query, QueryDict):
        raise TemplateSyntaxError(f"{{% {tag} %}} takes request.GET, not {query!r}.")
    return query


def id_of(words: str) -> str:
    """Return an id for an element that is called so."""
    return slugify(words) or "part"
