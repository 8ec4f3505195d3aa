"""A picture that somebody uploads: what is refused, and what becomes of the rest."""

import io
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from tests.pictures import picture
from tests.users.support import refused
from users.errors import DirectoryError
from users.logo import BOX, MAX_BYTES, MAX_WEIGHT, Logo, clean_logo
from users.organization_errors import LogoIsDrawing, LogoMissing, LogoTooLarge, LogoUnreadable


def opened(logo: Logo) -> Image.Image:
    image = Image.open(io.BytesIO(logo.data))
    image.load()
    return image


def png_head(width: int, height: int) -> bytes:
    """Return a PNG that claims a size and holds hardly a pixel."""
    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")


def webp_head(width: int, height: int) -> bytes:
    """Return a WebP that claims the size of its canvas and holds no picture (RFC 9649, section 2.7)."""
    body = b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0"
    body += (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


@pytest.mark.parametrize(("kind", "mode"), [("PNG", "RGBA"), ("PNG", "L"), ("PNG", "P"), ("PNG", "I;16"), ("PNG", "1")])
@pytest.mark.parametrize("size", [(400, 120), (3000, 200), (90, 300), (1, 1), (4000, 1)])
def test_every_png_becomes_a_small_one(kind: str, mode: str, size: tuple[int, int]) -> None:
    target = io.BytesIO()
    Image.new(mode, size).save(target, kind)
    logo = clean_logo(target.getvalue())
    image = opened(logo)
    assert (image.format, image.size) == ("PNG", (logo.width, logo.height))
    assert image.width <= BOX[0] and image.height <= BOX[1] and len(logo.data) <= MAX_WEIGHT


@pytest.mark.parametrize(("kind", "mode"), [("JPEG", "RGB"), ("JPEG", "L"), ("JPEG", "CMYK"), ("WEBP", "RGB")])
def test_other_kinds_become_a_png_as_well(kind: str, mode: str) -> None:
    target = io.BytesIO()
    Image.new(mode, (640, 192)).save(target, kind)
    assert opened(clean_logo(target.getvalue())).size == (320, 96)


def test_what_is_small_stays_as_it_is_and_see_through() -> None:
    logo = clean_logo(picture(size=(100, 40), mode="RGBA"))
    image = opened(logo)
    assert (image.size, image.mode) == ((100, 40), "RGBA")
    assert image.getpixel((30, 0)) == (0, 0, 0, 0) and image.getpixel((0, 0))[3] == 255  # type: ignore[index]


def test_the_same_picture_has_the_same_name() -> None:
    assert clean_logo(picture()) == clean_logo(picture())
    assert clean_logo(picture()).sha256 != clean_logo(picture(size=(410, 120))).sha256


def test_noise_loses_colours_until_it_is_light_enough() -> None:
    logo = clean_logo(picture(size=(640, 192), noise=True))
    assert len(logo.data) <= MAX_WEIGHT and opened(logo).size == (320, 96)


def test_nothing_but_pixels_survives() -> None:
    exif = Image.Exif()
    exif[0x010E] = "taken at a secret place"
    exif[0x0112] = 6  # lies on its side
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "a secret place")
    profile = {"exif": exif.tobytes(), "icc_profile": b"a secret profile"}
    for data in (
        picture(size=(300, 90), pnginfo=text, **profile),
        picture("JPEG", size=(300, 90), **profile),
        picture("WEBP", size=(300, 90), **profile),
    ):
        logo = clean_logo(data)
        assert b"secret" in data and b"secret" not in logo.data
        assert opened(logo).info.keys() <= {"transparency"} and not opened(logo).getexif()
        assert logo.height > logo.width  # turned upright first


def test_of_a_moving_picture_the_first_counts() -> None:
    frames = [Image.new("RGB", (60, 20), colour) for colour in ("red", "blue")]
    for kind in ("PNG", "WEBP"):
        target = io.BytesIO()
        frames[0].save(target, kind, save_all=True, append_images=frames[1:], duration=50, lossless=True)
        image = opened(clean_logo(target.getvalue()))
        assert getattr(image, "n_frames", 1) == 1 and image.convert("RGB").getpixel((5, 5)) == (255, 0, 0)


@pytest.mark.parametrize(
    "data",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'></svg>",
        b"\xef\xbb\xbf  <?xml version='1.0'?><svg/>",
        b"<!-- drawn --><SVG>",
        b"\x1f\x8b\x08\0 compressed",
    ],
    ids=lambda data: f"{len(data)}-bytes",
)
def test_an_svg_is_refused_with_the_reason(data: bytes) -> None:
    error = refused(LogoIsDrawing, clean_logo, data=data)
    assert error.code == "users.logo_is_svg" and "scripts" in error.hint


@pytest.mark.parametrize(
    "data",
    [
        png_head(4001, 10),
        png_head(10, 4001),
        png_head(50_000, 50_000),
        png_head(2**31 - 1, 2**31 - 1),
        webp_head(16_384, 16_384),
        webp_head(2**24, 1),
        b"\x89PNG" + bytes(MAX_BYTES),
    ],
    ids=lambda data: f"{len(data)}-bytes",
)
def test_what_is_too_large_is_refused_before_it_is_decoded(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def decodes(*args: object) -> None:
        raise AssertionError("the picture was decoded")

    monkeypatch.setattr(Image.Image, "convert", decodes)
    monkeypatch.setattr("PIL.WebPImagePlugin.WebPImageFile._open", decodes)
    assert refused(LogoTooLarge, clean_logo, data=data).code == "users.logo_too_large"


@pytest.mark.parametrize(
    "data",
    [
        b"no picture",
        b"GIF89a" + bytes(100),
        picture("GIF"),
        picture("BMP"),
        picture("TIFF"),
        picture("ICO", (64, 64)),
        picture()[:200],
        picture("JPEG")[:400],
        picture("WEBP")[:100],
        png_head(300, 90),
        b"%PDF-1.7",
        b"\0" * 40,
    ],
    ids=lambda data: f"{len(data)}-bytes",
)
def test_what_is_no_picture_or_a_broken_one_is_refused(data: bytes) -> None:
    assert refused(LogoUnreadable, clean_logo, data=data).code == "users.logo_unreadable"


def test_an_empty_file_is_refused() -> None:
    assert refused(LogoMissing, clean_logo, data=b"").code == "users.logo_missing"


@given(kind=st.sampled_from(["PNG", "JPEG", "WEBP"]), cut=st.integers(1, 400), at=st.integers(0, 400), to=st.binary())
def test_whatever_is_done_to_a_file_there_is_a_logo_or_a_refusal(kind: str, cut: int, at: int, to: bytes) -> None:
    data = picture(kind, (60, 20))
    damaged = data[:at] + to + data[at + cut :]
    try:
        assert len(clean_logo(damaged).data) <= MAX_WEIGHT
    except DirectoryError as error:
        assert error.field == "logo"
