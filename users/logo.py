"""Makes a picture that somebody uploaded one that is safe to show everybody: checked, drawn anew, small.

Nothing of the file survives but its pixels. It is decoded only after its head has said how large it is.
"""

import hashlib
import io
import struct
import zlib
from dataclasses import dataclass

from PIL import Image, ImageOps

from users.organization_errors import LogoIsDrawing, LogoMissing, LogoTooLarge, LogoUnreadable

MAX_BYTES = 2 * 1024 * 1024
MAX_SIDE = 4000
# Twice the size at which it is shown, for sharp screens.
BOX = (320, 96)
# A page may weigh 100 KB together with the stylesheet.
MAX_WEIGHT = 30_000
FORMATS = ("PNG", "JPEG", "WEBP")
# What Pillow's readers raise for files that are broken, cut off or made up.
UNREADABLE = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    LookupError,
    TypeError,
    ArithmeticError,
    struct.error,
    zlib.error,
)
BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)


@dataclass(frozen=True)
class Logo:
    """A logo as it is stored: a PNG, its SHA-256 in hex, and its size in pixels."""

    data: bytes
    sha256: str
    width: int
    height: int


def clean_logo(data: bytes) -> Logo:
    """Return the picture in a file as a PNG of at most 320 x 96 pixels and MAX_WEIGHT bytes, without metadata.

    Args:
        data: the file; PNG, JPEG or WebP, of which the first picture counts.

    Raises:
        LogoMissing, LogoTooLarge, LogoIsDrawing, LogoUnreadable: it is none that can be shown.
    """
    if not data:
        raise LogoMissing()
    if len(data) > MAX_BYTES:
        raise LogoTooLarge(found=f"{len(data) / 1024 / 1024:.1f} MB")
    if _is_svg(data):
        raise LogoIsDrawing()
    _refuse_large(*_webp_canvas(data))
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            _refuse_large(*picture.size)
            drawn = _draw(picture)
    except BOMBS as error:
        raise LogoTooLarge(found=f"more than {MAX_SIDE} pixels wide or high") from error
    except UNREADABLE as error:
        raise LogoUnreadable() from error
    encoded = _encode(drawn)
    return Logo(encoded, hashlib.sha256(encoded).hexdigest(), *drawn.size)


def _is_svg(data: bytes) -> bool:
    head = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return head.startswith((b"<?xml", b"<!doctype svg", b"<!--", b"<svg")) or data.startswith(b"\x1f\x8b")


def _refuse_large(width: int, height: int) -> None:
    if width > MAX_SIDE or height > MAX_SIDE:
        raise LogoTooLarge(found=f"{width:,} x {height:,} pixels")


def _webp_canvas(data: bytes) -> tuple[int, int]:
    """Return the size in pixels that the head of a WebP file claims (RFC 9649, section 2.7), or zeros.

    Pillow asks for the memory of the whole canvas as soon as it opens such a file, which is before it can be asked.
    """
    if data[:4] != b"RIFF" or data[8:16] != b"WEBPVP8X" or len(data) < 30:
        return 0, 0
    return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1


def _draw(picture: Image.Image) -> Image.Image:
    """Return the pixels, the right way up and small; decodes the picture."""
    upright = ImageOps.exif_transpose(picture)
    drawn = upright.convert("RGBA")
    drawn.thumbnail(BOX, Image.Resampling.LANCZOS)
    drawn.info = {}  # colour profile, text, camera and place would be written again
    return drawn


def _encode(drawn: Image.Image) -> bytes:
    """Return a PNG that is not too heavy: photographs lose colours until it fits."""
    encoded = _png(drawn)
    for colours in (256, 64, 16):
        if len(encoded) <= MAX_WEIGHT:
            break
        encoded = _png(drawn.quantize(colours, method=Image.Quantize.FASTOCTREE))
    return encoded


def _png(drawn: Image.Image) -> bytes:
    target = io.BytesIO()
    drawn.save(target, "PNG", optimize=True)
    return target.getvalue()
