"""Normal forms of how to reach a person."""

import re

from users.people_errors import PhoneNumberInvalid

# As people write it: digits, what groups them, a plus in front, an extension behind.
_PHONE_NUMBER = re.compile(r"(?=.*[0-9])\+?[0-9 ()./-]{2,40}(?: ?(?:ext\.?|x) ?[0-9]{1,8})?", re.IGNORECASE)


def normalise_phone_number(text: str) -> str:
    """Return the phone number with single spaces, or "" for none; raises PhoneNumberInvalid."""
    text = " ".join(text.split())
    if text and not _PHONE_NUMBER.fullmatch(text):
        raise PhoneNumberInvalid()
    return text
