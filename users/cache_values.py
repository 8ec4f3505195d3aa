"""What the cache holds is JSON. Django's own caches keep pickles, and whoever writes one runs code where it is read.

Redis often has no password, and other programs use it too: what is found there is a stranger's word.
"""

import json
from typing import Any

# What cannot be read. An object of its own, because null is a value.
UNREADABLE = object()


class JsonSerializer:
    """Writes and reads values, with the methods that Django's Redis cache asks of a serializer."""

    def dumps(self, value: Any) -> str:
        """Return a value as JSON. A number is plain digits, which Redis can count up.

        Raises:
            TypeError: JSON has no such value.
        """
        return json.dumps(value)

    def loads(self, text: str | bytes) -> Any:
        """Return the value, or UNREADABLE for anything that `dumps` did not write."""
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return UNREADABLE
