"""One log record as one line: JSON for machines, or words for people.

Nothing but the standard library is imported here: the server's own first process, which serves nothing and lives
longer than any version of the code, uses it as well (portal/serving.py).
"""

import json
import logging
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

FORMATS = ("json", "plain")
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


class JsonLines(logging.Formatter):
    """Writes a JSON object. Only fields that are named somewhere come into it.

    A formatter that takes every attribute of a record in, as libraries for JSON logs do, would write down the request
    object that Django adds, and with it the query.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return json.dumps(self.safe_fields_of(record), default=str, ensure_ascii=False)

    def safe_fields_of(self, record: logging.LogRecord) -> dict[str, Any]:
        """Return the fields, or that there are none: logging itself would write the arguments of a faulty call out."""
        try:
            return self.fields_of(record)
        except Exception as defect:  # noqa: BLE001  (a line in the log must never be what fails)
            message = f"A log line could not be written ({type(defect).__name__}, {record.pathname}:{record.lineno})"
            at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
            return {"time": at, "level": "ERROR", "logger": record.name, "message": message}

    def fields_of(self, record: logging.LogRecord) -> dict[str, Any]:
        """Return time, level, logger and message, then what else is known, then the exception."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields = {"time": at, "level": record.levelname, "logger": record.name, "message": self.message_of(record)}
        fields |= self.facts_of(record)
        if record.exc_info and record.exc_info[1] is not None:
            fields["exception"] = self.exception_of(record.exc_info[1])
        return fields

    def message_of(self, record: logging.LogRecord) -> str:
        """Return what the record says."""
        return record.getMessage()

    def facts_of(self, record: logging.LogRecord) -> Mapping[str, Any]:
        """Return what is known beyond the message."""
        return {"process": record.process}

    def exception_of(self, error: BaseException) -> str:
        """Return the traceback."""
        return "".join(traceback.format_exception(error)).rstrip()


class PlainLines(JsonLines):
    """Writes the same for people: the facts behind the message as `name=value`, a traceback on lines of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        fields = self.safe_fields_of(record)
        head = " ".join(str(fields.pop(name)) for name in ("time", "level", "logger", "message"))
        trace = fields.pop("exception", "")
        facts = "".join(f" {name}={_on_one_line(value)}" for name, value in fields.items())
        return _on_one_line(head) + facts + (f"\n{trace}" if trace else "")


def _on_one_line(value: object) -> str:
    """Return a text that cannot pass itself off as further lines."""
    return "".join(character if character.isprintable() else " " for character in str(value))


def configuration(form: str, level: str, *, module: str = "portal.log_lines") -> dict[str, Any]:
    """Return what `logging.config.dictConfig` takes: everything on standard error, in this form.

    Args:
        form: `json` or `plain`.
        level: from which level on; libraries that write down queries or statements are held at INFO.
        module: where the two formatters are.

    Raises:
        ValueError: there is no such form or level.
    """
    form, level = form.lower(), level.upper()
    if form not in FORMATS:
        raise ValueError(f"LOG_FORMAT is {form!r}; it can be {' or '.join(FORMATS)}.")
    if level not in LEVELS:
        raise ValueError(f"LOG_LEVEL is {level!r}; it can be {', '.join(LEVELS)}.")
    formatter = f"{module}.{'JsonLines' if form == 'json' else 'PlainLines'}"
    not_below_info = {"level": max(level, "INFO", key=LEVELS.index)}
    not_below_error = {"level": max(level, "ERROR", key=LEVELS.index)}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": formatter}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            # Statements with their values, addresses with their queries, tokens with their claims.
            "django.db.backends": not_below_info,
            "django.template": not_below_info,
            "urllib3": not_below_info,
            "asyncio": not_below_info,
            "axes": not_below_error,
            "mozilla_django_oidc": not_below_error,
            # Refusals have lines of their own; only defects are left.
            "django.request": not_below_error,
            "django.security": not_below_error,
            "gunicorn.error": {"handlers": ["console"], "propagate": False},
        },
    }
