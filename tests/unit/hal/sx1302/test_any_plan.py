"""Whatever the plan: the chip that was told it hears where it should, and we say the right frequency."""

from dataclasses import replace

from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st

from hal.board_files import choose
from hal.packets import Crc, Lora
from hal.settings import Channel, FineTimestampMode, LoraService
from hal.twin.rf_event import ReceptionVerdict, RfEvent
from tests.unit.hal.sx1302.rigs import started

BASE = choose("wm1302").settings
GRID_HZ = 100_000
channels = st.one_of(
    st.none(),
    st.builds(Channel, rf_chain=st.integers(0, 1), if_hz=st.integers(-7, 7).map(lambda step: step * GRID_HZ)),
)
services = st.one_of(
    st.none(),
    st.builds(
        LoraService,
        channel=st.builds(
            Channel,
            rf_chain=st.integers(0, 1),
            if_hz=st.integers(-5, 5).map(lambda step: step * GRID_HZ),
            bandwidth_hz=st.sampled_from([250_000, 500_000]),
        ),
        sf=st.integers(7, 12),
    ),
)


def distinct(plan: list[Channel | None]) -> bool:
    """Channels of both radios lie on one axis; two on one frequency would hear the same frame."""
    centres = [_centre(channel) for channel in plan if channel is not None]
    return all(abs(one - other) >= 200_000 for index, one in enumerate(centres) for other in centres[:index])


def _centre(channel: Channel) -> int:
    radio = BASE.radios[channel.rf_chain]
    assert radio is not None
    return radio.frequency_hz + channel.if_hz


@how(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(
    plan=st.lists(channels, min_size=8, max_size=8).filter(distinct),
    service=services,
    factors=st.frozensets(st.integers(7, 12), min_size=1),
    public=st.booleans(),
    fine=st.sampled_from([None, FineTimestampMode.ALL_SF]),
    data=st.data(),
)
def test_a_frame_on_each_channel_is_heard_on_that_channel(
    plan: list[Channel | None],
    service: LoraService | None,
    factors: frozenset[int],
    public: bool,
    fine: FineTimestampMode | None,
    data: st.DataObject,
) -> None:
    chosen = replace(
        BASE,
        channels=tuple(plan),
        service=service,
        spreading_factors=factors,
        public=public,
        fine_timestamp=fine,
    )
    made = started(chosen, model=3 if fine else 2)
    assert list(made.chip.complaints) == []
    for index, channel in enumerate(plan):
        if channel is None:
            continue
        made.clock.sleep(5)
        sf = data.draw(st.sampled_from(sorted(factors)))
        event = RfEvent(
            payload=bytes((index,)), modulation=Lora(sf=sf), frequency_hz=_centre(channel), public=public
        )
        assert made.chip.inject(event) in (ReceptionVerdict.HEARD, ReceptionVerdict.PENDING)
        made.clock.sleep(5)

        heard = made.driver.receive()

        assert [frame.payload for frame in heard] == [bytes((index,))]
        assert (heard[0].if_channel, heard[0].frequency_hz) == (index, _centre(channel))
        assert heard[0].modulation == Lora(sf=sf)
        assert heard[0].crc is Crc.OK
