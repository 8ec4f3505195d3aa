"""What tells browsers how far to trust an answer. On every answer, whoever made it: a view, a file, an error.

The content policy is a middleware of its own (`portal.middleware`), because some pages widen it.
"""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

# What a page may ask of the browser beyond showing itself. Passkeys and copy buttons are ours, the rest is nobody's.
# Only names that browsers know: an unknown one is a complaint in each visitor's console.
_OWN_FEATURES = ("clipboard-write", "publickey-credentials-create", "publickey-credentials-get")
_OFF_FEATURES = (
    "accelerometer",
    "autoplay",
    "browsing-topics",
    "camera",
    "clipboard-read",
    "display-capture",
    "encrypted-media",
    "fullscreen",
    "gamepad",
    "geolocation",
    "gyroscope",
    "hid",
    "identity-credentials-get",
    "idle-detection",
    "local-fonts",
    "magnetometer",
    "microphone",
    "midi",
    "otp-credentials",
    "payment",
    "picture-in-picture",
    "screen-wake-lock",
    "serial",
    "storage-access",
    "usb",
    "window-management",
    "xr-spatial-tracking",
)
PERMISSIONS_POLICY = ", ".join(
    sorted([f"{name}=(self)" for name in _OWN_FEATURES] + [f"{name}=()" for name in _OFF_FEATURES])
)


class SecurityHeadersMiddleware:
    """Completes every answer with what it does not say itself. Stands before everything that may answer.

    What a view said stays, so that a page which a provider frames can allow just that. An answer without a word on
    caching is nobody's to keep.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        for name, value in self._expected(request, response).items():
            response.setdefault(name, value)
        return response

    def _expected(self, request: HttpRequest, response: HttpResponse) -> dict[str, str]:
        expected = {
            "Cache-Control": "no-store",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": PERMISSIONS_POLICY,
            "Referrer-Policy": settings.SECURE_REFERRER_POLICY,
            "X-Content-Type-Options": "nosniff",
            "X-Permitted-Cross-Domain-Policies": "none",
        }
        if not getattr(response, "xframe_options_exempt", False):
            expected["X-Frame-Options"] = settings.X_FRAME_OPTIONS
        # Over plain http browsers must ignore it (RFC 6797, section 7.2), so there it is not sent.
        if settings.SECURE_HSTS_SECONDS and request.is_secure():
            expected["Strict-Transport-Security"] = hsts()
        return expected


def hsts() -> str:
    """Return the value of `Strict-Transport-Security` (RFC 6797, section 6.1)."""
    words = [f"max-age={settings.SECURE_HSTS_SECONDS}"]
    words += ["includeSubDomains"] if settings.SECURE_HSTS_INCLUDE_SUBDOMAINS else []
    words += ["preload"] if settings.SECURE_HSTS_PRELOAD else []
    return "; ".join(words)
