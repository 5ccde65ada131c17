"""Business errors. Each carries the HTTP status it deserves; anything else that escapes is a bug and a 500."""


class AppError(Exception):
    """An error whose text may be shown to the person who caused it: it names the thing and the remedy."""

    status = 400
    code = "bad_request"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail

    def as_json(self) -> dict[str, dict[str, str]]:
        return {"error": {"code": self.code, "detail": self.detail}}


class BadInput(AppError):
    """Something a person typed, sent or configured cannot be used."""

    code = "bad_input"


class Unauthenticated(AppError):
    status = 401
    code = "unauthenticated"


class PlanLimitReached(AppError):
    status = 402
    code = "plan_limit_reached"


class Forbidden(AppError):
    status = 403
    code = "forbidden"


class NotFound(AppError):
    """Absent, or another organization's: the two look the same on purpose."""

    status = 404
    code = "not_found"


class Conflict(AppError):
    """Somebody else was first, or the thing is no longer in the state the caller saw."""

    status = 409
    code = "conflict"


class TooLarge(AppError):
    status = 413
    code = "too_large"


class RateLimited(AppError):
    status = 429
    code = "rate_limited"


class StartupError(AppError):
    """The installation cannot run as configured. The commands print it and exit with 2."""

    status = 503
    code = "startup"
