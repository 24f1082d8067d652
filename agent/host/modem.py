"""What a 4G modem tells of its line, over ModemManager's own tool.

Sources: mmcli(1) of ModemManager 1.20, ``--output-keyvalue``: "--" stands for nothing known; the values of
``--signal-get`` come once ``--signal-setup`` asked for them.
"""

from agent.host.fields import Fields
from agent.host.tools import output

SIGNAL_EVERY_S = 60
WORDS = {
    "modem.3gpp.operator-name": "modem_operator",
    "modem.generic.access-technologies.value[1]": "modem_technology",
    "modem.generic.state": "modem_state",
}
NUMBERS = {
    "modem.generic.signal-quality.value": "modem_signal_percent",
    "modem.signal.lte.rssi": "modem_rssi_dbm",
    "modem.signal.lte.rsrp": "modem_rsrp_dbm",
    "modem.signal.lte.rsrq": "modem_rsrq_db",
    "modem.signal.lte.snr": "modem_snr_db",
}


def modem_fields() -> Fields:
    """Return operator, technology, state and signal; nothing where there is no modem."""
    told = parse_modem(output("mmcli", "--modem=any", "--output-keyvalue"))
    if not told:
        return {}
    signal = parse_modem(output("mmcli", "--modem=any", "--signal-get", "--output-keyvalue"))
    if not signal:
        output("mmcli", "--modem=any", f"--signal-setup={SIGNAL_EVERY_S}")
    return told | signal


def parse_modem(text: str) -> Fields:
    """Return what the key-values of ``mmcli`` tell.

    >>> parse_modem("modem.signal.lte.rsrp : -98.00")
    {'modem_rsrp_dbm': -98.0}
    """
    pairs = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    values = {key.strip(): value.strip() for key, value in pairs.items()}
    fields: Fields = {
        name: values[key] for key, name in WORDS.items() if values.get(key, "--") not in ("", "--")
    }
    for key, name in NUMBERS.items():
        try:
            fields[name] = float(values.get(key, "--"))
        except ValueError:
            continue
    return fields
