"""Certificates for tests, made by the program openssl: an authority, and what it has signed."""

import ssl
import subprocess
from pathlib import Path

_DAYS = "30"
_SETTINGS = """
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[signed]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = {names}
"""


class Authority:
    """A certificate authority whose files are in `folder`; `certificate` is to be trusted."""

    def __init__(self, folder: Path, name: str = "test-authority") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.certificate = folder / "ca.crt"
        self._key = folder / "ca.key"
        self._make(name, "authority", self._key, self.certificate, "DNS:authority")

    def issue(self, name: str, names: str = "IP:127.0.0.1,DNS:localhost") -> "Certificate":
        """A key, and a certificate for `names` whose subject is `CN=name`."""
        made = Certificate(self._folder / f"{name}.key", self._folder / f"{name}.crt")
        signer = ["-CA", str(self.certificate), "-CAkey", str(self._key)]
        self._make(name, "signed", made.key, made.certificate, names, *signer)
        both = made.key.read_text() + made.certificate.read_text() + self.certificate.read_text()
        made.store.write_text(both)
        return made

    def _make(
        self, name: str, kind: str, key: Path, certificate: Path, names: str, *more: str
    ) -> None:
        settings = self._folder / f"{name}.cnf"
        settings.write_text(_SETTINGS.format(names=names))
        command = ["openssl", "req", "-x509", "-config", str(settings), "-extensions", kind]
        command += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        command += ["-keyout", str(key), "-out", str(certificate)]
        command += ["-subj", f"/CN={name}", "-days", _DAYS, *more]
        subprocess.run(command, check=True, capture_output=True)


def served_by(made: "Certificate") -> ssl.SSLContext:
    """The context of a server that shows this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.certificate, made.key)
    return context


class Certificate:
    """The files of a key and its certificate, in PEM form."""

    def __init__(self, key: Path, certificate: Path) -> None:
        self.key = key
        self.certificate = certificate
        self.store = key.with_suffix(".pem")
        """Key, certificate and authority in one file, as Kafka's key store."""
