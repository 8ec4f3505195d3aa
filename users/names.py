"""Normal forms of what identifies a person. One place, so that a look-alike is one everywhere or nowhere."""

import re
import unicodedata

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator

from users.errors import CompanyEmailInvalid, LocaleInvalid, NameInvalid, UserNameInvalid

EMAIL_MAX_LENGTH = 254
NAME_MAX_LENGTH = 150
EXTERNAL_ID_MAX_LENGTH = 255
REASON_MAX_LENGTH = 200
LOCALE_MAX_LENGTH = 35
_USER_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")
_GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
# Marks that turn the direction of writing round would let a name pass for another one. Joiners belong to some scripts.
_JOINERS = "\u200c\u200d"
_INVISIBLE = {"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"}
# A language with script, region, variants and extensions (RFC 5646, section 2.1); the longest that BCP 47 expects.
_LOCALE = re.compile(
    r"[a-z]{2,3}(?:-[a-z]{3}){0,3}(?:-[a-z]{4})?(?:-(?:[a-z]{2}|[0-9]{3}))?"
    r"(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*(?:-[0-9a-wy-z](?:-[a-z0-9]{2,8})+)*(?:-x(?:-[a-z0-9]{1,8})+)?",
    re.ASCII,
)
_validate_email = EmailValidator()


def is_guid(text: str) -> bool:
    """Return whether the text has the shape of a GUID, such as an object ID of Entra."""
    return _GUID.fullmatch(text) is not None


def normalise_external_id(text: str) -> str | None:
    """Return the external ID (a GUID in lower case), or None for an empty one. Raises NameInvalid."""
    text = text.strip()
    if len(text) > EXTERNAL_ID_MAX_LENGTH or not text.isprintable():
        raise NameInvalid(field="external_id")
    return (text.lower() if is_guid(text) else text) or None


def normalise_email(text: str) -> str:
    """Return the lower-cased company email.

    Only ASCII is accepted, checked before the case is folded: `str.lower()` turns the Kelvin sign into a plain k, and
    an address that merely looks like a colleague's must never become hers.

    Raises:
        CompanyEmailInvalid: anything that is not one plain address of at most 254 characters.
    """
    text = text.strip(" \t\r\n")
    if not text.isascii() or len(text) > EMAIL_MAX_LENGTH:
        raise CompanyEmailInvalid()
    try:
        _validate_email(text)
    except ValidationError as error:
        raise CompanyEmailInvalid() from error
    return text.lower()


def normalise_user_name(text: str) -> str:
    """Return the lower-cased user name, or raise UserNameInvalid."""
    text = text.strip()
    # A user name in the shape of an id could be taken for somebody's.
    if not text.isascii() or not _USER_NAME.fullmatch(text.lower()) or is_guid(text):
        raise UserNameInvalid()
    return text.lower()


def normalise_locale(text: str) -> str:
    """Return a language tag such as `en-GB` in the case that BCP 47 writes, or "" for none; `en_GB` means the same.

    Raises:
        LocaleInvalid: it is no language tag (RFC 5646, section 2.1), or longer than 35 characters.
    """
    tag = text.strip().replace("_", "-")
    if not tag:
        return ""
    if len(tag) > LOCALE_MAX_LENGTH or not tag.isascii() or not _LOCALE.fullmatch(tag.lower()):
        raise LocaleInvalid()
    language, *rest = tag.lower().split("-")
    written, in_extension = [language], False
    for part in rest:
        in_extension = in_extension or len(part) == 1
        written.append(part if in_extension else {2: part.upper(), 4: part.title()}.get(len(part), part))
    return "-".join(written)


def user_name_from_email(email: str) -> str:
    """Propose a user name from the part of a normalised email before the @."""
    proposal = re.sub(r"[^a-z0-9._-]+", "-", email.partition("@")[0]).strip("._-")[:64].strip("._-")
    return proposal or "person"


def label_of(*, display_name: str, given_name: str, family_name: str, company_email: str) -> str:
    """Return the name to show of a person, falling back to the company email."""
    return display_name or f"{given_name} {family_name}".strip() or company_email


def one_line(text: str) -> str:
    """Return a text in Unicode normal form C with single spaces."""
    return re.sub(" +", " ", unicodedata.normalize("NFC", text)).strip(" ")


def is_visible(text: str) -> bool:
    """Return whether every character is to be seen where it stands, as a name needs that others read."""
    return not any(unicodedata.category(character) in _INVISIBLE for character in text if character not in _JOINERS)


def clean_name(text: str, *, field: str = "display_name", longest: int = NAME_MAX_LENGTH) -> str:
    """Return a name in Unicode normal form C with single spaces, or raise NameInvalid for what cannot be seen."""
    text = one_line(text)
    if not is_visible(text) or len(text) > longest:
        raise NameInvalid(field=field)
    return text


def clean_reason(text: str) -> str:
    """Return the reason for an act in one line of at most 200 characters, or raise NameInvalid."""
    return clean_name(text, field="reason", longest=REASON_MAX_LENGTH)
