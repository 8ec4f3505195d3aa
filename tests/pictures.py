"""Pictures for tests, drawn on the spot."""

import io
from typing import Any

from PIL import Image, ImageDraw


def picture(
    kind: str = "PNG", size: tuple[int, int] = (400, 120), *, mode: str = "RGB", noise: bool = False, **options: Any
) -> bytes:
    """Return a file with a dark word mark on nothing, or with noise, which hardly can be made smaller."""
    drawn = Image.effect_noise(size, 200).convert(mode) if noise else Image.new(mode, size)
    if not noise:
        pen = ImageDraw.Draw(drawn)
        ink = "black" if mode == "L" else (20, 30, 60) + ((255,) if mode == "RGBA" else ())
        pen.rectangle((0, 0, size[0] // 4, size[1] - 1), fill=ink)
        pen.ellipse((size[0] // 3, size[1] // 4, size[0] - 1, size[1] * 3 // 4), fill=ink)
    target = io.BytesIO()
    drawn.save(target, kind, **options)
    return target.getvalue()
