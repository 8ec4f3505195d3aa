"""What the audit log says, in words: each action as a sentence, and the names of the common details."""

from functools import lru_cache

from django.apps import apps

from users.models import AuditEvent, Outcome

# Sign-ins that fail have an action of their own; every other refusal is stored under the action that was refused.
ACTION_WORDS = {
    "admin_portal.sign_in.failed": "Sign-in to the Admin Portal failed",
    "admin_portal.sign_in.password_accepted": "Password accepted at the Admin Portal, second factor asked",
    "admin_portal.sign_in.succeeded": "Signed in to the Admin Portal",
    "admin_portal.sign_out": "Signed out of the Admin Portal",
    "audit.exported": "Directory exported",
    "audit.filter.deleted": "Saved filter deleted",
    "audit.filter.saved": "Filter saved",
    "audit.pruned": "Old events removed",
    "idp.guard.called_back": "Trial of federation taken back",
    "idp.guard.confirmed": "Trial of federation confirmed",
    "idp.guard.went_back": "Federation went back by itself",
    "idp.identities.forgotten": "Links forgotten",
    "idp.identities.mapped": "Links moved to new accounts",
    "idp.identities.pre_linked": "People linked before their first sign-in",
    "idp.identity.linked": "Person linked to an account",
    "idp.identity.unlinked": "Person unlinked from an account",
    "idp.impact.exported": "People behind an impact exported",
    "idp.logout.backchannel": "Sessions ended by the provider",
    "idp.logout.frontchannel": "Session ended by the provider, in the browser",
    "idp.pending_link.dismissed": "Pending link dismissed",
    "idp.pending_link.restored": "Pending link restored",
    "idp.provider.activated": "Identity provider activated",
    "idp.provider.added": "Identity provider added",
    "idp.provider.archived": "Identity provider archived",
    "idp.provider.certificate_discarded": "Next certificate discarded",
    "idp.provider.certificate_made": "Key pair and certificate made",
    "idp.provider.certificate_promoted": "Next certificate put to use",
    "idp.provider.credential_refused": "Credential refused by the provider",
    "idp.provider.deactivated": "Identity provider deactivated",
    "idp.provider.deleted": "Identity provider deleted",
    "idp.provider.expiry_noticed": "Administrators told of a credential that ends soon",
    "idp.provider.health_changed": "Health of the identity provider changed",
    "idp.provider.metadata_refreshed": "Description of the identity provider fetched anew",
    "idp.provider.next_secret_added": "Next client secret added",
    "idp.provider.next_secret_discarded": "Next client secret discarded",
    "idp.provider.recheck_set": "Regular check of sessions changed",
    "idp.provider.rehearsed": "Sign-in rehearsed",
    "idp.provider.restored": "Identity provider restored",
    "idp.provider.secret_promoted": "Next client secret put to use",
    "idp.provider.secret_set": "Client secret set",
    "idp.provider.tested": "Connection tested",
    "idp.provider.updated": "Identity provider changed",
    "idp.routing_policy.added": "Routing policy added",
    "idp.routing_policy.deleted": "Routing policy deleted",
    "idp.routing_policy.edited": "Routing policy changed",
    "idp.routing_policy.moved": "Routing policy moved in the order",
    "idp.routing_policy.switched": "Routing policy switched on or off",
    "idp.session.check_failed": "Sessions could not be checked with the provider",
    "idp.session.checked": "Session checked with the provider",
    "idp.session.not_checkable": "Session cannot be checked with the provider",
    "keys.rotated": "Encryption keys rotated",
    "operator.command.refused": "Command refused",
    "portal.confirmation.failed": "Confirmation of the own identity failed",
    "portal.confirmation.succeeded": "Own identity confirmed",
    "portal.request.refused": "Request refused",
    "portal.session.ended": "Session ended by its limits",
    "portal.sign_in.failed": "Sign-in to the User Portal failed",
    "portal.sign_in.password_accepted": "Password accepted at the User Portal, second factor asked",
    "portal.sign_in.succeeded": "Signed in to the User Portal",
    "portal.sign_out": "Signed out of the User Portal",
    "users.administrator.added": "Administrator added",
    "users.administrator.invitation_accepted": "Invitation to be an administrator accepted",
    "users.administrator.invitation_withdrawn": "Invitation to be an administrator withdrawn",
    "users.administrator.invited": "Administrator invited",
    "users.administrator.invited_again": "Administrator invited again",
    "users.administrator.password_set": "Password of an administrator set",
    "users.administrator.removed": "Administrator removed",
    "users.administrator.role_set": "Role of an administrator changed",
    "users.administrator.set_up": "First administrator set up",
    "users.break_glass.made": "Break-glass link made",
    "users.break_glass.password_chosen": "New password chosen after a break-glass link",
    "users.break_glass.used": "Break-glass link used",
    "users.group.added": "Group added",
    "users.group.deleted": "Group deleted",
    "users.group.edited": "Group changed",
    "users.group.member_added": "Person added to a group",
    "users.group.member_removed": "Person removed from a group",
    "users.group.members_added": "Members added to a group",
    "users.group.members_removed": "Members removed from a group",
    "users.invitation.accepted": "Invitation accepted",
    "users.invitation.made": "Person invited",
    "users.mail.sent": "Mail sent",
    "users.organization.default_states_set": "State of new people changed",
    "users.organization.limits_set": "Limits of sessions or retention changed",
    "users.organization.logo_removed": "Logo removed",
    "users.organization.logo_set": "Logo changed",
    "users.organization.name_set": "Name of the organization changed",
    "users.organization.second_factor_rule_set": "Second factor rule changed",
    "users.organization.support_set": "Support contact changed",
    "users.own_profile.changed": "Own profile changed",
    "users.password.changed": "Own password changed",
    "users.password_reset.completed": "New password chosen after a reset",
    "users.password_reset.requested": "Password reset asked for",
    "users.password_reset.started": "Password reset mailed",
    "users.people.activated": "Several people activated",
    "users.people.export_begun": "Export of people begun",
    "users.people.exported": "People exported",
    "users.people.imported": "People imported",
    "users.people.suspended": "Several people suspended",
    "users.people_import.aborted": "Import of people given up",
    "users.people_import.confirmed": "Import of people confirmed",
    "users.people_import.discarded": "Import of people discarded",
    "users.people_import.uploaded": "File of people uploaded",
    "users.person.activated": "Person activated",
    "users.person.added": "Person added",
    "users.person.deleted": "Person deleted",
    "users.person.edited": "Person changed",
    "users.person.external_id_set": "External ID set",
    "users.person.import_undone": "Person taken back with an import",
    "users.person.password_set": "Password of a person set",
    "users.person.schedule_cancelled": "Planned change of state cancelled",
    "users.person.scheduled": "Change of state planned",
    "users.person.staged": "Person staged",
    "users.person.suspended": "Person suspended",
    "users.person.unlocked": "Person unlocked",
    "users.recovery_code.used": "Recovery code used",
    "users.recovery_codes.made": "Recovery codes made",
    "users.second_factor.added": "Second factor added",
    "users.second_factor.removed": "Second factor removed",
    "users.second_factor.reset": "Second factors reset",
    "users.session.ended": "Session ended",
    "users.setup_link.issued": "Set-up link for the first administrator made",
}

# Details whose name does not say by itself what they are. Any other is read as it stands, with spaces.
DETAIL_WORDS = {
    "aadsts": "AADSTS number",
    "activates": "Activates the person",
    "administrators_kept": "Administrators who sign in as before",
    "already": "Members already",
    "already_linked": "People linked already",
    "back_to_password": "People who use their password again",
    "by_email": "Found by company email",
    "by_external_id": "Found by external ID",
    "correlation_id": "Correlation ID",
    "cure": "What to do",
    "everybody": "Of everybody",
    "external_id": "External ID",
    "failures": "Failed attempts forgotten",
    "from_other": "People who came from another provider",
    "group_id": "ID of the group",
    "guard_failure_percent": "Goes back above this share of failed sign-ins, in percent",
    "guard_minutes": "Goes back unless confirmed within, in minutes",
    "import": "Number of the import",
    "its_sessions_end": "Sessions ended",
    "kept_local": "People who keep a Gatehouse password",
    "left": "Codes left",
    "links_kept": "Links kept",
    "local_sessions_end": "Sessions ended",
    "locked_out": "People who cannot sign in",
    "mail": "Kind of mail",
    "mail_to": "Who is mailed",
    "oauth_error": "Error of the provider",
    "ok": "Passed",
    "others_only": "All but this one",
    "outside_domains": "People outside the email domains",
    "path": "Page",
    "path_info": "Page",
    "people_sent": "People who now sign in there",
    "provider_id": "ID of the provider",
    "realm": "Portal",
    "slug": "Name in addresses",
    "sub": "Subject",
    "succeeded": "People who came in",
    "to_other": "People who go to another provider",
    "unused": "Unused codes dropped",
    "without": "Administrators without one",
}


def action_words(action: str) -> str:
    """Return what an action is, in words; the action itself where it is none of ours."""
    return ACTION_WORDS.get(action, action)


def event_words(event: AuditEvent) -> str:
    """Return what happened, in words: of an act that was refused, that it was."""
    words = action_words(event.action)
    if event.outcome != Outcome.REFUSED or words.endswith((" failed", " refused")) or words == event.action:
        return words
    return f"Refused: {words[0].lower()}{words[1:]}"


def detail_words(name: str) -> str:
    """Return what a detail is called."""
    return DETAIL_WORDS.get(name) or name.replace("_", " ").capitalize()


@lru_cache(maxsize=64)
def target_words(target_type: str) -> str:
    """Return what sort of thing an event is about: "identityprovider" as "Identity provider"."""
    kinds = {model._meta.model_name: str(model._meta.verbose_name) for model in apps.get_models()}
    words = "person" if target_type == "user" else kinds.get(target_type, target_type)
    return words.capitalize()
