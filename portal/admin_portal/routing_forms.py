"""The forms of routing policies: shapes, and the groups and people that their lines name."""

from django import forms

from idp.models import RoutingPolicy
from idp.routing_errors import RoutingGroupUnknown, RoutingPersonUnknown
from idp.routing_inputs import PolicyInput
from idp.routing_queries import audience_of
from portal.admin_portal.policy_forms import EVERYONE, SOME, PolicyForm, lines_field
from users.models import Group, User
from users.name_key import case_key


class WhereForm(forms.Form):
    """Whose way is asked for."""

    email = forms.EmailField(
        label="Company email",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"invalid": "Enter an address such as ada@example.com.", "required": "Enter a company email."},
    )


class RoutingPolicyForm(PolicyForm):
    """A routing policy."""

    field_order = ("name", "description", "who", "groups", "domains", "except_groups", "except_people")

    who = forms.ChoiceField(
        label="Takes",
        choices=[(SOME, "The groups and email domains below"), (EVERYONE, "Everyone")],
        error_messages={"required": "Say whom it takes.", "invalid_choice": "Say whom it takes."},
    )
    groups = lines_field("Groups", "The name of each group in a line of its own. Passed over where it takes everyone.")
    domains = lines_field("Email domains", "Such as example.com, each in a line of its own. Subdomains are others.")
    password_while_down = forms.BooleanField(
        label="Gatehouse passwords while the provider is down",
        required=False,
        help_text=(
            "Only while health checks say so, people whom this policy takes may sign in with a Gatehouse password that "
            "they already have. Be careful: it opens the User Portal also where the provider has disabled the account "
            "or changed its password meanwhile, and whoever cuts Gatehouse off from the provider brings this about."
        ),
    )
    enabled = forms.BooleanField(
        label="On", required=False, help_text="While it is off, it takes nobody. Switch it on when you are ready."
    )

    def clean_groups(self) -> list[Group]:
        """Return the groups that the lines name."""
        return self._named_groups("groups")

    def clean_except_groups(self) -> list[Group]:
        """Return the groups that the lines name."""
        return self._named_groups("except_groups")

    def clean_except_people(self) -> list[User]:
        """Return the people whose company emails the lines hold."""
        emails = [line.lower() for line in _split(self.cleaned_data["except_people"])]
        found = {person.company_email: person for person in User.objects.filter(company_email__in=emails)}
        for email in emails:
            if email not in found:
                raise _refusal(RoutingPersonUnknown(email=email[:254]))
        return list(found.values())

    def clean_domains(self) -> list[str]:
        """Return the lines; the service knows what a domain is."""
        return _split(self.cleaned_data["domains"].replace(",", "\n").replace(" ", "\n"))

    def _named_groups(self, field: str) -> list[Group]:
        names = _split(self.cleaned_data[field])
        keys = {case_key(name): name for name in names}
        found = {group.name_key: group for group in Group.objects.filter(name_key__in=list(keys))}
        for key, name in keys.items():
            if key not in found:
                raise _refusal(RoutingGroupUnknown(group=name[:100]))
        return list(found.values())

    def values(self) -> PolicyInput:
        """Return the service's argument."""
        given = self.cleaned_data
        return PolicyInput(
            name=given["name"],
            description=given["description"],
            enabled=given["enabled"],
            everyone=given["who"] == EVERYONE,
            groups=given["groups"],
            domains=given["domains"],
            except_groups=given["except_groups"],
            except_people=given["except_people"],
            password_while_down=given["password_while_down"],
        )

    @classmethod
    def new(cls) -> "RoutingPolicyForm":
        """Return the form for a new policy."""
        return cls(initial={"who": SOME, "enabled": True})

    @classmethod
    def of(cls, policy: RoutingPolicy) -> "RoutingPolicyForm":
        """Return the form filled with what is stored."""
        audience = audience_of(policy)
        return cls(
            initial={
                "name": policy.name,
                "description": policy.description,
                "who": EVERYONE if policy.everyone else SOME,
                "groups": "\n".join(group.name for group in audience.groups),
                "domains": "\n".join(audience.domains),
                "except_groups": "\n".join(group.name for group in audience.except_groups),
                "except_people": "\n".join(person.company_email for person in audience.except_people),
                "password_while_down": policy.password_while_down,
                "enabled": policy.enabled,
                "revision": policy.revision,
            }
        )


def _split(text: str) -> list[str]:
    return [line.strip() for line in text.replace("\x00", "").splitlines() if line.strip()]


def _refusal(error: RoutingGroupUnknown | RoutingPersonUnknown) -> forms.ValidationError:
    return forms.ValidationError(f"{error.message} {error.hint}", code=error.code)
