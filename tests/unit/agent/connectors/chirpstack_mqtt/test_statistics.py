"""What was counted reaches the server once, however often its statistics found nobody."""

from agent.connectors.chirpstack_mqtt.statistics import RadioCounts, StatisticsWindow
from hal.packets import Cw, Fsk, Lora
from tests.datapath.virtual import data_up, record


def radio(received: int) -> RadioCounts:
    return RadioCounts(received=received + 1, received_ok=received)


def test_counts_of_a_report_that_nobody_took_stand_in_the_next() -> None:
    window = StatisticsWindow(radio(0))
    window.frame_received(record(1, data_up()))
    window.left(7, radio(1))
    window.answered(7, taken=False)
    window.frame_received(record(2, data_up()))
    made = window.report(radio(2), None, utc_us=5, config_version="")
    assert (made.received, made.received_ok) == (2, 2)
    assert made.rx_by_frequency_hz == ((868_100_000, 2),)
    assert made.rx_by_modulation == (((7, 125_000, 1), 2),)


def test_what_is_counted_while_a_report_is_under_way_stays_for_the_next() -> None:
    window = StatisticsWindow(radio(0))
    window.asked()
    window.attempted("TOO_LATE")
    window.attempted("OK")
    window.emitted(869_525_000, Lora(sf=12))
    window.left(7, radio(3))
    window.frame_received(record(2, data_up(), sf=0, rate=50_000))
    window.answered(7, taken=True)
    made = window.report(radio(4), None, utc_us=5, config_version="")
    assert (made.received_ok, made.asked, made.emitted, made.tx_by_status) == (1, 0, 0, ())
    assert made.rx_by_modulation == (((0, 50_000, 0), 1),)


def test_asked_counts_downlinks_and_status_their_alternatives() -> None:
    window = StatisticsWindow(radio(0))
    window.asked()
    window.attempted("TOO_LATE")
    window.attempted("OK")
    window.emitted(868_800_000, Fsk())
    window.emitted(868_800_000, Cw())
    made = window.report(radio(0), None, utc_us=5, config_version="v")
    assert (made.asked, made.emitted) == (1, 2)
    assert made.tx_by_status == (("OK", 1), ("TOO_LATE", 1))
    assert made.tx_by_modulation == (((0, 0, 0), 1), ((0, 50_000, 0), 1))


def test_a_report_without_an_answer_is_as_good_as_not_sent() -> None:
    window = StatisticsWindow(radio(0))
    window.frame_received(record(1, data_up()))
    window.left(7, radio(1))
    window.closed()
    window.answered(7, taken=True)
    assert window.report(radio(1), None, utc_us=5, config_version="").received_ok == 1
