"""Writing files, where the operating system may say no at any moment: at the beginning, halfway, and at the end."""

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from users.errors import FileNotWritten

# What standard output may say: nobody reads any more, the disk or the quota is used up, the device fails.
_OF_OUTPUT = (errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


@contextlib.contextmanager
def writing(path: str | Path | None) -> Iterator[None]:
    """Refuse in our own words where a file cannot be opened, written or closed.

    Args:
        path: the file; None for standard output, whose reader may leave when it has enough, as `head` does.

    Raises:
        FileNotWritten: the disk is full, the directory is not there, and so on.
    """
    try:
        yield
    except OSError as error:
        if path is None and error.errno not in _OF_OUTPUT:
            raise
        if path is None:
            forget_output()
            if isinstance(error, BrokenPipeError):
                return
        name = "Standard output" if path is None else str(path)
        raise FileNotWritten(path=name, reason=error.strerror or "unknown") from error


def forget_output() -> None:
    """Let what is left over for standard output go nowhere: Python would try once more at its end, and complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
