"""Finds the servers that the tests need, and fetches them where it can: `python -m tests.servers`.

That is redis-server for the tests of the cache, nginx for the soak, and where DATABASE_URL is PostgreSQL also
PostgreSQL's own programs. Imports nothing heavy: it runs before every `make test`.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

# The program that is looked for, and the package of Debian and its like that brings it.
NGINX = ("nginx", "nginx")
REDIS = ("redis-server", "redis-server")
WITH_POSTGRESQL = (("initdb", "postgresql"), ("pg_ctl", "postgresql"))
CURE = "Install them, on Debian and its like with: apt-get install"


def missing() -> dict[str, str]:
    """Return the programs that are not there, each with the package that brings it."""
    return _absent(NGINX, REDIS, *(WITH_POSTGRESQL if _on_postgresql() else ()))


def _absent(*needed: tuple[str, str]) -> dict[str, str]:
    return {program: package for program, package in needed if find(program) is None}


def _on_postgresql() -> bool:
    return os.environ.get("DATABASE_URL", "").startswith("postgres")


def find(program: str) -> str | None:
    """Return the path of a program, also where Debian keeps it out of a user's PATH, or None."""
    found = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"), reverse=True)
    return found or next(map(str, places), None)


def soak_left_out() -> str:
    """Return why the soak is left out, or "" where it runs: in CI it has to fail instead. Redis is part of it on
    PostgreSQL alone."""
    return _left_out("the soak is left out", NGINX, *((REDIS, *WITH_POSTGRESQL) if _on_postgresql() else ()))


def redis_left_out() -> str:
    """Return why the tests with a Redis of their own are left out, or "" where they run: in CI they have to fail."""
    return _left_out("the tests of the cache in Redis are left out", REDIS)


def _left_out(what: str, *needed: tuple[str, str]) -> str:
    if in_ci() or not (programs := _absent(*needed)):
        return ""
    return f"{what}: no {', no '.join(programs)}; `python -m tests.servers` says what to do"


def in_ci() -> bool:
    """Return whether nothing may be left out."""
    return os.environ.get("CI", "").lower() in {"1", "true", "yes"}


def _fetch(packages: list[str]) -> None:
    """Install packages as root, without starting what is in them: nothing but the tests needs them."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    _say(f"No {', no '.join(missing())} for the tests yet. Trying: apt-get install {' '.join(packages)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for command in (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", *packages]):
        try:
            subprocess.run(command, env=environment, timeout=900, check=False, stdout=sys.stderr)  # noqa: S603
        except (OSError, subprocess.TimeoutExpired) as error:
            _say(str(error))


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201


def main() -> int:
    """Make sure that the servers are there. Without: exit status 1 in CI, elsewhere a clear line and 0."""
    if missing():
        _fetch(sorted(set(missing().values())))
    if not (programs := missing()):
        return 0
    _say(f"Not found for the tests: {', '.join(programs)}. {CURE} {' '.join(sorted(set(programs.values())))}")
    if in_ci():
        return 1
    for why in filter(None, (redis_left_out(), soak_left_out())):
        _say(f"So {why.partition(':')[0]}.")
    _say("All other tests run. Under CI=true this would be a failure.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
