"""The forms of access policies: shapes, and the groups and people that their lines name."""

from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.utils import timezone

from idp.access_input import WEEKDAYS, AccessInput
from idp.access_queries import audience_of, groups_named, people_named, providers_of
from idp.models import AccessAction, AccessPolicy, AccessSide, IdentityProvider, Resource, Status, TokenFactor
from portal.admin_portal.forms import show_on_form
from portal.admin_portal.policy_forms import EVERYONE, SOME, PolicyForm, lines_field
from users.errors import DirectoryError
from users.models import User

LOCAL = "local"
DENY_USER_PORTAL = "deny-user-portal"
_DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SECTIONS = (
    ("What it is called", ("name", "description")),
    ("Whom it is about", ("resource", "who", "groups", "people", "except_groups", "except_people")),
    ("Where they are", ("network_side", "networks")),
    ("How they signed in", ("sign_ins", "token_second_factor")),
    ("When", ("time_side", "weekdays", "time_from", "time_to", "time_zone")),
    ("What happens then", ("action", "enabled", "revision")),
)


def _choice(label: str, choices: list[tuple[str, str]], help_text: str = "") -> forms.ChoiceField:
    messages = {"required": "Choose one.", "invalid_choice": "Choose one of these."}
    required = all(value for value, _ in choices)
    return forms.ChoiceField(
        label=label, choices=choices, help_text=help_text, required=required, error_messages=messages
    )


def _time(label: str, help_text: str = "") -> forms.TimeField:
    widget = forms.TimeInput({"type": "time"}, format="%H:%M")
    messages = {"invalid": "Enter a time such as 08:00."}
    return forms.TimeField(label=label, required=False, help_text=help_text, widget=widget, error_messages=messages)


def ways_to_sign_in() -> list[tuple[str, str]]:
    """Return what somebody can have signed in with: a Gatehouse password, or one of the providers."""
    providers = IdentityProvider.objects.order_by("name").values_list("slug", "name", "status")
    return [
        (LOCAL, "A Gatehouse password"),
        *((slug, f"{name} (archived)" if status == Status.ARCHIVED else name) for slug, name, status in providers),
    ]


class ActionForm(forms.Form):
    """What happens where no policy fits."""

    action = _choice("If no policy fits", list(AccessAction.choices))


class AccessPolicyForm(PolicyForm):
    """An access policy."""

    field_order = tuple(name for _, names in _SECTIONS for name in names)

    resource = _choice("Resource", list(Resource.choices), "The Admin Portal is never subject to these policies.")
    who = _choice("Applies to", [(SOME, "The groups and people below"), (EVERYONE, "Everyone")])
    groups = lines_field("Groups", "Each in a line of its own. Passed over where it applies to everyone.")
    people = lines_field("People", "Company emails, a line each. Passed over where it applies to everyone.")
    network_side = _choice(
        "Network",
        [
            ("", "Any network"),
            (AccessSide.INSIDE, "Inside the networks below"),
            (AccessSide.OUTSIDE, "Outside of them"),
        ],
    )
    networks = lines_field("Networks", "Such as 203.0.113.0/24 or 2001:db8::/32, each in a line of its own.")
    sign_ins = forms.MultipleChoiceField(
        label="Signed in with",
        required=False,
        help_text="One of those that are ticked. None ticked: any.",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": "Choose among these."},
    )
    token_second_factor = _choice(
        "Second factor in the provider's token",
        [("", "Either"), (TokenFactor.PRESENT, "The token says so"), (TokenFactor.ABSENT, "The token does not say so")],
        "Read from the claim amr: mfa, or methods of two kinds such as pwd with otp. Entra ID leaves the claim out of"
        " these tokens, and a Gatehouse password brings no token: both count as not saying so.",
    )
    time_side = _choice(
        "Hours",
        [("", "At any time"), (AccessSide.INSIDE, "Within the hours below"), (AccessSide.OUTSIDE, "Outside of them")],
    )
    weekdays = forms.MultipleChoiceField(
        label="Days",
        required=False,
        choices=list(zip(WEEKDAYS, _DAY_NAMES, strict=True)),
        help_text="On which the hours begin. None ticked: every day.",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": "Choose among these."},
    )
    time_from = _time("From")
    time_to = _time("To", "Earlier than the beginning: on the next day. 00:00 to 00:00 is the whole day.")
    time_zone = forms.CharField(
        label="Time zone",
        required=False,
        max_length=64,
        help_text="Such as Europe/Berlin or America/New_York.",
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )
    action = _choice("Action", list(AccessAction.choices))
    enabled = forms.BooleanField(
        label="On",
        required=False,
        help_text="While it is off, it decides about nobody.",
    )

    def __init__(self, data: Any = None, **options: Any) -> None:
        super().__init__(data, **options)
        self.fields["sign_ins"].choices = ways_to_sign_in()  # type: ignore[attr-defined]

    @property
    def sections(self) -> list[tuple[str, list[BoundField]]]:
        """The fields under their headings."""
        return [(heading, [self[name] for name in names]) for heading, names in _SECTIONS]

    def clean(self) -> dict[str, Any]:
        """Look the groups and people up that the lines name."""
        given: dict[str, Any] = super().clean() or {}
        for field, look_up in _LOOK_UPS.items():
            if field in given:
                try:
                    given[field] = look_up(split(given[field]), field=field)
                except DirectoryError as error:
                    show_on_form(self, error)
        return given

    def values(self) -> AccessInput:
        """Return the service's argument."""
        given = self.cleaned_data
        return AccessInput(
            name=given["name"],
            description=given["description"],
            action=given["action"],
            enabled=given["enabled"],
            everyone=given["who"] == EVERYONE,
            groups=given["groups"],
            people=given["people"],
            except_groups=given["except_groups"],
            except_people=given["except_people"],
            network_side=given["network_side"],
            networks=split(given["networks"]),
            providers=list(IdentityProvider.objects.filter(slug__in=given["sign_ins"])),
            local_sign_in=LOCAL in given["sign_ins"],
            token_second_factor=given["token_second_factor"],
            time_side=given["time_side"],
            weekdays=given["weekdays"],
            time_from=given["time_from"],
            time_to=given["time_to"],
            time_zone=given["time_zone"],
        )

    @classmethod
    def new(cls, template: str) -> "AccessPolicyForm":
        """Return the form for a new policy, filled from a template where there is one of this name."""
        initial: dict[str, Any] = {"who": SOME, "enabled": True, "time_zone": "UTC", "action": AccessAction.ALLOW}
        if template == DENY_USER_PORTAL:
            initial |= {"name": "Deny User Portal", "action": AccessAction.DENY}
        return cls(initial=initial)

    @classmethod
    def of(cls, policy: AccessPolicy) -> "AccessPolicyForm":
        """Return the form filled with what is stored."""
        audience = audience_of(policy)
        return cls(
            initial={
                "name": policy.name,
                "description": policy.description,
                "resource": policy.resource,
                "who": EVERYONE if policy.everyone else SOME,
                "groups": "\n".join(group.name for group in audience.groups),
                "people": "\n".join(person.company_email for person in audience.people),
                "except_groups": "\n".join(group.name for group in audience.except_groups),
                "except_people": "\n".join(person.company_email for person in audience.except_people),
                "network_side": policy.network_side,
                "networks": "\n".join(policy.networks),
                "sign_ins": [LOCAL] * policy.local_sign_in + [provider.slug for provider in providers_of(policy)],
                "token_second_factor": policy.token_second_factor,
                "time_side": policy.time_side,
                "weekdays": [WEEKDAYS[int(day)] for day in policy.weekdays],
                "time_from": policy.time_from,
                "time_to": policy.time_to,
                "time_zone": policy.time_zone or "UTC",
                "action": policy.action,
                "enabled": policy.enabled,
                "revision": policy.revision,
            }
        )


class TryForm(forms.Form):
    """A sign-in that is tried out on the policies."""

    email = forms.EmailField(
        label="Company email",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"invalid": "Enter an address such as ada@example.com.", "required": "Enter a company email."},
    )
    client_ip = forms.CharField(
        label="Client address",
        required=False,
        max_length=80,
        help_text="Empty: an address that is not known, outside of every network.",
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )
    sign_in = forms.ChoiceField(
        label="Signs in with", error_messages={"required": "Choose one.", "invalid_choice": "Choose one of these."}
    )
    at = forms.DateTimeField(
        label="When (UTC)",
        required=False,
        help_text="Empty: now.",
        widget=forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        error_messages={"invalid": "Enter a date and time such as 2030-01-31T18:00."},
    )
    token_second_factor = forms.BooleanField(
        label="The provider's token says that a second factor was used", required=False
    )

    def __init__(self, data: Any = None, **options: Any) -> None:
        super().__init__(data, **options)
        self.fields["sign_in"].choices = ways_to_sign_in()  # type: ignore[attr-defined]

    def person(self) -> User:
        """Return whose sign-in it is; raises AccessPersonUnknown."""
        return people_named([self.cleaned_data["email"]], field="email")[0]

    def circumstances(self) -> dict[str, Any]:
        """Return the arguments of `idp.access_queries.try_sign_in` beside rules and person."""
        given = self.cleaned_data
        return {
            "client_ip": given["client_ip"].strip(),
            "provider": IdentityProvider.objects.filter(slug=given["sign_in"]).first(),
            "token_second_factor": given["token_second_factor"] and given["sign_in"] != LOCAL,
            "at": given["at"] or timezone.now(),
        }


def split(text: str) -> list[str]:
    """Return the lines of a text that hold something."""
    return [line.strip() for line in text.replace("\x00", "").splitlines() if line.strip()]


_LOOK_UPS: dict[str, Any] = {
    "groups": groups_named,
    "people": people_named,
    "except_groups": groups_named,
    "except_people": people_named,
}
