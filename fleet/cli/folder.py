"""Which fleet a command is about: ``--data``, or what the service's own wrapper put into the environment."""

from pathlib import Path
from typing import Annotated

from typer import Option

Data = Annotated[
    Path, Option("--data", envvar="PASSERELLE_DATA", help="Folder of this fleet.", file_okay=False)
]
