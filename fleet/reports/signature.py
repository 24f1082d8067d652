"""Optional PAdES signature of a PDF (baseline B-B): key and certificate are files named by settings.

Unsigned by default.  The key stays where the setting names it; its passphrase, if any, comes from the
environment.  pyHanko is the extra ``passerelle[sign]`` and is imported only when something is to be signed.
Sources: ETSI EN 319 142-1 (PAdES baseline signatures); pyHanko, "Signing functionality".
"""

import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec

PASSPHRASE_VARIABLE = "PASSERELLE_SIGNATURE_PASSPHRASE"  # noqa: S105 - the name of a variable
FIELD = "Signature"
LOCATION = "France"


class SignatureError(ValueError):
    """A report that cannot be signed; names the setting."""


class Signature(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Section ``signature`` of fleet.json: PEM files, and what the signature says."""

    key: Annotated[str, msgspec.Meta(min_length=1)]
    """Private key; readable by its owner alone."""
    certificate: Annotated[str, msgspec.Meta(min_length=1)]
    """The signer's certificate, followed by those of the authorities between it and the root."""
    reason: str = "Rapport contractuel"


def signed(pdf: bytes, signature: Signature, environment: Mapping[str, str] = os.environ) -> bytes:
    """Return the PDF with a PAdES signature appended.

    Raises:
        SignatureError: no pyHanko, or a key or certificate that cannot be used.
    """
    try:
        from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
        from pyhanko.sign import PdfSignatureMetadata, SimpleSigner, sign_pdf
        from pyhanko.sign.fields import SigSeedSubFilter
    except ImportError as error:
        raise SignatureError("signature: needs pyHanko; install passerelle[sign]") from error
    for name in ("key", "certificate"):
        if not Path(getattr(signature, name)).is_file():
            raise SignatureError(f"signature.{name}: {getattr(signature, name)} is not there")
    passphrase = environment.get(PASSPHRASE_VARIABLE)
    signer = SimpleSigner.load(  # type: ignore[no-untyped-call]
        signature.key,
        signature.certificate,
        ca_chain_files=(signature.certificate,),
        key_passphrase=passphrase.encode() if passphrase else None,
    )
    if signer is None:
        raise SignatureError("signature: key or certificate cannot be read, or the passphrase is another")
    metadata = PdfSignatureMetadata(
        field_name=FIELD,
        reason=signature.reason,
        location=LOCATION,
        subfilter=SigSeedSubFilter.PADES,
        md_algorithm="sha256",
    )
    out = io.BytesIO()
    sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf)), metadata, signer=signer, output=out)
    return out.getvalue()
