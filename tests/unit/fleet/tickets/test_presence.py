import pytest

from fleet.tickets.presence import distance_m, site_of_token, site_token


def test_a_label_names_its_site_and_no_other() -> None:
    token = site_token(b"secret", 42)
    assert site_of_token(b"secret", token) == 42
    assert site_of_token(b"other", token) is None
    assert site_of_token(b"secret", "43" + token[2:]) is None


@pytest.mark.parametrize("token", ["", "-", "x-1", "42", "42-", "9999999999-a", "²-a", "42-é"])
def test_rubbish_is_no_site(token: str) -> None:
    assert site_of_token(b"secret", token) is None


def test_distance_of_a_degree_of_latitude() -> None:
    assert distance_m(47, 0, 48, 0) == 111_195
    assert distance_m(47, 0, 47, 0) == 0
