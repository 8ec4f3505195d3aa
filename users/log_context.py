"""What is known of the request or command under way, for every log line that is written meanwhile.

A context variable holds it, so that the lines of libraries carry the request id too. Threads do not inherit it:
`users.mails.in_background` hands it on.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass
class LogContext:
    """The facts of one request, or of one command. None of them is a secret, and each goes into every line.

    Attributes:
        request_id: the reference number that pages show and audit rows store.
        path: the pattern of the address, never the address: some hold one-time tokens, and queries hold codes.
        route: the pattern's name.
        realm: the portal that was asked, `user` or `admin`.
        person: the id of who is signed in, or was a moment ago.
        provider: the slug of the provider that the request is about.
        code: the code of the refusal, where there was one.
        command: the `manage.py` command.
        is_typed: whether it is a command that an operator typed and whose own output says what happened.
        secrets: what must not be in the text of an exception. Asked only when one is logged.
    """

    request_id: str = ""
    command: str = ""
    method: str = ""
    path: str = ""
    route: str = ""
    client_ip: str = ""
    realm: str = ""
    person: str = ""
    provider: str = ""
    code: str = ""
    is_typed: bool = False
    secrets: Callable[[], Iterable[str]] = field(default=tuple, repr=False)

    def facts(self) -> dict[str, str]:
        """Return what is known, in the order in which a line shows it."""
        return {name: text for name in FACTS if (text := getattr(self, name))}


FACTS = ("request_id", "command", "method", "path", "route", "realm", "person", "provider", "code", "client_ip")

_current: ContextVar[LogContext | None] = ContextVar("gatehouse_log_context", default=None)


def current() -> LogContext:
    """Return the context of the request or command under way; an empty one outside of both."""
    return _current.get() or LogContext()


def note(**facts: str) -> None:
    """Add to what is known. Outside of a request or command there is nothing to add to."""
    context = _current.get()
    if context is not None:
        for name, text in facts.items():
            setattr(context, name, text)


def log_context_from_now_on(context: LogContext) -> None:
    """Let every line of this process carry these facts, unless it is written within a context of its own."""
    _current.set(context)


@contextmanager
def log_context(context: LogContext) -> Iterator[LogContext]:
    """Let every line that is written within the block carry these facts."""
    token = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(token)
