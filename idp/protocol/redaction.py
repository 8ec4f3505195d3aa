"""A provider's own words, made fit for an administrator's page: clean, short, and without what we sent."""

import html
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

from idp.protocol.claims import has_controls

MAX_TEXT = 500
MASK = "[removed]"

# So many characters in common with a secret are no coincidence; a provider may quote only a part of one.
_PIECE = 8
# Shorter values occur in any text, and nothing that is so short is a secret.
_MIN_SECRET = 4
_JWT = re.compile(r"eyJ[\w-]{8,}(\.[\w-]*){0,4}", re.ASCII)
_ENTRA_SECRET = re.compile(r"[\w.~-]{3}\dQ~[\w.~-]{20,}", re.ASCII)
# What codes, secrets and tokens look like, whoever sent them: 40 characters or more without a gap.
_LONG_RUN = re.compile(r"[\w.~+-]{40,}={0,2}", re.ASCII)
# A SHA-1 thumbprint is as long, and is what an administrator has to compare.
_THUMBPRINT = re.compile(r"[0-9A-Fa-f]{40}", re.ASCII)


def clean(text: str, redact: Iterable[str] = ()) -> str:
    """At most 500 printable characters of a text, without what is in `redact` or looks like a credential."""
    text = "".join(" " if has_controls(character) else character for character in text)
    text = " ".join(text.split())
    for value in redact:
        for spelling in {value, quote(value, safe=""), quote_plus(value), html.escape(value)}:
            text = _without(text, spelling)
    for pattern in (_JWT, _ENTRA_SECRET):
        text = pattern.sub(MASK, text)
    text = _LONG_RUN.sub(_masked_if_random, text)
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def _masked_if_random(match: re.Match[str]) -> str:
    run = match[0]
    is_random = any(character.isdigit() for character in run) and not _THUMBPRINT.fullmatch(run)
    return MASK if is_random else run


def _without(text: str, value: str) -> str:
    """The text without the value, and without any longer piece of it."""
    if len(value) < _MIN_SECRET:
        return text
    size = min(_PIECE, len(value))
    pieces = {value[start : start + size] for start in range(len(value) - size + 1)}
    hit = [False] * len(text)
    for start in range(len(text) - size + 1):
        if text[start : start + size] in pieces:
            hit[start : start + size] = [True] * size
    kept = "".join("\x00" if is_hit else character for character, is_hit in zip(text, hit, strict=True))
    return re.sub("\x00+", MASK, kept)
