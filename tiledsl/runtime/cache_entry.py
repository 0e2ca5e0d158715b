"""One cache entry as bytes: written by ``encode``, believed only through ``decode``.

    magic 8 | version 4 | key 32 | metadata length 4 | payload length 8 | digest 32
    metadata (JSON) | payload

The digest covers everything but itself.  Checksums find rot and torn writes; against
other users stand the permissions of the directory.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from typing import Final

MAGIC: Final = b"TILEDSL\n"
VERSION: Final = 1
LARGEST_PAYLOAD: Final = 1 << 28
LARGEST_METADATA: Final = 1 << 16
_HEADER: Final = struct.Struct("<8sI32sIQ")
_DIGEST_BYTES: Final = 32
OVERHEAD: Final = _HEADER.size + _DIGEST_BYTES


class Damaged(Exception):
    """The bytes are not an intact entry of this key; the text says why."""


def digest_of(key: str) -> bytes:
    """The fixed-size form of a key."""
    return hashlib.sha256(f"tiledsl cache {VERSION}\n{key}".encode()).digest()


def encode(key: bytes, metadata: Mapping[str, str | int], payload: bytes) -> bytes:
    """The bytes of an entry.  Raises ValueError for one that is too large to read."""
    text = json.dumps(dict(metadata), sort_keys=True).encode()
    if len(payload) > LARGEST_PAYLOAD or len(text) > LARGEST_METADATA:
        raise ValueError("the entry is too large")
    header = _HEADER.pack(MAGIC, VERSION, key, len(text), len(payload))
    return b"".join((header, _digest(header, text, payload), text, payload))


def decode(key: bytes, data: bytes) -> tuple[Mapping[str, object], bytes]:
    """Metadata and payload of an entry.  Raises Damaged."""
    if len(data) < OVERHEAD:
        raise Damaged("it is too short")
    header, found = data[: _HEADER.size], data[_HEADER.size : OVERHEAD]
    magic, version, stored_key, text_length, payload_length = _HEADER.unpack(header)
    if magic != MAGIC or version != VERSION:
        raise Damaged("it has another format")
    if stored_key != key:
        raise Damaged("it belongs to another key")
    if text_length > LARGEST_METADATA or payload_length > LARGEST_PAYLOAD:
        raise Damaged("its lengths are out of range")
    if len(data) != OVERHEAD + text_length + payload_length:
        raise Damaged("its length is wrong")
    text = data[OVERHEAD : OVERHEAD + text_length]
    payload = data[OVERHEAD + text_length :]
    if _digest(header, text, payload) != found:
        raise Damaged("its checksum is wrong")
    try:
        metadata = json.loads(text)
    except ValueError:
        raise Damaged("its metadata is not JSON") from None
    if not isinstance(metadata, dict):
        raise Damaged("its metadata is no mapping")
    return metadata, payload


def _digest(header: bytes, text: bytes, payload: bytes) -> bytes:
    digest = hashlib.sha256(header)
    digest.update(text)
    digest.update(payload)
    return digest.digest()
