"""What the portal writes to its log, as an operator would read it."""

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from portal.logs import JsonLines, PlainLines


class Written:
    """Everything that was written, in both forms."""

    def __init__(self) -> None:
        self.json, self.plain = io.StringIO(), io.StringIO()

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The lines for machines."""
        return [json.loads(line) for line in self.json.getvalue().splitlines()]

    @property
    def text(self) -> str:
        """Both forms."""
        return self.json.getvalue() + self.plain.getvalue()

    def of(self, logger: str, **fields: object) -> list[dict[str, Any]]:
        """Return the lines of one logger that have these fields."""
        lines = [line for line in self.lines if line["logger"] == logger]
        return [line for line in lines if all(line.get(name) == value for name, value in fields.items())]


@contextmanager
def written(level: int = logging.DEBUG) -> Iterator[Written]:
    """Collect what every logger writes, at the level that LOG_LEVEL could be set to."""
    collected, root = Written(), logging.getLogger()
    handlers = [logging.StreamHandler(collected.json), logging.StreamHandler(collected.plain)]
    handlers[0].setFormatter(JsonLines())
    handlers[1].setFormatter(PlainLines())
    # The server's own logger does not hand its lines on.
    loggers = [root, logging.getLogger("gunicorn.error")]
    before = root.level
    root.setLevel(level)
    for logger in loggers:
        for handler in handlers:
            logger.addHandler(handler)
    try:
        yield collected
    finally:
        root.setLevel(before)
        for logger in loggers:
            for handler in handlers:
                logger.removeHandler(handler)
