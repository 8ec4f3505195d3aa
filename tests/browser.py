"""Finds a Chromium for the browser tests, and fetches one where it can: `python -m tests.browser`.

Looks for Playwright's own, then the system's. Where there is neither it asks Playwright to download one, and as root
apt-get. Imports nothing heavy: it runs before every `make test`.
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

SYSTEM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PLAYWRIGHT_PLACES = (
    "chrome-linux*/chrome",
    "chrome-headless-shell-linux*/*headless*shell",
    "chrome-mac*/*.app/Contents/MacOS/*",
    "chrome-win*/chrome.exe",
)
MISSING = """\
No Chromium was found, and none could be fetched: the browser tests cannot run here. One of these cures it:
  .venv/bin/python -m playwright install --with-deps chromium     (downloads one; --with-deps needs root)
  apt-get install chromium                                        (or your system's package of that name)"""


def find_browser() -> str | None:
    """Return the path of a Chromium that starts, or None."""
    return next((path for path in _candidates() if _starts(path)), None)


def left_out() -> bool:
    """Return whether the browser tests are left out: without a browser, unless in CI, where they have to fail."""
    return not _in_ci() and find_browser() is None


def _in_ci() -> bool:
    return os.environ.get("CI", "").lower() in {"1", "true", "yes"}


def _candidates() -> Iterator[str]:
    yield from _playwrights_own()
    yield from filter(None, map(shutil.which, SYSTEM_NAMES))


def _playwrights_own() -> Iterator[str]:
    """Look where Playwright keeps the revision that it is made for. Its own answer would start its Node driver."""
    spec = importlib.util.find_spec("playwright")
    if spec is None or spec.origin is None:
        return
    listed = json.loads((Path(spec.origin).parent / "driver/package/browsers.json").read_text())["browsers"]
    for browser in listed:
        if browser["name"] in {"chromium", "chromium-headless-shell"}:
            folder = f"{browser['name'].replace('-', '_')}-{browser['revision']}"
            for place in PLAYWRIGHT_PLACES:
                yield from map(str, sorted(_cache().glob(f"{folder}/{place}")))


def _cache() -> Path:
    chosen = os.environ.get("PLAYWRIGHT_BROWSERS_PATH", "")
    if chosen and chosen != "0":
        return Path(chosen)
    if sys.platform == "darwin":
        return Path.home() / "Library/Caches/ms-playwright"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "ms-playwright"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "ms-playwright"


def _starts(path: str) -> bool:
    """Ask for the version: a browser without its libraries, and Ubuntu's stub for a snap, cannot tell it."""
    try:
        answer = subprocess.run([path, "--version"], capture_output=True, timeout=30, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0


def _fetch() -> str | None:
    """Try every way to get a browser, and say which."""
    ways = [[[sys.executable, "-m", "playwright", "install", "chromium"]]]
    if hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        ways.append([["apt-get", "update"], ["apt-get", "install", "-y", "chromium"]])
    for commands in ways:
        _say(f"No browser for the browser tests yet. Trying: {' && '.join(map(' '.join, commands))}")
        # Each command only where the one before it went well; what it has to say it says itself.
        all(_run(command) for command in commands)
        if found := find_browser():
            return found
    return None


def _run(command: list[str]) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        return subprocess.run(command, env=environment, timeout=900, check=False).returncode == 0  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return False


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201


def main() -> int:
    """Make sure that there is a browser. Without one: exit status 1 in CI, elsewhere a clear line and 0."""
    if find_browser() or _fetch():
        return 0
    _say(MISSING)
    if _in_ci():
        return 1
    _say("All other tests run; the browser tests are left out. Under CI=true this would be a failure.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
