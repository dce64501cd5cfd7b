"""One exception tree: every error says what is wrong and what to do about it."""


class CompanionError(Exception):
    """An error with a sentence for people.

    ``code`` is stable and meant for machines; ``remedy`` says what to do next.
    """

    code = "error"
    status = 500

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class SettingsError(CompanionError):
    """A setting is missing, weak or unreadable; the process must not start."""

    code = "settings"


class DatabaseUnavailable(CompanionError):
    """A database does not answer or does not hold what it must."""

    code = "database_unavailable"
    status = 503


class SwitchTableError(CompanionError):
    """A table of OpenSIPS is missing or has a version that we do not know."""

    code = "switch_table"
    status = 503


class InvalidInput(CompanionError):
    """What was sent cannot be accepted. ``field`` names the culprit where there is one."""

    code = "invalid"
    status = 400

    def __init__(self, message: str, remedy: str = "", field: str | None = None) -> None:
        super().__init__(message, remedy)
        self.field = field


class NotFound(CompanionError):
    """What was asked for is not there, or is not yours to see."""

    code = "not_found"
    status = 404


class Conflict(CompanionError):
    """Somebody else was faster; nothing was changed."""

    code = "conflict"
    status = 409
