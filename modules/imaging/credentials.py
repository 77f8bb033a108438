"""Content credentials (C2PA 2): a signed statement in a picture's file that a program made it. The key is made here and never leaves.

The certificate is our own, so readers call the signer unknown: it shows that nothing was changed since, not who made it. Encoding the
picture anew removes it.
"""

import io
import json
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from modules.contract.errors import NotSupported
from modules.contract.files import write_whole

TYPES = {"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "webp": "image/webp", "avif": "image/avif"}
GENERATED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
YEARS = 10
MISSING = NotSupported("Pictures are not signed: the package c2pa-python is not installed.", "Install it with `pip install c2pa-python`.")


class Credentials:
    """Signs with the key in a folder, which is made with the first signature; nobody but this user may read it."""

    def __init__(self, folder: Path, program: str) -> None:
        self.folder = folder
        self.program = program

    def sign(self, data: bytes, format: str) -> bytes:
        """A picture file with a statement that it was generated; pixels and other metadata are untouched. Raises NotSupported."""
        if find_spec("c2pa") is None:
            raise MISSING
        import c2pa

        with self.signer() as signer, c2pa.Builder(json.dumps(self.manifest()), without_thumbnails()) as builder:
            signed = io.BytesIO()
            builder.sign(signer, TYPES[format], io.BytesIO(data), signed)
        return signed.getvalue()

    def manifest(self) -> dict[str, Any]:
        """What is stated: this program created the picture with a trained model. Nothing of the person."""
        action = {"action": "c2pa.created", "digitalSourceType": GENERATED, "softwareAgent": {"name": self.program}}
        return {
            "claim_generator_info": [{"name": self.program}],
            "assertions": [{"label": "c2pa.actions", "data": {"actions": [action]}}],
        }

    def signer(self) -> Any:
        """What signs, from the key and the certificates in the folder."""
        import c2pa

        key, chain = self.folder / "key.pem", self.folder / "certificates.pem"
        if not (key.exists() and chain.exists()):
            self.folder.mkdir(parents=True, exist_ok=True)
            private, certificates = new_key()
            write_whole(chain, certificates)
            write_whole(key, private)
            key.chmod(0o600)
        return c2pa.Signer.from_info(c2pa.C2paSignerInfo(b"es256", chain.read_bytes(), key.read_bytes(), None))


def read_credentials(data: bytes, format: str) -> dict[str, Any] | None:
    """What a picture file's credentials state: {program, actions, signer, state, problems}; None without any that can be read."""
    if find_spec("c2pa") is None or format not in TYPES:
        return None
    import c2pa

    try:
        with c2pa.Reader(TYPES[format], io.BytesIO(data)) as reader:
            store: dict[str, Any] = json.loads(reader.json())
    except c2pa.C2paError:
        return None
    manifest: dict[str, Any] = store["manifests"][store["active_manifest"]]
    stated = [part["data"] for part in manifest.get("assertions", []) if part["label"].startswith("c2pa.actions")]
    actions = [one for data in stated for one in data["actions"]]
    return {
        "program": ", ".join(one.get("name", "") for one in manifest.get("claim_generator_info", [])),
        "actions": [
            {"action": one.get("action", ""), "source": str(one.get("digitalSourceType", "")).rpartition("/")[2]} for one in actions
        ],
        "signer": manifest.get("signature_info", {}).get("issuer", ""),
        "state": store.get("validation_state", ""),
        "problems": [one.get("code", "") for one in store.get("validation_status", [])],
    }


@lru_cache(maxsize=1)
def without_thumbnails() -> Any:
    """The library's settings without its thumbnail, which is larger than all else that it adds."""
    import c2pa

    return c2pa.Context(c2pa.Settings.from_dict({"builder": {"thumbnail": {"enabled": False}}}))


def new_key() -> tuple[bytes, bytes]:
    """A private key (PKCS 8), and the certificates of it and of its issuer, all as PEM. P-256; they name nobody."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Self-signed")])

    def usage(*, signs: bool) -> x509.KeyUsage:
        rest = dict.fromkeys(
            ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only", "decipher_only"), False
        )
        return x509.KeyUsage(digital_signature=signs, key_cert_sign=not signs, crl_sign=not signs, **rest)

    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(timezone.utc)
    found: list[bytes] = []
    for subject, public, authority in (("Easel pictures", key, False), ("Easel pictures, root", root_key, True)):
        builder = (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name("Easel pictures, root"))
            .public_key(public.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=365 * YEARS))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(usage(signs=not authority), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
        )
        if not authority:
            builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        found.append(builder.sign(root_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    return private, b"".join(found)
