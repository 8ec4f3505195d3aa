"""Emails, user names and names have one normal form, and look-alikes have none."""

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.users.support import refused
from users.errors import CompanyEmailInvalid, LocaleInvalid, NameInvalid, UserNameInvalid
from users.names import clean_name, normalise_email, normalise_locale, normalise_user_name, user_name_from_email

quickly = settings(derandomize=True, deadline=None, max_examples=150)
any_text = st.text(max_size=300)

BAD_EMAILS = (
    "",
    "ada",
    "ada@",
    "@contoso.example",
    "ada@@contoso.example",
    "ada lovelace@contoso.example",
    "ada@contoso.example\x00",
    "ada@contoso.example\nbcc: eve@evil.example",
    "ada@contoso.example,eve@evil.example",
    "Ada <ada@contoso.example>",
    "\u212aate@contoso.example",  # the Kelvin sign, which lower() turns into a plain k
    "ada@contoso.examp\u017fe",  # the long s
    "\u0430da@contoso.example",  # a Cyrillic a
    "ada@contoso\u3002example",  # an ideographic full stop
    "ada\u200b@contoso.example",  # a zero-width space
    "\uff41da@contoso.example",  # a full-width a
    f"{'a' * 250}@contoso.example",
)
BAD_USER_NAMES = (
    "",
    "-ada",
    "ada-",
    ".",
    "ada lovelace",
    "ada@contoso",
    "\u212aate",
    "a" * 65,
    "ada\n",
    "ada\x00b",
    "äda",
)


@pytest.mark.parametrize("text", BAD_EMAILS)
def test_it_refuses_what_is_no_plain_email(text: str) -> None:
    assert refused(CompanyEmailInvalid, normalise_email, text=text).field == "company_email"


@pytest.mark.parametrize("text", ["Ada@Contoso.Example", " ada@contoso.example\r\n", "ADA@CONTOSO.EXAMPLE"])
def test_it_lower_cases_an_email(text: str) -> None:
    assert normalise_email(text) == "ada@contoso.example"


@pytest.mark.parametrize("text", [text for text in BAD_USER_NAMES if text.strip() == text])
def test_it_refuses_what_is_no_user_name(text: str) -> None:
    assert refused(UserNameInvalid, normalise_user_name, text=text).code == "users.user_name_invalid"


@given(any_text)
@example("\u212aate@contoso.example")
@quickly
def test_it_keeps_an_email_only_in_its_normal_form(text: str) -> None:
    try:
        email = normalise_email(text)
    except CompanyEmailInvalid:
        return
    assert email.isascii() and email == email.lower() == normalise_email(email)
    assert email.count("@") == 1 and len(email) <= 254 and email.isprintable()


@given(st.emails())
@quickly
def test_it_proposes_a_user_name_that_it_accepts_itself(email: str) -> None:
    proposal = user_name_from_email(email.lower())
    assert normalise_user_name(proposal) == proposal


@given(any_text)
@quickly
def test_it_keeps_a_user_name_only_in_its_normal_form(text: str) -> None:
    try:
        name = normalise_user_name(text)
    except UserNameInvalid:
        return
    assert name.isascii() and name == name.lower() == normalise_user_name(name) and 1 <= len(name) <= 64


@given(any_text)
@quickly
def test_it_keeps_a_name_without_control_characters(text: str) -> None:
    try:
        name = clean_name(text)
    except NameInvalid:
        return
    assert not any(unicodedata.category(character) in {"Cc", "Zl", "Zp"} for character in name)
    assert clean_name(name) == name and len(name) <= 150


@pytest.mark.parametrize(
    "text",
    [
        "Ada\nLovelace",
        "Ada\x00",
        "Ada\u2028Lovelace",
        "Ada\x1b[31m",
        "x" * 151,
        "Ada \N{RIGHT-TO-LEFT OVERRIDE}ecalevoL",
        "Ada\N{LEFT-TO-RIGHT ISOLATE}",
        "A\N{ZERO WIDTH SPACE}da",
        "A\N{SOFT HYPHEN}da",
    ],
)
def test_it_refuses_a_name_that_cannot_be_shown(text: str) -> None:
    assert refused(NameInvalid, clean_name, text=text, field="given_name").field == "given_name"


def test_it_keeps_names_of_all_scripts() -> None:
    assert clean_name("  Zoë   Ωmega 李小龍 ") == "Zoë Ωmega 李小龍"
    joined = "می\N{ZERO WIDTH NON-JOINER}خواهم"  # a word that needs its joiner
    assert clean_name(joined) == joined


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("en", "en"),
        (" EN_gb ", "en-GB"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("sl-ROZAJ-biske-1994", "sl-rozaj-biske-1994"),
        ("es-419", "es-419"),
        ("de-de-u-co-phonebk", "de-DE-u-co-phonebk"),
        ("en-x-US", "en-x-us"),
        ("", ""),
        ("  ", ""),
    ],
)
def test_a_locale_is_written_as_language_tags_are(text: str, tag: str) -> None:
    assert normalise_locale(text) == tag
    assert normalise_locale(normalise_locale(text)) == tag


@pytest.mark.parametrize(
    "text", ["English", "en-", "-en", "e", "en--GB", "en-GB-", "e\u0301n", "en GB", "12", "en-u", "a" * 36]
)
def test_what_is_no_language_tag_is_refused(text: str) -> None:
    assert refused(LocaleInvalid, normalise_locale, text=text).code == "users.locale_invalid"
