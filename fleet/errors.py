"""Errors that a user can put right; each names what is wrong and how to mend it."""


class MistakeError(ValueError):
    """A request, a file or an option that cannot be used as it is."""


class SettingsError(ValueError):
    """A setting that cannot be used; names it and says how to mend it."""
