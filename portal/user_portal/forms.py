"""The User Portal's forms: shapes only; services decide."""

from django import forms


class EmailForm(forms.Form):
    """The first step: who is it?"""

    email = forms.EmailField(
        label="Company email",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True, "spellcheck": "false"}),
        error_messages={
            "required": "Enter your company email.",
            "invalid": "Enter an address such as ada@example.com.",
        },
    )


class PasswordForm(forms.Form):
    """The second step, for people who sign in with a password."""

    email = forms.EmailField(
        label="Company email",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "spellcheck": "false"}),
        error_messages={
            "required": "Enter your company email.",
            "invalid": "Enter an address such as ada@example.com.",
        },
    )
    password = forms.CharField(
        label="Password",
        max_length=1024,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": "Enter your password."},
    )
