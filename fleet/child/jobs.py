"""What a child is asked and what it answers: values that cross a pipe as msgpack; none holds code."""

from typing import TypeAlias

import msgspec

from fleet.facts.settings import ContractSettings
from fleet.reports.signature import Signature
from fleet.reports.store import Form
from fleet.reports.terms import Terms


class CloseMonth(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Reckon the next version of a month; answered by the version as msgpack, or None."""

    month: str
    now_us: int


class ReckonMonth(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Reckon a month that is open; answered by ``fleet.months.reckoner.OpenMonth`` as msgpack."""

    month: str
    now_us: int


class CompareMonth(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Reckon a closed month by today's program; answered by the names of what differs, as msgpack."""

    month: str
    number: int


class TakeCoverages(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Find who hears the sensors of a month; answered by ``fleet.objects.coverers.Coverages`` as msgpack."""

    month: str
    now_us: int


class CountDay(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Count the objects and addresses of a day; answered by ``fleet.objects.counting.Counted`` as msgpack."""

    day: str


class SurveyAir(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Survey the air of a day; answered by ``fleet.airtime.survey.NetworkAir`` as msgpack."""

    now_us: int


class WriteReport(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Write the report of a month as a file; answered by its bytes."""

    month: str
    now_us: int
    form: Form
    terms: Terms
    epci: str = ""
    address: str = ""
    signature: Signature | None = None


class WriteContest(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Write the bundle to contest a month of one territory, or of all; answered by its bytes."""

    month: str
    now_us: int
    terms: Terms
    epci: str = ""


class WriteOpenData(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Write the communes of a month as open data; answered by its bytes."""

    month: str
    now_us: int


FileJob: TypeAlias = WriteReport | WriteContest | WriteOpenData
ReckonJob: TypeAlias = CloseMonth | ReckonMonth | CompareMonth | TakeCoverages | CountDay | SurveyAir
Job: TypeAlias = ReckonJob | FileJob


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One job, on the database and the settings that it needs."""

    database_url: str
    contract: ContractSettings
    job: Job


class JobDone(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The job's result."""

    content: bytes


class JobRefused(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """An error that whoever asked can act on."""

    kind: str
    """Name of a class of ``process.REFUSALS``."""
    text: str
