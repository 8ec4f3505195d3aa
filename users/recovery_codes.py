"""Recovery codes: ten of them, shown once, good once each, stored as hashes."""

import base64
import hashlib
import secrets

from users.models import RecoveryCode, User

HOW_MANY = 10
_LENGTH = 16
# Letters and digits that look alike on paper; base32 has none of 0, 1, 8 and 9.
_LOOK_ALIKES = str.maketrans({"0": "O", "1": "I", "8": "B"})


def replace_codes(person: User) -> tuple[str, ...]:
    """Store the hashes of fresh codes in the place of all former ones, and return the codes. Her row is locked."""
    codes = tuple(_new_code() for _ in range(HOW_MANY))
    RecoveryCode.objects.filter(person=person).delete()
    RecoveryCode.objects.bulk_create([RecoveryCode(person=person, code_hash=_hash(person, code)) for code in codes])
    return codes


def spend_code(person: User, typed: str) -> bool:
    """Use up a code, and return whether it was one. Case, spaces and dashes do not count."""
    if len(_plain(typed)) != _LENGTH:
        return False
    return bool(RecoveryCode.objects.filter(person=person, code_hash=_hash(person, typed)).delete()[0])


def _new_code() -> str:
    text = base64.b32encode(secrets.token_bytes(10)).decode().lower()
    return "-".join(text[start : start + 4] for start in range(0, _LENGTH, 4))


def _plain(typed: str) -> str:
    return "".join(character for character in typed.upper() if character.isalnum()).translate(_LOOK_ALIKES)


def _hash(person: User, code: str) -> str:
    return hashlib.sha256(f"{person.pk}:{_plain(code)}".encode()).hexdigest()
