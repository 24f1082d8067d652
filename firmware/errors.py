"""What can be wrong with firmware that someone hands us; the message says what to do."""

from firmware.words import WORDS


class FirmwareRefused(Exception):
    """A path, archive or image that cannot be taken; ``where`` names the file.

    ``key`` and ``values`` give the reason in either language of the catalogue of words.
    """

    def __init__(self, key: str, *, where: str = "", **values: object) -> None:
        self.key = key
        self.values = values
        self.where = where
        super().__init__(self.text("fr"))

    def reason(self, language: str) -> str:
        """Return why, without the place."""
        return WORDS[language][self.key].format(**self.values)

    def text(self, language: str) -> str:
        """Return where and why."""
        colon = "\u202f: " if language == "fr" else ": "
        return f"{self.where}{colon}{self.reason(language)}" if self.where else self.reason(language)
