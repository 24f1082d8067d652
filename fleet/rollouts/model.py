"""Words of a rollout: its waves, where each gateway is, what is asked for and seen; pure.

    wave      PENDING → APPLYING → SOAKING → VERIFIED, or HALTED
    gateway   PENDING → APPLYING → DONE | FAILED, later REVERTING → REVERTED
    rollout   RUNNING ⇄ PAUSED, RUNNING → HALTED → RUNNING | ROLLING_BACK → ROLLED_BACK, RUNNING → DONE

Source: DESIGN §8.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from fleet.durations import DAY_US, HOUR_US, MINUTE_US
from fleet.safety.model import LIMITS, SafetyLimits


class RolloutState(StrEnum):
    """Where a rollout is."""

    RUNNING = "running"
    PAUSED = "paused"
    """A person stopped it: nothing new begins, what began ends."""
    HALTED = "halted"
    """It stopped by itself; a person resumes it or rolls it back."""
    ROLLING_BACK = "rolling_back"
    ROLLED_BACK = "rolled_back"
    DONE = "done"


OPEN_STATES = frozenset(
    {RolloutState.RUNNING, RolloutState.PAUSED, RolloutState.HALTED, RolloutState.ROLLING_BACK}
)


class WaveState(StrEnum):
    """Where the present wave is."""

    APPLYING = "applying"
    SOAKING = "soaking"
    """Every gateway of the wave has it or failed; they are watched."""


class Step(StrEnum):
    """Where one gateway is."""

    PENDING = "pending"
    APPLYING = "applying"
    DONE = "done"
    """It runs the new version and the fleet saw it working."""
    FAILED = "failed"
    REVERTING = "reverting"
    REVERTED = "reverted"
    SKIPPED = "skipped"
    """It left the network, or was still deferred when the rollout ended."""


class Hold(StrEnum):
    """Why a gateway does not begin yet."""

    NONE = ""
    OFFLINE = "offline"
    MAINTENANCE = "maintenance"
    NEEDED = "needed"
    """The safety oracle refuses."""
    WINDOW = "window"
    """It is not within the hours of the rollout."""
    BUDGET = "budget"
    """The network's error budget is below the setting."""
    OTHER = "other"
    """Another rollout or version is under way on it."""


class Failure(StrEnum):
    """Why a gateway failed."""

    NONE = ""
    ROLLED_BACK = "rolled_back"
    REFUSED = "refused"
    SILENT = "silent"
    """It said nothing of the version until the limit: silence is a failure."""
    LOST = "lost"
    """It ran the version and does not serve any more."""
    REVOKED = "revoked"
    """What it would be built on, or go back to, was revoked."""
    FORGED = "forged"
    """Its row, or what it runs by its row, is not what we signed: nothing is signed for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutSettings:
    """How careful a rollout is."""

    canary_gateways: int = 5
    shares_percent: tuple[int, ...] = (5, 25, 100)
    """Each wave after the canaries reaches this share of all gateways; the last is 100."""
    canary_soak_us: int = DAY_US
    soak_us: int = 4 * HOUR_US
    silent_limit_us: int = 75 * MINUTE_US
    """From the version until it is settled: the wait for a permit, the longest trial, and a margin."""
    failed_max_ppm: int = 20_000
    """A wave is halted when surely more than this share of its gateways fail, millionths."""
    straggler_limit_us: int = 30 * DAY_US
    """How long deferred gateways are waited for: as long as a version may be accepted."""
    together_max: int = 200
    """Gateways that change at the same time."""
    budget_left_min_ppm: int = 100_000
    """The whole network's error budget below which nothing begins, millionths."""
    roll_back_by_itself: bool = True
    """A halted wave goes back to what its gateways ran before."""
    new_ones_join: bool = False
    """Gateways that get their first configuration meanwhile come with the last wave."""
    judged: bool = True
    """Whether measurements must be no worse before the next wave."""
    controls_restart: bool = True
    """Whether gateways that do not change restart with the canaries, as far as nobody needs them, so that
    what a restart alone does is seen on both sides."""
    from_hour: int = 0
    """First hour of the day in Paris at which gateways begin."""
    until_hour: int = 24
    """Hour of the day in Paris from which none begins; before ``from_hour``: over midnight."""
    limits: SafetyLimits = LIMITS

    def __post_init__(self) -> None:
        if self.canary_gateways < 1:
            raise ValueError("canary_gateways: at least 1")
        shares = self.shares_percent
        if not shares or shares[-1] != 100 or list(shares) != sorted(set(shares)) or shares[0] < 1:
            raise ValueError(
                "shares_percent: rising percentages of which the last is 100, such as 5, 25, 100"
            )
        if not (0 <= self.from_hour <= 23 and 0 <= self.until_hour <= 24):
            raise ValueError("from_hour, until_hour: hours of the day, 0 to 24")
        if self.from_hour == self.until_hour:
            raise ValueError("from_hour, until_hour: the same hour leaves no time")
        if self.together_max < 1:
            raise ValueError("together_max: at least 1")


DEFAULT_SETTINGS = RolloutSettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class Controls:
    """Gateways that restart with the canaries and change nothing else."""

    needed: bool = False
    """The change restarts the gateways that get it."""
    restarted: Mapping[str, int] = field(default_factory=dict)
    """EUI → when it was told to, microseconds UTC."""


NO_CONTROLS = Controls()


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayStep:
    """One gateway of a rollout."""

    eui: str
    wave: int
    step: Step = Step.PENDING
    since_us: int = 0
    """When it came to this step, microseconds UTC."""
    version: int | None = None
    """The version that the rollout issued last for it."""
    hold: Hold = Hold.NONE
    failure: Failure = Failure.NONE
    reason: str = ""
    """What the gateway gave as its reason (``fleet.lang.reasons``), or why it is needed."""
    forgiven: bool = False
    """A person let the rollout go on in spite of this failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """One wave by name: ``lab``, ``canary``, or a share such as ``25 %``."""

    name: str
    soak_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """One rollout as of an instant."""

    state: RolloutState = RolloutState.RUNNING
    waves: tuple[Wave, ...]
    wave: int = 0
    """Position of the present wave."""
    wave_state: WaveState = WaveState.APPLYING
    wave_since_us: int
    """When ``wave_state`` began, microseconds UTC."""
    since_us: int
    """When ``state`` began, microseconds UTC."""
    back_from_wave: int = 0
    """First wave that is rolled back."""
    halted_why: str = ""
    """Why it was halted: ``failures``, ``worse``, or what a person wrote."""
    steps: Mapping[str, GatewayStep] = field(default_factory=dict)
    settings: RolloutSettings = DEFAULT_SETTINGS

    @property
    def changed(self) -> frozenset[str]:
        """Gateways that have begun, whatever came of it."""
        return frozenset(eui for eui, one in self.steps.items() if one.step is not Step.PENDING)

    @property
    def wave_is_last_soak(self) -> bool:
        """Whether the last wave is being watched: nobody begins any more."""
        return self.wave == len(self.waves) - 1 and self.wave_state is WaveState.SOAKING

    def of_wave(self, wave: int) -> list[GatewayStep]:
        """Return the gateways of a wave, by EUI."""
        return [one for _, one in sorted(self.steps.items()) if one.wave == wave]


class Seen(StrEnum):
    """What is known of the version that the rollout issued for a gateway."""

    NOTHING = "nothing"
    WORKING = "working"
    """It is confirmed, by us and by the gateway."""
    ROLLED_BACK = "rolled_back"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """One gateway as it is seen now."""

    seen: Seen = Seen.NOTHING
    serving: bool
    hold: Hold = Hold.NONE
    """Why it cannot begin, apart from the oracle."""
    reason: str = ""
    registered: bool = True


class Judgement(StrEnum):
    """What the measurements of a wave say."""

    FINE = "fine"
    WORSE = "worse"
    NOT_ENOUGH = "not_enough"
    """Too few observations: it waits, it never passes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """All that a step of the machine is decided from, beside the rollout."""

    now_us: int
    observed: Mapping[str, Observed]
    may_begin: frozenset[str]
    """Those that the safety oracle lets out together now, of those that wait."""
    refused_why: Mapping[str, str] = field(default_factory=dict)
    """EUI → why the oracle refuses, as it is kept."""
    hold: Hold = Hold.NONE
    """Why nobody begins: hours, budget."""
    judgement: Judgement | None = None
    """What the measurements of the present wave say; None: nobody asked."""


class ActKind(StrEnum):
    """What the machine wants done."""

    ISSUE = "issue"
    """Sign the new version for the gateway."""
    REVERT = "revert"
    """Sign again what the gateway ran before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One thing to do."""

    kind: ActKind
    eui: str
