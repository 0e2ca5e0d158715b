"""A directory of cache entries that survives crashes, races and other users.

An entry is one file, written under another name and renamed, so that a reader sees all
of it or nothing.  Whatever goes wrong is a miss and at most one warning of its kind;
no exception reaches a caller of ``load`` or ``save``.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
import time
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tiledsl.diagnostics import TileWarning
from tiledsl.runtime.cache_entry import (
    LARGEST_METADATA,
    LARGEST_PAYLOAD,
    OVERHEAD,
    Damaged,
    decode,
    digest_of,
    encode,
)

_ENTRY: Final = re.compile(r"[0-9a-f]{64}\.entry")
_TEMPORARY: Final = re.compile(r"[0-9a-f]{64}\.[0-9a-f]{16}\.tmp")
_LARGEST_FILE: Final = OVERHEAD + LARGEST_METADATA + LARGEST_PAYLOAD
# a writer that has not finished after this many seconds is dead
_ABANDONED: Final = 3600.0
# os.open adds these where the system has them: no symbolic links, no inheritance
_SAFELY: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


class Refused(Exception):
    """A directory or file that must not be used; the text says why."""


@dataclass(frozen=True, slots=True)
class EntryFile:
    """An entry as listed: its path, size in bytes, and last use."""

    path: Path
    size: int
    used: float


class DiskCache:
    """Compiled code by key, in files below one directory, up to a total size."""

    def __init__(self, directory: Path, limit: int) -> None:
        self.directory = directory
        self.limit = limit
        self._warned: set[str] = set()

    # ------------------------------------------------------- backend.ObjectCache

    def load(self, key: str) -> bytes | None:
        """The payload saved under ``key``, or None."""
        digest = digest_of(key)
        path = self._path(digest)
        try:
            _require_own_directory(self.directory)
            data = _read(path)
            _, payload = decode(digest, data)
        except FileNotFoundError:
            return None
        except Damaged as damage:
            with suppress(OSError):
                path.unlink()
            self._warn("W4002", f"dropped a damaged cache entry, {path.name}: {damage}")
            return None
        except (OSError, Refused) as error:
            self._warn("W4001", f"cannot read the cache in {self.directory}: {error}")
            return None
        with suppress(OSError):
            os.utime(path)  # the least recently used entries are dropped first
        return payload

    def save(self, key: str, payload: bytes) -> None:
        """Keeps ``payload``; if that is impossible, warns once and goes on."""
        digest = digest_of(key)
        try:
            data = encode(digest, {"created": int(time.time())}, payload)
            if len(data) > self.limit:
                return
            self._make_directory()
            self._write(digest, data)
            self._evict()
        except (OSError, Refused, ValueError) as error:
            self._warn("W4001", f"cannot write the cache in {self.directory}: {error}")

    # ----------------------------------------------------------- administration

    def entries(self) -> list[EntryFile]:
        """All entries, the least recently used first."""
        return sorted(self._listed(_ENTRY), key=lambda entry: (entry.used, entry.path))

    def verify(self) -> tuple[int, list[Path]]:
        """How many entries are intact, and the damaged ones, which it removes."""
        intact, damaged = 0, []
        for entry in self.entries():
            try:
                decode(bytes.fromhex(entry.path.stem), _read(entry.path))
            except FileNotFoundError:
                continue  # evicted meanwhile
            except (Damaged, Refused):
                damaged.append(entry.path)
                entry.path.unlink(missing_ok=True)
            else:
                intact += 1
        return intact, damaged

    def clear(self) -> int:
        """Removes every entry and unfinished file; returns how many.  Raises OSError."""
        files = [*self._listed(_ENTRY), *self._listed(_TEMPORARY)]
        for entry in files:
            entry.path.unlink(missing_ok=True)
        return len(files)

    # ----------------------------------------------------------------- the files

    def _path(self, digest: bytes) -> Path:
        return self.directory / f"{digest.hex()}.entry"

    def _make_directory(self) -> None:
        if not self.directory.exists():
            self.directory.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileExistsError):
                self.directory.mkdir(mode=0o700)
        _require_own_directory(self.directory)

    def _write(self, digest: bytes, data: bytes) -> None:
        path = self._path(digest)
        temporary = path.with_suffix(f".{secrets.token_hex(8)}.tmp")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFELY
        handle = os.open(temporary, flags, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise

    def _evict(self) -> None:
        """Drops the least recently used entries over the limit, and dead writers' files."""
        for abandoned in self._listed(_TEMPORARY):
            if time.time() - abandoned.used > _ABANDONED:
                abandoned.path.unlink(missing_ok=True)
        entries = self.entries()
        total = sum(entry.size for entry in entries)
        for entry in entries:
            if total <= self.limit:
                break
            entry.path.unlink(missing_ok=True)
            total -= entry.size

    def _listed(self, pattern: re.Pattern[str]) -> Iterator[EntryFile]:
        try:
            names = [
                name for name in os.listdir(self.directory) if pattern.fullmatch(name)
            ]
        except FileNotFoundError:
            return
        for name in names:
            path = self.directory / name
            with suppress(FileNotFoundError):
                facts = path.lstat()
                yield EntryFile(path, facts.st_size, facts.st_mtime)

    def _warn(self, code: str, text: str) -> None:
        if code not in self._warned:
            self._warned.add(code)
            warnings.warn(TileWarning(f"{code} {text}"), stacklevel=3)


def _read(path: Path) -> bytes:
    handle = os.open(path, os.O_RDONLY | _SAFELY)
    with os.fdopen(handle, "rb") as file:
        facts = os.fstat(file.fileno())
        _require_owner(path, facts)
        if not stat.S_ISREG(facts.st_mode):
            raise Refused(f"{path.name} is no regular file")
        if facts.st_size > _LARGEST_FILE:
            raise Damaged("it is too large")
        return file.read(_LARGEST_FILE + 1)


def _require_own_directory(path: Path) -> None:
    facts = path.stat()
    if not stat.S_ISDIR(facts.st_mode):
        raise Refused("it is no directory")
    _require_owner(path, facts)


def _require_owner(path: Path, facts: os.stat_result) -> None:
    """Compiled code is code: nobody else may have written it."""
    if not hasattr(os, "geteuid"):
        return
    if facts.st_uid != os.geteuid():
        raise Refused(f"{path.name} belongs to another user")
    if facts.st_mode & 0o022:
        raise Refused(f"{path.name} may be written by other users")
