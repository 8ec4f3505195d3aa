"""Writing a file that is there in the end, or not at all."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from portal.backup.errors import BackupFileExists


@contextlib.contextmanager
def new_file(path: Path, *, replace: bool) -> Iterator[BinaryIO]:
    """Write to a file beside the place, for this user alone, which goes there once it is complete and on the disk.

    After a failure or an interruption nothing is left of it, and what was there before is as it was.

    Args:
        replace: whether an older file may be replaced.

    Raises:
        BackupFileExists: it may not.
        OSError: the operating system says no.
    """
    refuse_existing(path, replace=replace)
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")  # mode 0600
    try:
        with os.fdopen(number, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _put(Path(name), path, replace=replace)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise
    _sync_directory(path.parent)


def refuse_existing(path: Path, *, replace: bool) -> None:
    """Raise BackupFileExists for a path that is taken, unless it may be replaced."""
    if not replace and os.path.lexists(path):
        raise BackupFileExists(path=str(path)[:200])


def _put(written: Path, path: Path, *, replace: bool) -> None:
    if not replace:
        # A second name fails where the place is taken meanwhile. Some file systems know no second names.
        try:
            os.link(written, path)
        except FileExistsError as error:
            raise BackupFileExists(path=str(path)[:200]) from error
        except OSError:
            refuse_existing(path, replace=False)
        else:
            os.unlink(written)
            return
    os.replace(written, path)


def _sync_directory(directory: Path) -> None:
    """Let the name outlast a power failure as well."""
    number = os.open(directory, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # not every file system knows that
            os.fsync(number)
    finally:
        os.close(number)
