"""Reading a provider's error response, and what to do about it: by Microsoft's number, else by the OAuth word."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from idp.protocol.aadsts_table import AADSTS, CODE_SPENT, SESSION_OVER, Advice
from idp.protocol.oauth_words import ENDS_GRANT, FALLBACK, WORDS
from idp.protocol.redaction import clean


@dataclass(frozen=True)
class OAuthFailure:
    """The safe part of an OAuth error response (RFC 6749 sections 4.1.2.1 and 5.2).

    Attributes:
        upstream_text: the provider's own words, cleaned, for administrators only: never on a person's page.
    """

    oauth_error: str
    aadsts: int | None = None
    correlation_id: str = ""
    timestamp: str = ""
    trace_id: str = ""
    upstream_text: str = field(default="", repr=False)

    def facts(self) -> dict[str, Any]:
        """All of it, for an error's context: administrators' pages and the audit log show it, a person's never."""
        return {
            "oauth_error": self.oauth_error,
            "aadsts": self.aadsts,
            "correlation_id": self.correlation_id,
            "trace_id": self.trace_id,
            "timestamp": self.timestamp,
            "upstream_text": self.upstream_text,
        }


_NUMBER = re.compile(r"AADSTS(\d{4,8})", re.ASCII)
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?Z?", re.ASCII)
_WORD = re.compile(r"[a-z][a-z0-9_.-]{0,63}", re.ASCII)


def advice_for(failure: OAuthFailure, *, refreshing: bool = False) -> Advice:
    """Microsoft's number says more than the OAuth word; an unknown one falls back to the word."""
    advice = AADSTS.get(failure.aadsts) if failure.aadsts else None
    advice = advice or WORDS.get(failure.oauth_error, FALLBACK)
    # The one word means a spent code at a sign-in, and an ended session at a refresh (RFC 6749 section 5.2).
    return SESSION_OVER if refreshing and advice is CODE_SPENT else advice


def is_temporary(failure: OAuthFailure) -> bool:
    """Whether the provider is down rather than unwilling."""
    return advice_for(failure).temporary


def ends_grant(failure: OAuthFailure) -> bool:
    """Whether a refresh that is answered so means that the person has to sign in again.

    A provider in trouble, or wrong settings of ours, must never look like that: they would sign everybody out.
    """
    advice = advice_for(failure, refreshing=True)
    if advice.temporary or advice.field:
        return False
    return failure.oauth_error in ENDS_GRANT if advice.ends_session is None else advice.ends_session


def parse_failure(body: Mapping[str, Any], *, redact: Iterable[str] = ()) -> OAuthFailure:
    """Reads an error response, a JSON body or the parameters of a redirect.

    Args:
        redact: what we sent and nobody may read: the secret, the code, the verifier, an assertion, a token.
    """
    word = body.get("error")
    text = body.get("error_description")
    text = text[:4000] if isinstance(text, str) else ""
    return OAuthFailure(
        oauth_error=word if isinstance(word, str) and _WORD.fullmatch(word) else "unknown_error",
        aadsts=_number(body.get("error_codes"), text),
        correlation_id=_found(_GUID, body.get("correlation_id"), text.rpartition("Correlation ID:")[2]),
        timestamp=_found(_TIME, body.get("timestamp"), text.rpartition("Timestamp:")[2]),
        trace_id=_found(_GUID, body.get("trace_id"), text.rpartition("Trace ID:")[2]),
        upstream_text=clean(text, redact),
    )


def _number(codes: object, text: str) -> int | None:
    if isinstance(codes, list) and codes and type(codes[0]) is int and 0 < codes[0] < 10**8:
        return codes[0]
    match = _NUMBER.search(text)
    return int(match[1]) if match else None


def _found(pattern: re.Pattern[str], value: object, text: str) -> str:
    """The value of a member, or what the description says, in its known shape only."""
    match = pattern.search(value[:100]) if isinstance(value, str) else None
    match = match or pattern.match(text.lstrip()[:100])
    return match[0] if match else ""
