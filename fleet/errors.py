"""Errors that a user can put right; each names what is wrong and how to mend it."""


class MistakeError(ValueError):
    """A request, a file or an option that cannot be used as it is."""


class SettingsError(ValueError):
    """A setting that cannot be used; names it and says how to mend it."""


class InputRefused(ValueError):
    """Something typed or sent that cannot be used.

    The text is for the API and the command line; ``key`` names the sentence of the catalogue for a page, and
    ``values`` fill it.  Without a key the text is shown.
    """

    def __init__(self, text: str, *, key: str = "", **values: object) -> None:
        super().__init__(text)
        self.key, self.values = key, values
