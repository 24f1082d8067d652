"""What the concentrator does and why it does not receive."""

from agent.wire.reasons.reason import Reason, code


@code("pas encore démarrée", "not started yet")
def not_started_yet() -> None: ...


@code("démarrée, EUI {eui}", "started, EUI {eui}")
def started(*, eui: str) -> None: ...


@code("la radio est arrêtée", "the radio is off")
def off() -> None: ...


@code("la radio a été arrêtée", "the radio was stopped")
def stopped_meanwhile() -> None: ...


@code("arrêtée sur une erreur\u202f: {cause}", "stopped with an error: {cause}")
def stop_failed(*, cause: Reason) -> None: ...


@code("{limit_jobs} demandes attendent déjà la radio", "{limit_jobs} jobs wait for the radio already")
def jobs_wait(*, limit_jobs: int) -> None: ...


@code("réinitialisation demandée par la flotte", "reset commanded by the fleet")
def reset_commanded() -> None: ...


@code(
    "la configuration change la carte ou la région",
    "the configuration changes what is built into the radio",
)
def rebuilt() -> None: ...


@code(
    "la configuration signée met fin au plan radio d’un serveur",
    "the signed configuration ends a server's radio plan",
)
def plan_ended() -> None: ...


@code(
    "le serveur, maître du plan radio, change les canaux",
    "the server that owns the radio plan changes the channels",
)
def plan_changed() -> None: ...


@code("le registre de version rend {register}", "the version register reads {register}")
def version_register(*, register: str) -> None: ...


@code(
    "le concentrateur a perdu sa configuration ({register})\u202f: remise à zéro ou creux de tension",
    "the chip lost its configuration (enables read {register}): reset or power dip",
)
def configuration_lost(*, register: str) -> None: ...


@code("erreur de parité du programme {program}", "parity error of the {program} program")
def parity_error(*, program: str) -> None: ...


@code("AGC bloqué (état {register})", "AGC stuck with status {register}")
def agc_stuck(*, register: str) -> None: ...


@code("le compteur du concentrateur n’avance plus", "the counter stands still")
def counter_still() -> None: ...


@code("AGC en état {register}, parité perdue", "AGC status {register}, parity lost")
def parity_lost(*, register: str) -> None: ...


@code(
    "le compteur a avancé de {counted_us} µs en {elapsed_us} µs",
    "the counter counted {counted_us} us in {elapsed_us} us",
)
def counter_jumped(*, counted_us: int, elapsed_us: int) -> None: ...


@code(
    "carte d’une autre passerelle\u202f: le concentrateur est {chip_eui}, l’ordre de travail est pour"
    " {order_eui}",
    "board of another gateway: the concentrator is {chip_eui}, the work order is for {order_eui}",
)
def other_gateway(*, chip_eui: str, order_eui: str) -> None: ...


@code(
    "les lignes de remise à zéro ne peuvent pas être commandées [{detail}]",
    "the reset lines cannot be driven [{detail}]",
)
def reset_lines(*, detail: str) -> None: ...


@code("bus mort", "dead bus")
def dead_bus() -> None: ...


@code("concentrateur débranché", "the concentrator is unplugged")
def unplugged() -> None: ...


@code("ne reçoit pas", "not receiving")
def not_receiving() -> None: ...


@code(
    "le concentrateur a mal répondu [{detail}]",
    "the concentrator misbehaved [{detail}]",
)
def misbehaved(*, detail: str) -> None: ...


@code("la liaison au concentrateur a échoué [{detail}]", "the line to the concentrator failed [{detail}]")
def line_failed(*, detail: str) -> None: ...


@code(
    "le concentrateur ne peut pas servir cette demande [{detail}]",
    "the concentrator cannot serve this request [{detail}]",
)
def request_refused(*, detail: str) -> None: ...


@code("pendant l’arrêt\u202f: {cause}", "while stopping: {cause}")
def while_stopping(*, cause: Reason) -> None: ...


@code("il faut un SX1261 activé dans les réglages", "an SX1261 is needed that the settings enable")
def no_sx1261() -> None: ...
