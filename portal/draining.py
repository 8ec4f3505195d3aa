"""What all processes of one server know together: whether it has been told to end."""

import mmap

# One byte that is shared with every process which this one starts by fork, as gunicorn's master starts its workers.
_shared = mmap.mmap(-1, 1)


def begin() -> None:
    """Note that this server ends soon. There is no way back."""
    _shared[0] = 1


def has_begun() -> bool:
    """Return whether this server ends soon: `/readyz` says so, and a load balancer sends its requests elsewhere."""
    return bool(_shared[0])
