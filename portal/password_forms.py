"""Forms in which people choose or change their own password, in both portals. Services decide what is good enough."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import password_validators_help_texts

RULES_ID = "password-rules"


def secret_field(label: str, *, is_new: bool, required: str) -> forms.CharField:
    """Return a field for a password; the one for a new password is described by the list of rules on the page."""
    attrs = {"autocomplete": "new-password" if is_new else "current-password"}
    if is_new:
        attrs["aria-describedby"] = RULES_ID
    return forms.CharField(
        label=label,
        max_length=1024,
        strip=False,
        widget=forms.PasswordInput(attrs=attrs),
        error_messages={"required": required},
    )


class _TypedTwice(forms.Form):
    """A form with a new password and its repetition, whose names a subclass gives."""

    first, second = "", ""

    @property
    def rules(self) -> list[str]:
        """What the server will ask of the password, from the very validators that do."""
        return password_validators_help_texts()

    def clean(self) -> dict[str, Any]:
        """Compare the two."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        first, second = cleaned.get(self.first), cleaned.get(self.second)
        if first and second and first != second:
            self.add_error(self.second, "The two passwords differ. Type the same one twice.")
        return cleaned


class NewPasswordForm(_TypedTwice):
    """A new password, typed twice."""

    password = secret_field("Password", is_new=True, required="Choose a password.")
    password_again = secret_field("Password again", is_new=True, required="Type the same password once more.")

    first, second = "password", "password_again"


class ChangePasswordForm(_TypedTwice):
    """The present password, and a new one typed twice."""

    old_password = secret_field("Present password", is_new=False, required="Type your present password.")
    new_password = secret_field("New password", is_new=True, required="Choose a new password.")
    new_password_again = secret_field("New password again", is_new=True, required="Type the new password once more.")

    first, second = "new_password", "new_password_again"


class ForgottenForm(forms.Form):
    """Whose password is forgotten?"""

    email = forms.EmailField(
        label="Company email",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "spellcheck": "false"}),
        error_messages={
            "required": "Enter your company email.",
            "invalid": "Enter an address such as ada@example.com.",
        },
    )
