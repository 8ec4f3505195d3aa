"""The log lines of the portal: what is known of the request goes in, and what could be a secret stays out."""

import logging
import re
from collections.abc import Mapping
from typing import Any

from portal.log_lines import JsonLines as BareJsonLines
from portal.log_lines import PlainLines as BarePlainLines
from portal.scrubbing import scrubbed_traceback
from users.log_context import current

# gunicorn quotes requests that it cannot read, and addresses: query, link and all.
_QUOTED = re.compile(r"(Invalid request from ip=\S*):\s.*", re.DOTALL)
_WITH_ADDRESS = "Error handling request %s"


class PortalLines(BareJsonLines):
    """Adds the facts of the request or command under way, and keeps addresses and secrets out."""

    def facts_of(self, record: logging.LogRecord) -> Mapping[str, Any]:
        """Return the facts of the request, then those of this very line, which win."""
        fields: dict[str, Any] = dict(current().facts())
        own = getattr(record, "fields", None)
        return fields | own if isinstance(own, dict) else fields

    def message_of(self, record: logging.LogRecord) -> str:
        """Return what the record says, with the pattern of an address in the place of the address."""
        request = getattr(record, "request", None)
        if request is not None and isinstance(record.args, tuple):
            # Django's own lines about requests end with the path; that of a one-time link is a secret.
            shown = current().path or "(address)"
            addresses = {getattr(request, "path", None), getattr(request, "path_info", None)}
            args = tuple(shown if arg in addresses else arg for arg in record.args if isinstance(arg, str | int))
            return str(record.msg) % args if len(args) == len(record.args) else str(record.msg)
        if record.name == "gunicorn.error":
            return _of_gunicorn(record)
        return record.getMessage()

    def exception_of(self, error: BaseException) -> str:
        """Return the traceback, without what the texts of exceptions may hold."""
        return scrubbed_traceback(error, current().secrets())


def _of_gunicorn(record: logging.LogRecord) -> str:
    if str(record.msg).startswith(_WITH_ADDRESS):
        return "Error handling request"
    return _QUOTED.sub(r"\1", record.getMessage())


class JsonLines(PortalLines):
    """As JSON."""


class PlainLines(PortalLines, BarePlainLines):
    """For people."""
