"""Keys and requests as gateways make them."""

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID

from agent.wire.enrolment import EnrolmentRequest, proof_of, token_key


def csr_of(name: str, key=None) -> str:
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, algorithm)
    return request.public_bytes(serialization.Encoding.PEM).decode()


def enrolment(eui: str, token: str, key=None) -> EnrolmentRequest:
    csr = csr_of(eui, key)
    return EnrolmentRequest(eui=eui, csr_pem=csr, proof=proof_of(token_key(token), eui, csr))
