"""JSON from strangers: one object, of bounded depth, with text that can be stored and numbers that are numbers."""

import json
from typing import Any, NoReturn

MAX_DEPTH = 64


def parse_object(data: bytes) -> dict[str, Any]:
    """The one JSON object in `data` (RFC 8259).

    Raises:
        ValueError: for anything else, including NaN, nesting beyond `MAX_DEPTH` and lone surrogates.
    """
    try:
        value = json.loads(data.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("not an object")
    _check(value)
    return value


def _refuse_constant(_name: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


def _check(value: Any) -> None:
    """Walks without recursion: a document that json accepts may still be too deep for whatever handles it next."""
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below += item.keys()
                below += item.values()
            elif isinstance(item, list):
                below += item
            elif isinstance(item, str):
                # A lone surrogate passes json and then fails in hashing, the database or the page. UnicodeEncodeError
                # is a ValueError.
                item.encode()
        if not below:
            return
        level = below
    raise ValueError("nested too deeply")
