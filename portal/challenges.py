"""What a passkey is asked to sign: made for one session and one purpose, good once, for five minutes."""

import secrets
from datetime import datetime, timedelta

from django.contrib.sessions.backends.base import SessionBase
from django.utils import timezone
from django.utils.http import urlsafe_base64_encode

from idp.authorization import spend_state
from idp.federation_errors import StateUsed
from users.factor_errors import PasskeyChallengeOver
from users.passkeys import challenge_of

CHALLENGES = "passkey_challenges"
LIFETIME = timedelta(minutes=5)
# Each page that offers a passkey makes one; somebody may have a few of them open.
AT_MOST = 5


def new_challenge(session: SessionBase, purpose: str) -> bytes:
    """Return a fresh challenge, and note it in the session.

    Args:
        purpose: what an answer is good for: `sign in`, `confirm` or `register`.
    """
    challenge = secrets.token_bytes(32)
    noted = {**session.get(CHALLENGES, {}), _key(challenge): {"purpose": purpose, "at": timezone.now().isoformat()}}
    session[CHALLENGES] = dict(list(noted.items())[-AT_MOST:])
    return challenge


def take_challenge(session: SessionBase, purpose: str, answer: str) -> bytes:
    """Use up the challenge that an answer is about, and return it. The database decides between two at once.

    Raises:
        PasskeyRefused: it is no answer.
        PasskeyChallengeOver: this session was not asked that, or was for something else, or too long ago, or before.
    """
    challenge = challenge_of(answer)
    waiting = dict(session.get(CHALLENGES, {}))
    noted = waiting.pop(_key(challenge), None)
    if noted is None or noted["purpose"] != purpose:
        raise PasskeyChallengeOver()
    session[CHALLENGES] = waiting
    if timezone.now() - datetime.fromisoformat(noted["at"]) >= LIFETIME:
        raise PasskeyChallengeOver()
    try:
        spend_state(_key(challenge))
    except StateUsed as error:
        raise PasskeyChallengeOver() from error
    return challenge


def _key(challenge: bytes) -> str:
    return urlsafe_base64_encode(challenge)
