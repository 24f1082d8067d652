"""What an installer's visit proves: facts come in, a verdict with its reason for each check goes out; pure.

Limits are ours: a 4G link of the field answers within 100 ms and loses less than 1 % in ten minutes, and a
site's coordinates in a registry are right to some 100 m.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import asin, cos, radians, sin, sqrt

from agent.downlink.antenna import Antenna, choose_power
from agent.observation import ConnectorState, Position, middle_dbm
from agent.wire import reasons
from agent.wire.acceptance import CheckVerdict, Conclusion, Finding
from agent.wire.messages import Radio
from agent.wire.reasons import Reason

NEAR_SITE_M = 300
FAR_FROM_SITE_M = 3_000
"""Beyond it the card is another site's."""
LOST_GOOD_PERCENT, LOST_BAD_PERCENT = 1.0, 5.0
MEDIAN_GOOD_MS = 1_000
NO_NETWORK_AFTER_S = 60
"""Without any answer for so long there is no network here; the whole watch would prove nothing more."""
PROCESSED = "lns.processed"
"""The test device's frame came back through the LoRaWAN server."""
EARTH_RADIUS_M = 6_371_008.8
"""Mean radius (IUGG)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Tries to reach the fleet: every one that ended, an answer's time in ms or None."""

    whole_s: int
    done_s: int
    answers_ms: tuple[int | None, ...]
    kbit_per_s: int | None = None
    """One download measured it; None before that."""

    @property
    def answered(self) -> list[int]:
        """Times of the tries that were answered, in ms."""
        return [one for one in self.answers_ms if one is not None]

    @property
    def over(self) -> bool:
        """Whether no more tries are needed."""
        silent = not self.answered and self.done_s >= NO_NETWORK_AFTER_S
        return self.done_s >= self.whole_s or silent


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteFacts:
    """What the work order says of the site, in degrees of WGS84."""

    commune: str
    latitude_deg: float | None
    longitude_deg: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that the checks look at."""

    expected_eui: str
    chip_eui: str
    """Empty until the chip answered."""
    radio: Radio
    radio_reason: Reason
    floors_dbm: Mapping[int, float] = field(default_factory=dict)
    """Measured noise floor by frequency in Hz."""
    noise_dbm: float | None = None
    """Estimated from weak frames."""
    noise_frames: int = 0
    has_gnss: bool = False
    position: Position | None = None
    site: SiteFacts
    antenna: Antenna
    watch: Watch
    lns: ConnectorState | None = None
    lns_proof: Reason | None = None
    """What a test device proved of the LoRaWAN server."""
    neighbours: int = 0


def decide(facts: Facts, now_us: int) -> tuple[Finding, ...]:
    """Return every check's verdict, in the order in which an installer mends."""
    return (
        _concentrator(facts),
        _noise(facts),
        _position(facts),
        _power(facts.antenna),
        _backhaul(facts.watch),
        _server(facts, now_us),
        _neighbours(facts),
    )


def conclude(findings: tuple[Finding, ...]) -> Conclusion:
    """Return what the checks come to: the worst of them."""
    verdicts = {one.verdict for one in findings}
    if CheckVerdict.BAD in verdicts:
        return Conclusion.REFUSED
    if CheckVerdict.WAITING in verdicts:
        return Conclusion.WAITING
    return Conclusion.WITH_RESERVES if CheckVerdict.RESERVED in verdicts else Conclusion.ACCEPTED


def _concentrator(facts: Facts) -> Finding:
    def found(verdict: CheckVerdict, why: Reason) -> Finding:
        return Finding(check="concentrator", verdict=verdict, why=why)

    if facts.chip_eui and facts.chip_eui != facts.expected_eui:
        why = reasons.acceptance.another_chip(found_eui=facts.chip_eui, expected_eui=facts.expected_eui)
        return found(CheckVerdict.BAD, why)
    if facts.radio is Radio.RECEIVING and facts.chip_eui:
        return found(CheckVerdict.GOOD, reasons.acceptance.receives(eui=facts.chip_eui))
    if facts.radio_reason == reasons.radio.not_started_yet() or (
        facts.radio is Radio.RECEIVING and not facts.chip_eui
    ):
        return found(CheckVerdict.WAITING, reasons.acceptance.starting())
    return found(CheckVerdict.BAD, reasons.acceptance.not_receiving(cause=facts.radio_reason))


def _noise(facts: Facts) -> Finding:
    verdict = CheckVerdict.GOOD
    if facts.floors_dbm:
        worst_hz = max(facts.floors_dbm, key=lambda hz: facts.floors_dbm[hz])
        why = reasons.acceptance.noise_measured(
            channels=len(facts.floors_dbm),
            median_dbm=round(middle_dbm(list(facts.floors_dbm.values())), 1),
            worst_dbm=round(facts.floors_dbm[worst_hz], 1),
            worst_hz=worst_hz,
        )
    elif facts.noise_dbm is not None:
        why = reasons.acceptance.noise_estimated(dbm=round(facts.noise_dbm, 1), frames=facts.noise_frames)
    else:
        verdict, why = CheckVerdict.UNMEASURED, reasons.acceptance.noise_unknown()
    return Finding(check="noise", verdict=verdict, why=why)


def _position(facts: Facts) -> Finding:
    def found(verdict: CheckVerdict, why: Reason) -> Finding:
        return Finding(check="position", verdict=verdict, why=why)

    site, at = facts.site, facts.position
    if at is None:
        if facts.has_gnss:
            return found(CheckVerdict.RESERVED, reasons.acceptance.no_fix())
        return found(CheckVerdict.UNMEASURED, reasons.acceptance.no_gnss())
    if site.latitude_deg is None or site.longitude_deg is None:
        measured = {
            "latitude_deg": round(at.latitude_deg, 5),
            "longitude_deg": round(at.longitude_deg, 5),
        }
        return found(CheckVerdict.UNMEASURED, reasons.acceptance.site_without_position(**measured))
    away_m = round(distance_m(at.latitude_deg, at.longitude_deg, site.latitude_deg, site.longitude_deg))
    if away_m <= NEAR_SITE_M:
        why = reasons.acceptance.at_the_site(distance_m=away_m, commune=site.commune)
        return found(CheckVerdict.GOOD, why)
    why = reasons.acceptance.far_from_the_site(distance_m=away_m, commune=site.commune)
    return found(CheckVerdict.RESERVED if away_m <= FAR_FROM_SITE_M else CheckVerdict.BAD, why)


def distance_m(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Return the distance of two places of WGS84 on a sphere (haversine).

    >>> round(distance_m(47.39, 0.69, 47.39, 0.70))
    753
    """
    up, down = radians(latitude), radians(other_latitude)
    half = sin((up - down) / 2) ** 2
    half += cos(up) * cos(down) * sin(radians(longitude - other_longitude) / 2) ** 2
    return 2 * EARTH_RADIUS_M * asin(sqrt(half))


def _power(antenna: Antenna) -> Finding:
    def found(verdict: CheckVerdict, why: Reason) -> Finding:
        return Finding(check="power", verdict=verdict, why=why)

    table = [power for powers in antenna.powers_dbm for power in powers]
    loudest = max(antenna.plan.bands, key=lambda band: band.eirp_dbm)
    power = choose_power(None, loudest, table, gain_db=antenna.gain_db, loss_db=antenna.loss_db)
    if power is None:
        return found(CheckVerdict.BAD, reasons.acceptance.too_strong(gain_dbi=antenna.gain_db))
    if antenna.gain_db == 0 and antenna.loss_db == 0:
        return found(CheckVerdict.RESERVED, reasons.acceptance.antenna_not_set())
    why = reasons.acceptance.eirp(
        eirp_dbm=round(power.eirp_dbm, 2),
        limit_dbm=round(loudest.eirp_dbm, 2),
        gain_dbi=antenna.gain_db,
        loss_db=antenna.loss_db,
    )
    return found(CheckVerdict.GOOD, why)


def _backhaul(watch: Watch) -> Finding:
    def found(verdict: CheckVerdict, why: Reason) -> Finding:
        return Finding(check="backhaul", verdict=verdict, why=why)

    answered, tries = watch.answered, len(watch.answers_ms)
    lost = tries - len(answered)
    if not watch.over:
        why = reasons.acceptance.measuring(
            done_s=watch.done_s, whole_s=watch.whole_s, answered_tries=len(answered), lost_tries=lost
        )
        return found(CheckVerdict.WAITING, why)
    if not answered:
        return found(CheckVerdict.RESERVED, reasons.acceptance.no_backhaul())
    middle_ms = sorted(answered)[len(answered) // 2]
    why = reasons.acceptance.backhaul(
        tries=tries,
        whole_s=watch.done_s,
        lost_percent=round(100 * lost / tries, 1),
        median_ms=middle_ms,
        worst_ms=max(answered),
        kbit_per_s=watch.kbit_per_s or 0,
    )
    return found(_stability(100 * lost / tries, middle_ms), why)


def _stability(lost_percent: float, median_ms: float) -> CheckVerdict:
    if lost_percent > LOST_BAD_PERCENT:
        return CheckVerdict.BAD
    good = lost_percent <= LOST_GOOD_PERCENT and median_ms <= MEDIAN_GOOD_MS
    return CheckVerdict.GOOD if good else CheckVerdict.RESERVED


def _server(facts: Facts, now_us: int) -> Finding:
    def found(verdict: CheckVerdict, why: Reason) -> Finding:
        return Finding(check="server", verdict=verdict, why=why)

    lns = facts.lns
    if lns is None:
        return found(CheckVerdict.WAITING, reasons.acceptance.starting())
    if lns.up and lns.last_answer_us is not None:
        if facts.lns_proof is not None:
            processed = facts.lns_proof.code == PROCESSED
            why = reasons.acceptance.lns_proved(proof=facts.lns_proof)
            return found(CheckVerdict.GOOD if processed else CheckVerdict.RESERVED, why)
        age_s = max(0, now_us - lns.last_answer_us) // 1_000_000
        return found(CheckVerdict.GOOD, reasons.acceptance.lns_answers(name=lns.name, age_s=age_s))
    silent = reasons.acceptance.lns_silent(name=lns.name, cause=lns.reason)
    if not facts.watch.over:
        return found(CheckVerdict.WAITING, silent)
    return found(CheckVerdict.BAD if facts.watch.answered else CheckVerdict.RESERVED, silent)


def _neighbours(facts: Facts) -> Finding:
    if facts.neighbours:
        why = reasons.acceptance.neighbours_heard(heard_gateways=facts.neighbours)
        return Finding(check="neighbours", verdict=CheckVerdict.GOOD, why=why)
    return Finding(check="neighbours", verdict=CheckVerdict.UNMEASURED, why=reasons.acceptance.no_neighbour())
