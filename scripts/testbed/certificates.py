"""A certificate authority that lives as long as its directory, and a mount namespace in which the system trusts it."""

from __future__ import annotations

import os
import shlex
import shutil
import ssl
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SYSTEM_TRUST = Path("/etc/ssl/certs")

_EXTENSIONS = """\
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, IP:127.0.0.1, IP:::1
authorityKeyIdentifier = keyid
"""


@dataclass(frozen=True)
class PrivateAuthority:
    """A CA and one server certificate for loopback, made by the openssl program, in a directory of their own."""

    directory: Path

    @classmethod
    def make(cls, directory: Path) -> PrivateAuthority:
        """Make keys and certificates (P-256, two days) in a directory."""
        directory.mkdir(parents=True, exist_ok=True)
        authority = cls(directory)
        (directory / "extensions.cnf").write_text(_EXTENSIONS)
        authority._sign("authority", "/CN=Sluice testbed authority", issuer=None)
        authority._sign("server", "/CN=localhost", issuer="authority")
        return authority

    @property
    def certificate(self) -> Path:
        """The authority's own certificate."""
        return self.directory / "authority.pem"

    def server_context(self) -> ssl.SSLContext:
        """TLS for a server on loopback."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.directory / "server.pem", self.directory / "server.key")
        return context

    def client_context(self) -> ssl.SSLContext:
        """TLS for a Python client that trusts this authority alone."""
        return ssl.create_default_context(cafile=str(self.certificate))

    def trust_directory(self) -> Path:
        """Copy the certificates that the system trusts, and add this authority by file, hash link and bundle."""
        trust = self.directory / "trust"
        shutil.copytree(SYSTEM_TRUST, trust, symlinks=True, dirs_exist_ok=True)
        name = "sluice-testbed.pem"
        shutil.copyfile(self.certificate, trust / name)
        digest = _openssl("x509", "-hash", "-noout", "-in", str(self.certificate)).strip()
        link = trust / f"{digest}.0"
        link.unlink(missing_ok=True)
        link.symlink_to(name)
        bundle = trust / "ca-certificates.crt"
        known = bundle.read_bytes() if bundle.exists() else b""
        bundle.unlink(missing_ok=True)
        bundle.write_bytes(known + self.certificate.read_bytes())
        return trust

    def _sign(self, name: str, subject: str, issuer: str | None) -> None:
        at = self.directory
        key, request = str(at / f"{name}.key"), str(at / f"{name}.csr")
        _openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key)
        _openssl("req", "-new", "-key", key, "-subj", subject, "-out", request)
        signer = (
            ["-signkey", key]
            if issuer is None
            else ["-CA", str(at / f"{issuer}.pem"), "-CAkey", str(at / f"{issuer}.key")]
        )
        if issuer is not None:
            signer += ["-CAcreateserial"]
        extensions = ["-extfile", str(at / "extensions.cnf"), "-extensions", name]
        certificate = str(at / f"{name}.pem")
        _openssl("x509", "-req", "-in", request, *signer, "-days", "2", "-sha256", *extensions, "-out", certificate)


def _openssl(*arguments: str) -> str:
    answer = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False, timeout=60)
    if answer.returncode != 0:
        raise RuntimeError(f"openssl {arguments[0]}: {answer.stderr.strip()}")
    return answer.stdout


def namespace_options() -> list[str]:
    """How unshare gives us a mount namespace here: as root plainly, otherwise in a user namespace of our own."""
    plain = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
    probe = subprocess.run([*plain, "true"], capture_output=True, text=True, check=False, timeout=30)
    if probe.returncode != 0:
        raise PermissionError(
            f"{' '.join(plain)} is refused here ({probe.stderr.strip()}): a private CA needs a mount namespace; "
            "run as root, or allow user namespaces (sysctl kernel.unprivileged_userns_clone)"
        )
    return plain


def trusting(trust: Path, command: Sequence[str]) -> list[str]:
    """Build the command that runs `command` in a mount namespace where the system trusts what `trust` holds.

    The process id is the command's own: unshare and the shell both give way to it. Nothing outside changes.
    """
    script = f'mount --bind {shlex.quote(str(trust))} {SYSTEM_TRUST} && exec "$@"'
    return [*namespace_options(), "--propagation", "private", "sh", "-c", script, "sh", *command]
