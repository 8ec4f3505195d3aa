"""The seed of an authenticator app between its QR code and the app's first code: encrypted, in her session."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.sessions.backends.base import SessionBase
from django.utils import timezone

from users.factor_errors import EnrolmentOver
from users.fields import Secret
from users.second_factor import new_seed

PENDING = "pending_seed"
LIFETIME = timedelta(minutes=10)


def pending_seed(session: SessionBase) -> Secret:
    """Return the seed to show: the same while its page is looked at, a fresh one after that."""
    noted: dict[str, Any] | None = session.get(PENDING)
    if noted and _is_young(noted):
        seed = Secret(noted["seed"].encode())
        if seed.is_readable:
            return seed
    seed = new_seed()
    session[PENDING] = {"seed": seed.token, "at": timezone.now().isoformat()}
    return seed


def posted_seed(session: SessionBase) -> Secret:
    """Return the seed that the app was given, which was shown in this session.

    Raises:
        EnrolmentOver: none was, or too long ago.
    """
    noted: dict[str, Any] | None = session.get(PENDING)
    if not noted or not _is_young(noted):
        raise EnrolmentOver()
    return Secret(noted["seed"].encode())


def forget_pending_seed(session: SessionBase) -> None:
    """Forget the seed, once the app is set up."""
    session.pop(PENDING, None)


def in_groups(seed: Secret) -> str:
    """Return the seed in groups of four, to type."""
    text = seed.reveal()
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def _is_young(noted: dict[str, Any]) -> bool:
    return timezone.now() - datetime.fromisoformat(noted["at"]) < LIFETIME
