"""A throw-away archive key; its folder and its agent end with the signer, at the latest at exit."""

import contextlib
import functools
import shutil
import subprocess
import tempfile
import weakref
from pathlib import Path

_USER = "Test archive <archive@example.invalid>"


def can_sign() -> bool:
    """Whether this machine has gpg."""
    return shutil.which("gpg") is not None


class Signer:
    """One new key without a passphrase.

    Raises:
        FileNotFoundError: gpg is not installed.
    """

    def __init__(self) -> None:
        # Directly under the system's temporary folder: the agent's socket path must stay under 108 bytes.
        self._home = tempfile.mkdtemp(prefix="wua-gpg-")
        self.close = weakref.finalize(self, _discard, self._home)
        self._gpg("--quick-generate-key", _USER, "ed25519", "sign", "never")
        self.public_key = self._gpg("--armor", "--export")

    def clearsign(self, text: bytes) -> bytes:
        """``text`` with an inline signature, as in an InRelease file."""
        return self._gpg("--clearsign", "--digest-algo", "SHA512", stdin=text)

    def detached(self, text: bytes) -> bytes:
        """The armoured signature of ``text``, as in a Release.gpg file."""
        return self._gpg("--armor", "--detach-sign", "--digest-algo", "SHA512", stdin=text)

    def _gpg(self, *arguments: str, stdin: bytes = b"") -> bytes:
        argv = ["gpg", "--homedir", self._home, "--batch", "--quiet", "--no-tty", "--yes"]
        argv += ["--pinentry-mode", "loopback", "--passphrase", "", *arguments]
        done = subprocess.run(argv, input=stdin, capture_output=True, timeout=60, check=False)
        if done.returncode:
            raise RuntimeError(f"gpg {arguments[0]} failed: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout


@functools.cache
def shared_signer() -> Signer:
    """The one key of this process, for tests that need a signature and not a particular key."""
    return Signer()


def _discard(home: str) -> None:
    if Path(home).is_dir():
        with contextlib.suppress(FileNotFoundError):  # a machine with gpg but without gpgconf
            subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False, timeout=60)
        shutil.rmtree(home, ignore_errors=True)
