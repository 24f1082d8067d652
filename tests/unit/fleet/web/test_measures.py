from fleet.web.rendering import Words
from fleet.web.views.measures import channels_of, measures_of

FRENCH, ENGLISH = Words("fr", 0), Words("en", 0)


def test_a_measure_has_its_name_and_its_unit() -> None:
    told = {"disk_free_mb": 80291, "cpu_load_1min": 2.83, "net_eth0_sent_kb": 5, "noise_floor": "estimated"}
    assert [(one.name, one.value) for one in measures_of(FRENCH, told)] == [
        ("Charge, 1\u202fmin", "2,8"),
        ("Disque libre", "80\u202f291\u202fMo"),
        ("net eth0 sent", "5\u202fko"),
        ("noise floor", "estimated"),
    ]
    assert measures_of(ENGLISH, {"disk_free_mb": 1})[0].value == "1\u202fMB"


def test_the_picture_is_read_by_channel_and_spreading_factor() -> None:
    told = {
        "868100000.12": "3/1/4200",
        "868100000.7": "9/0/410",
        "868300000.0": "1/0/5",
        "noise_floor": "estimated",
    }
    told |= {"noise_estimated.868100000": "-112.4"}
    shown = channels_of(FRENCH, told)
    assert [(one.mhz, one.sf, one.frames, one.crc_failed, one.airtime_ms) for one in shown] == [
        ("868,1", "12", 3, 1, 4200),
        ("868,1", "7", 9, 0, 410),
        ("868,3", "FSK", 1, 0, 5),
    ]
    assert (shown[0].noise, shown[2].noise) == ("−112,4\u202fdBm, estimé", "—")


def test_what_is_no_cell_is_left_out() -> None:
    assert channels_of(FRENCH, {"868100000.7": "1/2", "868100000.8": "a/b/c", "x": 1}) == []
