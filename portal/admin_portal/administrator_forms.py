"""The forms of SETTINGS > Administrators."""

from typing import Any

from django import forms

from users.models import AdminRole


class InviteForm(forms.Form):
    """Whom to invite, and as what."""

    company_email = forms.EmailField(
        label="Company email",
        max_length=254,
        help_text="Of somebody new, or of a person of the directory.",
        widget=forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={
            "required": "Enter the address to which the invitation goes.",
            "invalid": "Enter an address such as ada@example.com.",
        },
    )
    display_name = forms.CharField(
        label="Name",
        required=False,
        max_length=150,
        help_text="Of somebody new. A person of the directory keeps the name that stands there.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    role = forms.ChoiceField(
        label="Role",
        choices=AdminRole.choices,
        initial=AdminRole.READ_ONLY,
        help_text="The table below says what each may do.",
        error_messages={"required": "Choose a role.", "invalid_choice": "Choose one of the roles."},
    )

    def values(self) -> dict[str, Any]:
        """Return the service's arguments."""
        cleaned = self.cleaned_data
        return {**cleaned, "role": AdminRole(cleaned["role"])}


class RoleForm(forms.Form):
    """Another role for an administrator."""

    role = forms.ChoiceField(
        label="New role",
        choices=AdminRole.choices,
        error_messages={"required": "Choose a role.", "invalid_choice": "Choose one of the roles."},
    )
