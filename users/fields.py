"""Secrets at rest: encrypted with their own keys, and never in a repr, a form or a log."""

from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models

from users.factor_errors import SecretUnreadable


@lru_cache(maxsize=8)
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def cipher() -> MultiFernet:
    """Return the cipher of ENCRYPTION_KEYS: the first key encrypts, all of them decrypt."""
    return _cipher(tuple(settings.ENCRYPTION_KEYS))


class Secret:
    """A text that shows itself only where `reveal()` is called. Kept encrypted until then.

    Because it decrypts late, a list of providers still opens when a key was lost.
    """

    __slots__ = ("_token",)

    def __init__(self, token: bytes) -> None:
        self._token = token

    @classmethod
    def of(cls, text: str) -> "Secret":
        """Return the secret of a plain text."""
        return cls(cipher().encrypt(text.encode()))

    @property
    def token(self) -> str:
        """The encrypted form, as it is stored."""
        return self._token.decode()

    def reveal(self) -> str:
        """Return the plain text.

        Raises:
            SecretUnreadable: none of ENCRYPTION_KEYS decrypts it.
        """
        try:
            return cipher().decrypt(self._token).decode()
        except InvalidToken as error:
            raise SecretUnreadable() from error

    @property
    def is_readable(self) -> bool:
        """Whether one of ENCRYPTION_KEYS decrypts it."""
        try:
            self.reveal()
        except SecretUnreadable:
            return False
        return True

    @property
    def is_current(self) -> bool:
        """Whether the first of ENCRYPTION_KEYS encrypted it."""
        try:
            _cipher((settings.ENCRYPTION_KEYS[0],)).decrypt(self._token)
        except InvalidToken:
            return False
        return True

    def rotated(self) -> "Secret":
        """Return the same secret encrypted with the first key; raises SecretUnreadable."""
        try:
            return Secret(cipher().rotate(self._token))
        except InvalidToken as error:
            raise SecretUnreadable() from error

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return "Secret(********)"

    __str__ = __repr__


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]
    """A text column that holds ciphertext; in Python its value is a `Secret` or None."""

    description = "Encrypted text"
    # For the type checker alone, which otherwise takes it for a field of plain text.
    _pyi_private_set_type: Any
    _pyi_private_get_type: Any

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Secret | None:
        """Wrap what was read."""
        return Secret(value.encode()) if value else None

    def to_python(self, value: Any) -> Secret | None:
        """Accept a Secret, or nothing: plain text must be wrapped where it enters."""
        if value is None or isinstance(value, Secret):
            return value
        raise TypeError("assign a Secret, not plain text")

    def get_prep_value(self, value: Any) -> str | None:
        """Return the ciphertext to store."""
        secret = self.to_python(value)
        return secret.token if secret is not None else None

    def value_to_string(self, obj: models.Model) -> str:
        """Serialise the ciphertext, never the text."""
        return self.get_prep_value(self.value_from_object(obj)) or ""
