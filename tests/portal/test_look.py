"""What keeps the look light: one stylesheet under 40 KB, which a person can still read."""

from pathlib import Path

from django.conf import settings

STATIC = Path(settings.BASE_DIR) / "portal" / "static" / "portal"
LIMIT = 40_000


def test_there_is_one_stylesheet_and_it_stays_under_40_kb() -> None:
    sheets = list(STATIC.rglob("*.css"))
    assert [sheet.name for sheet in sheets] == ["gatehouse.css"]
    assert sheets[0].stat().st_size < LIMIT


def test_the_stylesheet_is_written_in_lines_that_fit_a_screen() -> None:
    lines = (STATIC / "gatehouse.css").read_text().splitlines()
    assert [number for number, line in enumerate(lines, 1) if len(line) > 120] == []
    # Sections have names, so that a new rule finds its place.
    assert sum(line.startswith("/* --- ") for line in lines) > 10


def test_every_script_is_one_that_the_pages_load() -> None:
    app = (STATIC / "js" / "app.js").read_text()
    every = {script.name: script.read_text() for script in STATIC.glob("js/*.js")}
    loaded = {name for name in every if any(f'"./{name}"' in source for source in (app, *every.values()))}
    assert loaded | {"app.js"} == set(every)
