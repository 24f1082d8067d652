"""An identity's whole life in a process that never loads ``cryptography``, and where none can be started."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from agent.keys import Answer, answered
from agent.wire.onsite import CURVE, asked_code, challenge_of
from tests.controlpath.virtual import EUI, Authority

GATEWAY = """
import json, pathlib, sys
from agent.identity import BadCertificate, Identity

def told(value):
    print(json.dumps(value), flush=True)

identity = Identity(pathlib.Path(sys.argv[1]), eui=sys.argv[2])
told(identity.csr_pem())
certificate, ca, challenge = json.loads(input())
try:
    identity.accept(certificate, "rubbish")
except BadCertificate as error:
    told(error.why.code)
identity.accept(certificate, ca)
codes = [identity.onsite_code(text, 7) for text in (challenge, "00")]
told([identity.renewal(new_key=False).csr_pem, *codes])
told([name for name in sys.modules if name.startswith("cryptography")])
sys.executable = "/absent"
told([identity.csr_pem(), "cryptography" in sys.modules])
"""


def test_keys_are_used_in_a_process_of_their_own(tmp_path: Path) -> None:
    authority, fresh = Authority(), ec.generate_private_key(CURVE)
    gateway = subprocess.Popen(
        [sys.executable, "-c", GATEWAY, str(tmp_path), EUI],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with gateway as running:
        assert running.stdin is not None
        assert running.stdout is not None

        def heard() -> Any:
            return json.loads(running.stdout.readline())  # type: ignore[union-attr]

        request = heard()
        running.stdin.write(json.dumps([authority.sign(request), authority.pem, challenge_of(fresh)]) + "\n")
        running.stdin.flush()
        assert heard() == "enrolment.not_of_the_fleet"
        renewal, code, unfit = heard()
        public = x509.load_pem_x509_csr(renewal.encode()).public_key()
        assert public == x509.load_pem_x509_csr(request.encode()).public_key()
        assert isinstance(public, ec.EllipticCurvePublicKey)
        assert (code, unfit) == (asked_code(fresh, public, EUI, 7), None)
        assert heard() == []
        again, loaded = heard()
        assert x509.load_pem_x509_csr(again.encode()).public_key() == public
        assert loaded, "a process that cannot start another does the work itself"
    assert gateway.returncode == 0


def test_what_a_key_must_not_be_used_for_is_an_answer_too() -> None:
    refused = answered("checked_key", (b"rubbish",))
    assert refused.value is None
    assert refused.refused is not None
    assert refused.refused.code == "enrolment.bad_key"
    assert isinstance(answered("new_key", ()), Answer)
