"""A place for each process among the files in which counts are shared.

prometheus_client names such files by process id, and keeps those of the dead: after months of restarted workers there
are thousands. Here a process takes the first place that is free, and goes on in the files of whoever had it before:
counts only ever grow, and there are never more files than processes at one time. The system gives a place back when
its process ends, however it ends, because what holds it is a lock.
"""

import fcntl
import os
import struct
from pathlib import Path

from prometheus_client.mmap_dict import MmapedDict

_MOST = 1024
_KINDS = ("counter", "histogram")
# What a process fills in months. Written out in full at the beginning: a memory map of a file with holes kills its
# process on the day on which the disk is full.
_SIZE = 1 << 21
# Where the values begin in such a file; the number before says where they end.
_BEGIN = 8
_UNREADABLE = (RuntimeError, ValueError, struct.error, IndexError)


class Slots:
    """Answers with the number of this process's place, as prometheus_client asks for an identifier at each count."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._process = 0
        self._slot = 0
        self._held: list[int] = []
        self()

    def __call__(self) -> int:
        """Return the number; a forked process takes a place of its own.

        Raises:
            OSError: nothing can be written there.
        """
        if self._process != os.getpid():
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._empty_if_alone()
            self._slot = self._take()
            self._process = os.getpid()
        return self._slot

    def _empty_if_alone(self) -> None:
        """Begin anew where no other process counts: what lies there may be of another version, or half-written."""
        everybody = os.open(self._directory / "everybody.lock", os.O_RDWR | os.O_CREAT, 0o600)
        if _locked(everybody):
            for file in self._directory.glob("*.db"):
                file.unlink()
        fcntl.flock(everybody, fcntl.LOCK_SH)
        self._held.append(everybody)

    def _take(self) -> int:
        for slot in range(_MOST):
            held = os.open(self._directory / f"{slot}.lock", os.O_RDWR | os.O_CREAT, 0o600)
            if _locked(held):
                self._held.append(held)
                for kind in _KINDS:
                    _prepare(self._directory / f"{kind}_{slot}.db")
                return slot
            os.close(held)
        raise OSError(None, "all places are taken")


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_whole(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            (used,) = struct.unpack("i", opened.read(4))
        list(MmapedDict.read_all_values_from_file(str(file)))  # type: ignore[no-untyped-call]
    except (FileNotFoundError, *_UNREADABLE):
        return False
    return bool(_BEGIN <= used <= file.stat().st_size and file.stat().st_size >= _SIZE)


def _prepare(file: Path) -> None:
    """Leave a file that can be read where there is one, else make one of full size."""
    if not _is_whole(file):
        # Under another name first: whoever adds up the files meanwhile must not see an empty one.
        fresh = file.with_suffix(".new")
        fresh.write_bytes(struct.pack("i", _BEGIN).ljust(_SIZE, b"\0"))
        fresh.replace(file)
