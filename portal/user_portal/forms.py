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


class OwnProfileForm(forms.Form):
    """What a person changes about herself."""

    display_name = forms.CharField(
        label="Name",
        max_length=150,
        help_text="As colleagues see it.",
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        error_messages={"required": "Enter your name.", "max_length": "Use at most 150 characters."},
    )
    phone_number = forms.CharField(
        label="Phone",
        required=False,
        max_length=50,
        help_text="Such as +44 20 7946 0958. Leave it empty for none.",
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"}),
        error_messages={"max_length": "Use at most 50 characters."},
    )
