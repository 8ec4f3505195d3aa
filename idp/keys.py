"""The encryption keys of secrets at rest: which secrets there are, which can be read, and rotating them online."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cryptography.fernet import Fernet
from django.apps import apps
from django.db import models, transaction
from django.db.models import F

from idp.errors import SecretUnreadable
from idp.fields import EncryptedTextField, Secret
from idp.models import IdentityProvider
from users.audit import Actor, audited, record

# So many secrets are encrypted again in one transaction: nobody who signs in meanwhile waits for more than that.
BATCH = 100
# New secrets come in while the older ones are rotated. Each pass finds fewer, and the next to last usually none.
MOST_PASSES = 10
KINDS = {
    "idp.IdentityProvider.client_secret": "client secrets",
    "idp.IdentityProvider.next_client_secret": "next client secrets",
    "idp.ClientCertificate.private_key": "private keys of certificates",
    "idp.UpstreamGrant.refresh_token": "refresh tokens of sessions",
    "users.AuthenticatorApp.seed": "seeds of authenticator apps",
}
_CURE = "see `manage.py keys check` for what to enter again; `keys rotate --leave-unreadable` rotates the others"


@dataclass(frozen=True)
class KindOfSecret:
    """A column of secrets, and how many of them there are.

    Attributes:
        name: what they are, in words.
        outdated: how many a later key than the first encrypted; `rotate_secrets` encrypts those again.
        unreadable: how many no key opens.
    """

    name: str
    total: int
    outdated: int
    unreadable: int

    def as_dict(self) -> dict[str, object]:
        """Return it for a machine."""
        return {"kind": self.name, "total": self.total, "outdated": self.outdated, "unreadable": self.unreadable}


def generate_key() -> str:
    """Return a fresh key for ENCRYPTION_KEYS."""
    return Fernet.generate_key().decode()


def count_secrets() -> list[KindOfSecret]:
    """Return what there is of each kind of secret, and how much of it can be read. Shows none of them."""
    counted = []
    for model, name in _columns():
        total = outdated = unreadable = 0
        for _, secret in _secrets(model, name):
            total += 1
            if not secret.is_current:
                readable = secret.is_readable
                outdated, unreadable = outdated + readable, unreadable + (not readable)
        counted.append(KindOfSecret(KINDS[f"{model._meta.label}.{name}"], total, outdated, unreadable))
    return counted


@audited("keys.rotated", atomic=False)
def rotate_secrets(*, actor: Actor, dry_run: bool = False, leave_unreadable: bool = False) -> int:
    """Encrypt every stored secret with the first key, while sign-ins go on, and return how many there are.

    What the first key encrypted already stays as it is, so a rotation that was interrupted is simply run again.

    Args:
        leave_unreadable: rotate the others where some cannot be read.

    Raises:
        SecretUnreadable: one of them cannot be decrypted with any key; nothing is changed.
    """
    counted = count_secrets()
    total, unreadable = sum(kind.total for kind in counted), sum(kind.unreadable for kind in counted)
    if unreadable and not leave_unreadable:
        what = f"{unreadable} of {total} stored secret{'s' if total > 1 else ''}"
        raise SecretUnreadable(what=what, cure=_CURE, field="")
    if not dry_run:
        rotated = _rotate_all()
        details = {"secrets": total} | ({"unreadable": unreadable} if unreadable else {})
        record("keys.rotated", actor=actor, details={**details, "rotated": rotated})
    return total - unreadable


def _rotate_all() -> int:
    rotated = 0
    for _ in range(MOST_PASSES):
        found = sum(_rotate_column(model, name) for model, name in _columns())
        rotated += found
        if not found:
            break
    return rotated


def _rotate_column(model: type[models.Model], name: str) -> int:
    waiting = [(key, secret) for key, secret in _secrets(model, name) if not secret.is_current and secret.is_readable]
    changed = 0
    for start in range(0, len(waiting), BATCH):
        with transaction.atomic():
            changed += sum(_rotate(model, name, key, secret) for key, secret in waiting[start : start + BATCH])
    return changed


def _rotate(model: type[models.Model], name: str, key: Any, secret: Secret) -> int:
    """Put the same secret under the first key, unless somebody has put another one there meanwhile."""
    # A change of a provider under way has read the old ciphertext: it must not write it back.
    moved = {"revision": F("revision") + 1} if model is IdentityProvider else {}
    unchanged = model._default_manager.filter(pk=key, **{name: secret})
    return unchanged.update(**{name: secret.rotated()}, **moved)


def _columns() -> Iterator[tuple[type[models.Model], str]]:
    for model in apps.get_models():
        for field in model._meta.get_fields():
            if isinstance(field, EncryptedTextField):
                yield model, field.name


def _secrets(model: type[models.Model], name: str) -> Iterator[tuple[Any, Secret]]:
    """Return the keys and secrets of a column, read in parts and without a lock."""
    rows = model._default_manager.exclude(**{f"{name}__isnull": True}).order_by("pk").values_list("pk", name)
    part = list(rows[:BATCH])
    while part:
        yield from part
        part = list(rows.filter(pk__gt=part[-1][0])[:BATCH])
