"""Running `manage.py` in this process, and as a process of its own."""

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.management import CommandError, call_command
from django.db import connection

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass
class Ran:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed for a machine."""
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, str]:
        """The refusal that it printed for a machine."""
        error: dict[str, str] = json.loads(self.err)["error"]
        return error


def run(*arguments: str, stdin: str = "") -> Ran:
    """Run a command in this process, as `manage.py` would."""
    out, err, terminal = io.StringIO(), io.StringIO(), sys.stdin
    sys.stdin = io.StringIO(stdin)
    status = 0
    try:
        with redirect_stdout(out), redirect_stderr(err):
            call_command(*arguments, stdout=out, stderr=err)
    except CommandError as error:
        err.write(str(error))
        status = error.returncode
    except SystemExit as end:
        status = int(end.code or 0)
    finally:
        sys.stdin = terminal
    return Ran(status, out.getvalue(), err.getvalue())


def database_url() -> str:
    """Return the URL of the test's database, for another process."""
    settings = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{settings['NAME']}"
    account = f"{settings['USER']}:{settings['PASSWORD']}"
    return f"postgres://{account}@{settings['HOST']}:{settings['PORT']}/{settings['NAME']}"


def in_python(program: str, url: str) -> str:
    """Return what a Python program prints in a process of its own that has this database."""
    done = subprocess.run(  # noqa: S603  (our own interpreter and arguments)
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url},
        capture_output=True,
        timeout=60,
        check=True,
        text=True,
    )
    return done.stdout.strip()


def in_shell(*arguments: str | bytes, stdin: bytes = b"", **environment: str) -> Ran:
    """Run a command as an operator does, in a process of its own, on the database of the test (as committed)."""
    done = subprocess.run(  # noqa: S603  (our own interpreter and arguments)
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": database_url(), **environment},
        input=stdin,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())
