"""The Admin Portal's forms: they check shapes and yield service arguments. Rules and the network are elsewhere."""

import re
from typing import Any

from django import forms

from idp.models import IdentityProvider, Kind
from idp.recheck import MINUTES
from idp.services import ProviderInput
from users.errors import DirectoryError
from users.organization import RANGES


def words_for_administrators(error: DirectoryError) -> tuple[str, str]:
    """Return what happened, and what cures it with what to quote to the provider's support."""
    detail = getattr(error, "admin_detail", "") or error.message
    hint = getattr(error, "admin_hint", "") or error.hint
    known = [error.context.get("correlation_id"), error.context.get("timestamp")]
    quoted = ", ".join(str(fact) for fact in known if fact)
    return detail, f"{hint} To quote: {quoted}." if quoted else hint


def show_on_form(form: forms.Form, error: DirectoryError) -> None:
    """Put a refusal beside the field that causes it, or above the form where no single field does."""
    detail, hint = words_for_administrators(error)
    field = error.field if error.field in form.fields else None
    form.add_error(field, forms.ValidationError(f"{detail} {hint}", code=error.code))


class AdminSignInForm(forms.Form):
    """Email and password of an administrator."""

    email = forms.EmailField(
        label="Email",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True, "spellcheck": "false"}),
        error_messages={"required": "Enter your email.", "invalid": "Enter an address such as ada@example.com."},
    )
    password = forms.CharField(
        label="Password",
        max_length=1024,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": "Enter your password."},
    )


class SetUpForm(forms.Form):
    """The first administrator."""

    display_name = forms.CharField(
        label="Your name",
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "name", "autofocus": True}),
    )
    company_email = forms.EmailField(
        label="Company email",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "spellcheck": "false"}),
    )
    password = forms.CharField(
        label="Password",
        max_length=1024,
        strip=False,
        help_text="At least 12 characters, neither common nor like your name.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    password_again = forms.CharField(
        label="Password again",
        max_length=1024,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean(self) -> dict[str, Any]:
        """Compare the two passwords."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        first, second = cleaned.get("password"), cleaned.get("password_again")
        if first and second and first != second:
            self.add_error("password_again", "The two passwords differ. Type the same one twice.")
        return cleaned

    def values(self) -> dict[str, str]:
        """Return the service's arguments."""
        return {name: self.cleaned_data[name] for name in ("display_name", "company_email", "password")}


# What the URL is called at each kind of provider, and what people find there.
URL_LABELS = {
    Kind.ENTRA: ("Entra IdP URL", "https://login.microsoftonline.com/<tenant id>, or any Entra address that holds it."),
    Kind.GOOGLE: ("Issuer", "Google's issuer is always https://accounts.google.com."),
    Kind.OKTA: ("Okta domain", "Such as acme.okta.com, or the issuer of a custom authorization server."),
    Kind.OIDC: ("Issuer URL", "The issuer, exactly as in the provider's discovery document."),
}


RECHECK_CHOICES = [(minutes, f"Every {minutes} minutes" if minutes else "Off") for minutes in MINUTES]


class ProviderForm(forms.Form):
    """An identity provider. With `provider`, for changing it: an empty secret then keeps the stored one."""

    name = forms.CharField(
        label="Identity Provider Name",
        max_length=100,
        help_text="People see it on the sign-in page: “Continue with …”.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Give this provider a name."},
    )
    url = forms.CharField(
        max_length=2000,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "inputmode": "url"}),
        error_messages={"required": "Paste the address of the provider."},
    )
    client_id = forms.CharField(
        label="Client ID",
        max_length=255,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": "Paste the client ID of the application."},
    )
    client_secret = forms.CharField(
        label="Client Secret",
        max_length=1000,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "spellcheck": "false"}),
        error_messages={"required": "Paste the client secret. It is asked again after every error, and never shown."},
    )
    client_secret_expires_on = forms.DateField(
        label="Client secret expires on",
        required=False,
        help_text="Optional: Gatehouse warns before it does.",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    email_domains = forms.CharField(
        label="Email domains",
        required=False,
        max_length=4000,
        help_text="Optional: only people with these domains are linked by email. Empty means any domain.",
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
    )
    allow_guests = forms.BooleanField(
        label="Allow guests of the tenant",
        required=False,
        help_text="Refused unless allowed, because another organisation manages them. An allowed guest is found by "
        "their external ID only, never by email.",
    )

    recheck_minutes = forms.TypedChoiceField(
        label="Check sessions again",
        required=False,
        coerce=int,
        empty_value="0",
        choices=RECHECK_CHOICES,
        help_text="Asks the provider whether the account still stands while somebody is signed in, and signs out whom "
        "it has disabled. The provider must allow offline_access.",
    )
    understood = forms.BooleanField(
        label="I understand that a mistake here keeps people out",
        required=False,
        help_text="Needed where address, client ID, email domains or guests change.",
    )
    revision = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(
        self, data: Any = None, *, kind: str, provider: IdentityProvider | None = None, testing: bool = False
    ) -> None:
        initial = (
            _initial(provider) if provider else {"url": "https://accounts.google.com"} if kind == Kind.GOOGLE else {}
        )
        super().__init__(data, initial=initial)
        self.fields["url"].label, self.fields["url"].help_text = URL_LABELS[Kind(kind)]
        if kind == Kind.GOOGLE:
            self.fields["url"].widget.attrs["readonly"] = True
            del self.fields["recheck_minutes"]  # Google knows no offline_access
        if kind == Kind.ENTRA:
            self.fields["client_id"].help_text = "In Entra: Application (client) ID, on the application's Overview."
            self.fields["client_secret"].help_text = "In Entra: the secret's Value, not its Secret ID."
        else:
            del self.fields["allow_guests"]
        if provider is None or not provider.is_active:
            del self.fields["understood"]
        if provider is None:
            del self.fields["revision"]
        else:
            self.fields["client_secret"].required = False
            self.fields["client_secret"].help_text = "Leave it empty to keep the stored one."
        # A connection test takes what has been typed so far.
        self._optional = [self.fields[name] for name in ("name", "client_id", "client_secret") if testing]
        self._required = [field.required for field in self._optional]
        for field in self._optional:
            field.required = False

    def show_as_typed(self) -> None:
        """Make a form that was tested ready to be shown again: what saving needs is required once more.

        Everything is kept but the secret, which no page holds.
        """
        for field, required in zip(self._optional, self._required, strict=True):
            field.required = required
        if self.data.get("client_secret"):
            bound = self["client_secret"]
            bound.help_text = f"Type the secret again: it is not kept. {bound.help_text}"

    def values(self) -> ProviderInput:
        """Return the service's argument."""
        cleaned = self.cleaned_data
        return ProviderInput(
            name=cleaned["name"],
            url=cleaned["url"],
            client_id=cleaned["client_id"],
            client_secret=cleaned["client_secret"] or None,
            client_secret_expires_on=cleaned["client_secret_expires_on"],
            email_domains=[part for part in re.split(r"[\s,;]+", cleaned["email_domains"]) if part],
            allow_guests=cleaned.get("allow_guests", False),
            recheck_minutes=int(cleaned.get("recheck_minutes", 0)),
        )


def _initial(provider: IdentityProvider) -> dict[str, Any]:
    """Return what the form shows of a stored provider: everything but the secret."""
    return {
        "name": provider.name,
        "url": provider.url,
        "client_id": provider.client_id,
        "client_secret_expires_on": provider.client_secret_expires_on,
        "email_domains": "\n".join(provider.email_domains),
        "allow_guests": provider.allow_guests,
        "recheck_minutes": provider.recheck_minutes,
        "revision": provider.revision,
    }


class SessionFilterForm(forms.Form):
    """The filter of INSIGHTS > Sessions."""

    email = forms.CharField(
        required=False,
        max_length=254,
        label="Company email begins with",
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off", "spellcheck": "false"}),
    )


def _limit(name: str, label: str, help_text: str) -> forms.IntegerField:
    lowest, highest = RANGES[name]
    said = f"Use a whole number from {lowest} to {highest:,}."
    return forms.IntegerField(
        label=label,
        min_value=lowest,
        max_value=highest,
        help_text=help_text,
        error_messages={"required": said, "invalid": said, "min_value": said, "max_value": said},
    )


class LimitsForm(forms.Form):
    """The limits of SETTINGS > Organization."""

    session_idle_minutes = _limit(
        "session_idle_minutes",
        "Idle limit of a session, in minutes",
        "A session that nobody uses for so long ends. 5 to 10,080 (a week).",
    )
    session_absolute_hours = _limit(
        "session_absolute_hours",
        "Absolute limit of a session, in hours",
        "A session ends so long after the sign-in, however busy it is. 1 to 720 (30 days).",
    )
    audit_retention_days = _limit(
        "audit_retention_days",
        "Retention of the audit log, in days",
        "Older rows are removed by the housekeeping. 30 to 3,650 (ten years).",
    )
