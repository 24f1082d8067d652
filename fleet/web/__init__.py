"""What people see: pages, components, translation and French formats.

``mount(app)`` adds the pages to the application; it imports them late, because mails and reports use the
translation of this package without its pages.
"""

from fastapi import FastAPI


def mount(app: FastAPI) -> None:
    """Add pages, live stream, static files and error pages to ``app``."""
    from fleet.web.site import mount_site

    mount_site(app)
