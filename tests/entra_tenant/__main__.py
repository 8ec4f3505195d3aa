"""`python -m tests.entra_tenant init|show`: makes and prints the demo's practice tenant."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from . import state
from .tenant import PracticeTenant


def describe(tenant: PracticeTenant) -> dict[str, Any]:
    """What a demo needs to know: where, as whom, and which people."""
    return {
        "base_url": tenant.base_url,
        "idp_url": tenant.idp_url,
        "issuer": tenant.issuer,
        "tenant_id": tenant.tenant_id,
        "client_id": tenant.client_id,
        "client_secret": tenant.client_secret,
        "people": [
            {
                "oid": person.oid,
                "name": person.name,
                "given_name": person.given_name,
                "family_name": person.family_name,
                "email": person.email,
                "directory_email": person.directory_email,
                "user_name": person.user_name,
                "upn": person.upn,
                "acct": person.acct,
                "gatehouse": person.gatehouse,
                "note": person.note,
            }
            for person in tenant.people
        ],
    }


def _as_text(described: dict[str, Any]) -> str:
    lines = [f"{name:<14}{described[name]}" for name in ("idp_url", "client_id", "client_secret")]
    lines += ["", "people:"]
    lines += [f"  {person['email']:<36}{person['note'] or 'signs in'}" for person in described["people"]]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Runs one command and returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.entra_tenant", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    init = commands.add_parser("init", help="make the tenant unless it exists")
    init.add_argument("--base-url", default="http://127.0.0.1:9000", help="where the tenant will be served")
    show = commands.add_parser("show", help="print what an administrator needs, the secret included")
    for command in (init, show):
        command.add_argument("--state", type=Path, required=True, help="the tenant's state file")
        command.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    try:
        tenant = (
            state.ensure(options.state, options.base_url) if options.command == "init" else state.load(options.state)
        )
    except (OSError, ValueError, KeyError) as error:
        sys.stderr.write(f"{options.state}: {error}\n")
        return 1
    described = describe(tenant)
    sys.stdout.write((json.dumps(described, indent=2) if options.json else _as_text(described)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
