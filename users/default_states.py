"""In which state new people begin, unless whoever adds them says so."""

from users.models import Organization, Source, State

# The sources for which the organization decides. Each provider says for itself in which state it adds people.
COLUMNS = {Source.MANUAL: "default_state_manual", Source.IMPORT: "default_state_import"}
STATES = (State.STAGED, State.ACTIVE)


def default_state(source: Source) -> State:
    """Return the state of new people who come from this source: what the organization settings say, as of now."""
    column = COLUMNS.get(source)
    return State(getattr(Organization.current(), column)) if column else State.STAGED
