"""Why a gateway suspects that it hears less than it should."""

from agent.wire.reasons.reason import code


@code(
    "aucune trame depuis {silent_min} min, {usual_frames} d’habitude à ces heures",
    "no frame for {silent_min} min, {usual_frames} were usual at these hours",
)
def silent(*, silent_min: int, usual_frames: int) -> None: ...


@code(
    "{heard_frames} trames en {span_h} h, {usual_frames} d’habitude à ces heures",
    "{heard_frames} frames in {span_h} h, {usual_frames} were usual at these hours",
)
def fewer(*, heard_frames: int, span_h: int, usual_frames: int) -> None: ...


@code(
    "bruit de fond {floor_dbm} dBm, {usual_dbm} dBm d’habitude à cette heure",
    "noise floor {floor_dbm} dBm, {usual_dbm} dBm was usual at this hour",
)
def noise_floor(*, floor_dbm: int, usual_dbm: int) -> None: ...


@code(
    "capteur de référence {dev_addr} muet depuis {silent_s} s, il parle toutes les {period_s} s",
    "reference sensor {dev_addr} silent for {silent_s} s, it speaks every {period_s} s",
)
def reference_silent(*, dev_addr: str, silent_s: int, period_s: int) -> None: ...


@code(
    "{missed_tests} trames d’essai de {sender} manquées, {heard_tests} entendues auparavant",
    "{missed_tests} test frames of {sender} missed, {heard_tests} were heard before",
)
def test_frames_missed(*, missed_tests: int, sender: str, heard_tests: int) -> None: ...
