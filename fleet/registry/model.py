"""Words of the registry: kinds of sites and the statuses that a gateway passes through."""

from enum import StrEnum


class Status(StrEnum):
    """From paper to withdrawal; from ``ACCEPTED`` until ``WITHDRAWN`` a gateway counts."""

    PLANNED = "planned"
    AGREED = "agreed"
    INSTALLED = "installed"
    ACCEPTED = "accepted"
    IN_SERVICE = "in_service"
    WITHDRAWN = "withdrawn"


class SiteKind(StrEnum):
    """What a gateway hangs on (MISSION, "What exists around us")."""

    CHURCH = "church"
    TOWN_HALL = "town_hall"
    WATER_TOWER = "water_tower"
    ADMINISTRATIVE = "administrative"
    SCHOOL = "school"
    PYLON = "pylon"
    OTHER = "other"


class AgreementKind(StrEnum):
    """Paper that a site needs before a screw is turned (MISSION, "The deployment")."""

    OWNER = "owner"
    ROADS = "roads"
    ABF = "abf"


COUNTING = (Status.ACCEPTED, Status.IN_SERVICE)
