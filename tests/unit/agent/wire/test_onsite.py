from agent.wire.onsite import CODE_LIFE_MS, code_is_good, onsite_code

BOOT = 2**63 - 1


def test_a_code_is_good_around_its_time_and_no_longer() -> None:
    shown_ms = 10 * CODE_LIFE_MS
    code = onsite_code(BOOT, "eui", shown_ms)
    assert code_is_good(BOOT, "eui", shown_ms, f" {code[:3]} {code[3:]} ")
    assert code_is_good(BOOT, "eui", shown_ms + 2 * CODE_LIFE_MS - 1, code)
    assert not code_is_good(BOOT, "eui", shown_ms + 2 * CODE_LIFE_MS, code)
    assert code_is_good(BOOT, "eui", shown_ms - 1, code)
    assert not code_is_good(BOOT, "eui", shown_ms - CODE_LIFE_MS - 1, code)


def test_another_gateway_or_boot_shows_another_code() -> None:
    code = onsite_code(7, "eui", 0)
    assert not code_is_good(7, "other", 0, code)
    assert not code_is_good(8, "eui", 0, code)


def test_rubbish_is_no_code() -> None:
    assert not any(code_is_good(7, "eui", 0, text) for text in ("", "é", "1" * 100))
