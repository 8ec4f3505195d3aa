"""Whether an ID token says that a second factor was used: its `amr` claim (OIDC Core 2, values of RFC 8176)."""

from collections.abc import Mapping
from typing import Any

# Microsoft writes `ngcmfa` where a key or a phone was enrolled with several factors.
_SEVERAL = frozenset({"mfa", "ngcmfa"})
_KINDS = (
    frozenset({"pwd", "pin", "kba"}),  # what somebody knows
    frozenset({"otp", "sms", "tel", "hwk", "swk", "sc", "pop"}),  # what she has
    frozenset({"face", "fpt", "iris", "retina", "vbm"}),  # what she is
)


def has_second_factor(claims: Mapping[str, Any]) -> bool:
    """Return whether a verified token says so: `mfa`, or methods of two kinds, such as `pwd` with `otp`.

    One method alone is one factor, whatever it is: `otp` without `pwd` came without a password. Entra's tokens of
    version 2 have no `amr`, so there it is never said; and what is not said, or said in another shape, does not count.
    """
    amr = claims.get("amr")
    if not isinstance(amr, list):
        return False
    methods = {method for method in amr if isinstance(method, str)}
    return bool(methods & _SEVERAL) or sum(bool(methods & kind) for kind in _KINDS) > 1
