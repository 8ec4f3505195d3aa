"""The encryption keys of secrets at rest."""

from cryptography.fernet import Fernet
from django.apps import apps
from django.db.models import F

from idp.fields import EncryptedTextField
from idp.models import IdentityProvider
from users.audit import Actor, audited, record


def generate_key() -> str:
    """Return a fresh key for ENCRYPTION_KEYS."""
    return Fernet.generate_key().decode()


@audited("keys.rotated")
def rotate_secrets(*, actor: Actor, dry_run: bool = False) -> int:
    """Encrypt every stored secret again with the first key, all or none, and return how many there are.

    Raises:
        SecretUnreadable: one of them cannot be decrypted with any key; nothing is changed.
    """
    count = 0
    for model in apps.get_models():
        for field in model._meta.get_fields():
            if not isinstance(field, EncryptedTextField):
                continue
            rows = model._default_manager.select_for_update().exclude(**{f"{field.name}__isnull": True})
            for row in rows.only("pk", field.name):
                rotated = getattr(row, field.name).rotated()
                count += 1
                if not dry_run:
                    # A change of a provider under way has read the old ciphertext: it must not write it back.
                    moved = {"revision": F("revision") + 1} if model is IdentityProvider else {}
                    model._default_manager.filter(pk=row.pk).update(**{field.name: rotated}, **moved)
    if not dry_run:
        record("keys.rotated", actor=actor, details={"secrets": count})
    return count
