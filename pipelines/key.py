"""The key that author names are hashed under: same key, same pseudonyms; it never leaves the machine."""

import hashlib
import os
import secrets
from pathlib import Path

_MIN_BYTES = 16


def default_path() -> Path:
    """Where this user's key is kept."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "oa-gather" / "key"


def load_key(path: Path | None) -> bytes:
    """Read the key of `path`; without one, this user's own, made at its first use.

    Raises:
        ValueError: the file is missing, or holds fewer than 16 bytes.
    """
    own = default_path()
    if path is None and not own.exists():
        own.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(own, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_hex(32) + "\n")
    source = path or own
    if not source.is_file():
        raise ValueError(
            f"{source}: no such key file; expected a file of at least {_MIN_BYTES} random bytes (try: openssl rand -hex 32 > {source})"
        )
    key = source.read_bytes().strip()
    if len(key) < _MIN_BYTES:
        raise ValueError(f"{source}: a key of {len(key)} bytes; expected at least {_MIN_BYTES} (try: openssl rand -hex 32 > {source})")
    return key


def fingerprint(key: bytes) -> str:
    """What tells keys apart without giving one away."""
    return hashlib.sha256(b"fingerprint" + key).hexdigest()
