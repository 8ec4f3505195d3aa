"""Response bodies read within a limit: a compressed bomb costs no more memory than an honest answer."""

import zlib
from typing import Any

from idp.protocol import errors
from idp.protocol.strict_json import parse_object

# zlib recognises the gzip (RFC 1952) and zlib (RFC 1950) wrappers by itself with this window size.
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_CODINGS = frozenset({"gzip", "x-gzip", "deflate"})


def json_body(content: bytes, content_encoding: str, status: int, host: str, limit: int) -> dict[str, Any]:
    """The JSON object in a response's body, after its content coding (RFC 9110 section 8.4.1) is undone."""
    try:
        decoded = _decode(content, content_encoding.strip().lower(), limit)
    except ValueError:
        raise errors.EncodingRefused(host=host) from None
    if len(decoded) > limit:
        raise errors.BodyTooLarge(host=host, limit=limit)
    try:
        return parse_object(decoded)
    except ValueError:
        if status >= 400:
            raise errors.StatusRefused(host=host, status=status) from None
        raise errors.NotJsonObject(host=host, status=status) from None


def _decode(content: bytes, coding: str, limit: int) -> bytes:
    """The decoded content; of a longer one just more than `limit`."""
    if coding in {"", "identity"}:
        return content
    if coding not in _CODINGS:
        raise ValueError("unknown content coding")
    decoder = zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        decoded = decoder.decompress(content, limit + 1)
    except zlib.error:
        raise ValueError("broken stream") from None
    if len(decoded) <= limit and (not decoder.eof or decoder.unused_data):
        raise ValueError("broken stream")
    return decoded
