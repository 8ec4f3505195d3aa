"""A PostgreSQL server for the tests: the one on the standard port, or a private one.

`python -m tests.postgres reachable` prints the URL of a server that answers there, or exits with 1.
`python -m tests.postgres start DIRECTORY` starts a private one and prints its URL; `stop DIRECTORY` removes it again.
"""

import getpass
import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg

STANDARD = ("postgres://postgres@127.0.0.1:5432/postgres", "postgres://postgres@%2Fvar%2Frun%2Fpostgresql/postgres")
PRIVATE_PORT = 54329


def reachable() -> str | None:
    """Return the URL of a server on the standard port or socket that lets the tests make databases, or None."""
    for url in STANDARD:
        try:
            with psycopg.connect(url, connect_timeout=3):
                return url
        except psycopg.OperationalError:
            continue
    return None


def _tool(name: str) -> str:
    """Return the path of a PostgreSQL program; Debian keeps them out of PATH."""
    found = shutil.which(name) or next(
        (str(path) for path in sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)), None
    )
    if found is None:
        sys.exit(f"{name} was not found. Install PostgreSQL (Debian: apt-get install postgresql), or set DATABASE_URL.")
    return found


def _as_server_user(directory: Path) -> list[str]:
    """PostgreSQL refuses to run as root: hand the directory to another user there, and run as that one."""
    if os.geteuid() != 0:
        return []
    user = "postgres" if any(entry.pw_name == "postgres" for entry in pwd.getpwall()) else "nobody"
    shutil.chown(directory, user)
    return ["runuser", "-u", user, "--"]


def start(directory: Path, port: int = PRIVATE_PORT, *settings: str) -> str:
    """Start a private server in an empty directory and return its URL.

    Args:
        settings: further ones of the server, such as `log_min_messages=fatal`.
    """
    prefix = _as_server_user(directory)
    data = str(directory / "data")
    init = [*prefix, _tool("initdb"), "-D", data, "-U", "postgres", "--auth=trust", "-E", "UTF8", "--no-sync"]
    subprocess.run(init, check=True, stdout=subprocess.DEVNULL, cwd=directory)  # noqa: S603
    # In its own file, so that a server that is started again has them too.
    given = [f"port={port}", "listen_addresses='127.0.0.1'", f"unix_socket_directories='{directory}'", "fsync=off"]
    with (directory / "data" / "postgresql.conf").open("a") as file:
        file.write("\n".join([*given, *settings]) + "\n")
    start_again(directory)
    return f"postgres://postgres@127.0.0.1:{port}/postgres"


def start_again(directory: Path) -> None:
    """Start a private server that was halted."""
    _pg_ctl(directory, "-l", str(directory / "log"), "-w", "start")


def halt(directory: Path, mode: str = "fast") -> None:
    """Stop a private server, which keeps its data.

    Args:
        mode: `fast` ends everybody's connection in good order, `immediate` is a crash with recovery at the next start.
    """
    _pg_ctl(directory, "-m", mode, "-w", "stop")


def _pg_ctl(directory: Path, *arguments: str, check: bool = True) -> None:
    command = [*_as_server_user(directory), _tool("pg_ctl"), "-D", str(directory / "data"), *arguments]
    subprocess.run(command, check=check, stdout=subprocess.DEVNULL, cwd=directory)  # noqa: S603


def stop(directory: Path) -> None:
    """End the private server and remove its directory."""
    _pg_ctl(directory, "-m", "fast", "-w", "stop", check=False)
    shutil.rmtree(directory, ignore_errors=True)


def main(arguments: list[str]) -> int:
    """Run one of the three verbs."""
    match arguments:
        case ["reachable"]:
            url = reachable()
            print(
                url or f"no PostgreSQL answers {getpass.getuser()} on the standard port",
                file=sys.stdout if url else sys.stderr,
            )  # noqa: T201, E501
            return 0 if url else 1
        case ["start", directory]:
            print(start(Path(directory)))  # noqa: T201
            return 0
        case ["stop", directory]:
            stop(Path(directory))
            return 0
    print(__doc__, file=sys.stderr)  # noqa: T201
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
