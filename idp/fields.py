"""The floor's encrypted fields, under the name that the first migrations know."""

from users.fields import EncryptedTextField, Secret, cipher

__all__ = ["EncryptedTextField", "Secret", "cipher"]
