"""The form of the credentials page."""

from typing import Any

from django import forms


class NextSecretForm(forms.Form):
    """A second client secret with its date."""

    client_secret = forms.CharField(
        label="Next client secret",
        max_length=1000,
        strip=False,
        help_text="In Entra: its Value, not its Secret ID. The present one stays in use until you promote this one.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "spellcheck": "false"}),
        error_messages={"required": "Paste the new client secret. It is asked again after every error, never shown."},
    )
    client_secret_expires_on = forms.DateField(
        label="It expires on",
        required=False,
        help_text="Optional: Gatehouse warns before it does.",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def values(self) -> dict[str, Any]:
        """Return the service's arguments."""
        cleaned = self.cleaned_data
        return {"client_secret": cleaned["client_secret"], "expires_on": cleaned["client_secret_expires_on"]}
