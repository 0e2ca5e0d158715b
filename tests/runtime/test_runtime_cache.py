"""The disk cache: damage, races, dead writers, strange places (rule L111)."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from tiledsl.diagnostics import ArgumentError, TileWarning
from tiledsl.runtime import cache as places
from tiledsl.runtime.cache import (
    cache_directory,
    cache_enabled,
    disable_cache,
    enable_cache,
    open_cache,
)
from tiledsl.runtime.cache_entry import Damaged, decode, digest_of, encode
from tiledsl.runtime.disk_cache import DiskCache

PAYLOAD = bytes(range(256)) * 3
MEGABYTE = 1 << 20


@pytest.fixture
def cache(tmp_path: Path) -> DiskCache:
    return DiskCache(tmp_path / "objects", MEGABYTE)


def only_file(cache: DiskCache) -> Path:
    (entry,) = cache.entries()
    return entry.path


# ------------------------------------------------------------------- entries


def test_an_entry_comes_back_as_it_was(cache: DiskCache) -> None:
    for payload in (b"", b"\0", PAYLOAD):
        cache.save("key", payload)
        assert cache.load("key") == payload
    assert cache.load("another key") is None
    assert len(cache.entries()) == 1


def test_every_letter_of_a_key_counts() -> None:
    key = "func f(A: float32[m]) llvm 20 skylake +avx2"
    variants = {digest_of(key)}
    for place in range(len(key)):
        variants.add(
            digest_of(key[:place] + chr(ord(key[place]) ^ 1) + key[place + 1 :])
        )
        variants.add(digest_of(key[:place] + key[place + 1 :]))
    # letters that are doubled in the key give one deletion twice
    assert len(variants) > 1.9 * len(key)
    assert digest_of(key) == digest_of(str(key.encode(), "ascii"))


def test_every_flipped_bit_is_noticed() -> None:
    key = digest_of("key")
    data = encode(key, {"created": 1}, PAYLOAD[:64])
    for place in range(len(data)):
        for bit in range(8):
            flipped = bytearray(data)
            flipped[place] ^= 1 << bit
            with pytest.raises(Damaged):
                decode(key, bytes(flipped))


def test_every_truncation_and_extension_is_noticed() -> None:
    key = digest_of("key")
    data = encode(key, {"created": 1}, PAYLOAD)
    for length in range(len(data)):
        with pytest.raises(Damaged):
            decode(key, data[:length])
    with pytest.raises(Damaged):
        decode(key, data + b"\0")


def test_an_entry_of_another_key_is_not_believed() -> None:
    data = encode(digest_of("one"), {}, PAYLOAD)
    with pytest.raises(Damaged, match=r"another key"):
        decode(digest_of("two"), data)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[: len(data) // 2],
        lambda data: data[:-1] + b"\0",
        lambda data: b"PICKLE\n\0" + data[8:],
        lambda data: data[:8] + b"\x02" + data[9:],  # a newer format
        lambda data: os.urandom(len(data)),
    ],
)
def test_a_damaged_file_is_a_miss_is_removed_and_warned_of_once(
    cache: DiskCache, damage: Callable[[bytes], bytes]
) -> None:
    for key in ("a", "b"):
        cache.save(key, PAYLOAD)
    for entry in cache.entries():
        entry.path.write_bytes(damage(entry.path.read_bytes()))
    with pytest.warns(
        TileWarning, match=r"W4002 dropped a damaged cache entry"
    ) as seen:
        assert cache.load("a") is None
        assert cache.load("b") is None
    assert len(seen) == 1
    assert cache.entries() == []
    cache.save("a", PAYLOAD)
    assert cache.load("a") == PAYLOAD


def test_nothing_is_ever_unpickled() -> None:
    for module in (
        places,
        sys.modules[DiskCache.__module__],
        sys.modules[decode.__module__],
    ):
        assert module.__file__ is not None
        assert "pickle" not in Path(module.__file__).read_text()


# ------------------------------------------------------------ administration


def test_the_least_recently_used_entries_are_dropped(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path / "objects", 5000)
    for number in range(4):
        cache.save(str(number), bytes(1000))
        os.utime(cache._path(digest_of(str(number))), (number, number))
    assert cache.load("0") is not None  # now the most recently used
    cache.save("4", bytes(1000))
    kept = [key for key in "01234" if cache.load(key) is not None]
    assert kept == ["0", "2", "3", "4"]
    cache.save("large", bytes(6000))  # larger than the whole cache: not kept
    assert cache.load("large") is None
    assert len(cache.entries()) == 4


def test_verify_finds_and_removes_damage(cache: DiskCache) -> None:
    for key in "abc":
        cache.save(key, PAYLOAD)
    victim = cache._path(digest_of("b"))
    victim.write_bytes(victim.read_bytes()[:-2])
    assert cache.verify() == (2, [victim])
    assert cache.verify() == (2, [])


def test_clear_removes_only_what_the_cache_made(cache: DiskCache) -> None:
    cache.save("a", PAYLOAD)
    only_file(cache).with_suffix(f".{'0' * 16}.tmp").write_bytes(b"unfinished")
    foreign = cache.directory / "README.entry"
    foreign.write_text("mine")
    assert cache.clear() == 2
    assert os.listdir(cache.directory) == ["README.entry"]


def test_files_of_dead_writers_are_removed(cache: DiskCache) -> None:
    cache.save("a", PAYLOAD)
    old = only_file(cache).with_suffix(f".{'0' * 16}.tmp")
    new = only_file(cache).with_suffix(f".{'1' * 16}.tmp")
    for path in (old, new):
        path.write_bytes(b"unfinished")
    os.utime(old, (time.time() - 7200,) * 2)
    cache.save("b", PAYLOAD)
    assert not old.exists()
    assert new.exists()


# ------------------------------------------------------------- strange places


def test_permissions_are_private(cache: DiskCache) -> None:
    previous = os.umask(0)
    try:
        cache.save("a", PAYLOAD)
    finally:
        os.umask(previous)
    assert stat.S_IMODE(cache.directory.stat().st_mode) == 0o700
    assert stat.S_IMODE(only_file(cache).stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
def test_a_directory_that_others_may_write_is_not_used(
    cache: DiskCache, mode: int
) -> None:
    cache.save("a", PAYLOAD)
    cache.directory.chmod(mode)
    with pytest.warns(TileWarning, match=r"W4001.*written by other users") as seen:
        assert cache.load("a") is None
        cache.save("b", PAYLOAD)
        assert cache.load("b") is None
    assert len(seen) == 1
    cache.directory.chmod(0o700)
    assert cache.load("a") == PAYLOAD
    assert cache.load("b") is None


def test_a_file_that_others_may_write_is_not_used(cache: DiskCache) -> None:
    cache.save("a", PAYLOAD)
    only_file(cache).chmod(0o666)
    with pytest.warns(TileWarning, match=r"W4001"):
        assert cache.load("a") is None


def test_foreign_files_and_directories_are_not_used(
    cache: DiskCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.save("a", PAYLOAD)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.warns(TileWarning, match=r"belongs to another user"):
        assert cache.load("a") is None


def test_links_are_not_followed(cache: DiskCache, tmp_path: Path) -> None:
    cache.save("a", PAYLOAD)
    path = only_file(cache)
    elsewhere = tmp_path / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    with pytest.warns(TileWarning, match=r"W4001"):
        assert cache.load("a") is None


def test_a_directory_in_place_of_an_entry(cache: DiskCache) -> None:
    cache.save("a", PAYLOAD)
    path = only_file(cache)
    path.unlink()
    path.mkdir(0o700)
    with pytest.warns(TileWarning):
        assert cache.load("a") is None
        cache.save("a", PAYLOAD)
    assert not list(cache.directory.glob("*.tmp"))


def test_a_file_in_place_of_the_directory(tmp_path: Path) -> None:
    (tmp_path / "objects").write_text("")
    cache = DiskCache(tmp_path / "objects", MEGABYTE)
    with pytest.warns(TileWarning, match=r"W4001") as seen:
        cache.save("a", PAYLOAD)
        assert cache.load("a") is None
    assert len(seen) == 1


@pytest.mark.parametrize("name", ["write", "replace", "open", "mkdir"])
@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), PermissionError()]
)
def test_a_disk_that_cannot_be_written(
    cache: DiskCache, monkeypatch: pytest.MonkeyPatch, name: str, error: OSError
) -> None:
    def fail(*args: object, **named: object) -> object:
        raise error

    if name == "mkdir":
        monkeypatch.setattr(Path, "mkdir", fail)
    elif name == "write":
        monkeypatch.setattr(os, "fsync", fail)
    else:
        monkeypatch.setattr(os, name, fail)
    with pytest.warns(TileWarning, match=r"W4001 cannot write") as seen:
        cache.save("a", PAYLOAD)
        cache.save("b", PAYLOAD)
    monkeypatch.undo()
    assert len(seen) == 1
    assert not cache.directory.exists() or os.listdir(cache.directory) == []


def test_no_home_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TILEDSL_CACHE_DIR")
    monkeypatch.setattr(
        places.platformdirs, "user_cache_dir", lambda *a, **k: "~/.cache/tiledsl"
    )
    places._warn_homeless.cache_clear()
    assert cache_directory() is None
    with pytest.warns(TileWarning, match=r"W4003") as seen:
        assert open_cache() is None
        assert open_cache() is None
    assert len(seen) == 1


# --------------------------------------------------------------- the switches


def test_the_environment_and_the_program_turn_it_off_and_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(places._Switch, "enabled", None)
    monkeypatch.setenv("TILEDSL_CACHE_DIR", str(tmp_path / "here"))
    opened = open_cache()
    assert opened is not None
    assert opened is open_cache()
    assert opened.directory == tmp_path / "here" / "objects"
    monkeypatch.setenv("TILEDSL_DISABLE_CACHE", "1")
    assert not cache_enabled()
    assert open_cache() is None
    enable_cache()
    assert open_cache() is opened
    disable_cache()
    assert open_cache() is None
    monkeypatch.setattr(places._Switch, "enabled", None)
    monkeypatch.setenv("TILEDSL_DISABLE_CACHE", "maybe")
    with pytest.raises(ArgumentError, match=r"E4001.*TILEDSL_DISABLE_CACHE.*0 or 1"):
        open_cache()


# -------------------------------------------------------- processes and signals

WRITER = dedent(
    """
    import sys
    from pathlib import Path
    from tiledsl.runtime.disk_cache import DiskCache
    cache = DiskCache(Path(sys.argv[1]), int(sys.argv[3]))
    print("ready", flush=True)
    number = int(sys.argv[2])
    for step in range(10**9 if len(sys.argv) < 5 else int(sys.argv[4])):
        key = str((step * 7 + number) % 20)
        found = cache.load(key)
        if found is not None and found != key.encode() * 5000:
            sys.exit("wrong payload")
        cache.save(key, key.encode() * 5000)
    """
)


def start(
    cache: DiskCache, number: int, limit: int, *steps: str
) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", "-c", WRITER]
    command += [str(cache.directory), str(number), str(limit), *steps]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("limit", [MEGABYTE, 30_000])  # with and without evictions
def test_many_processes_share_a_cache(cache: DiskCache, limit: int) -> None:
    writers = [start(cache, number, limit, "60") for number in range(6)]
    for writer in writers:
        _, errors = writer.communicate(timeout=60)
        assert (writer.returncode, errors) == (0, "")
    intact, damaged = cache.verify()
    assert damaged == []
    assert intact > 0
    assert not list(cache.directory.glob("*.tmp"))


def test_killed_writers_leave_only_intact_entries(cache: DiskCache) -> None:
    for delay in (0.0, 0.003, 0.01, 0.02, 0.03, 0.05):
        writer = start(cache, 1, MEGABYTE)
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(delay)
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for number in range(20):
                key = str(number)
                assert cache.load(key) in (None, key.encode() * 5000)
    assert cache.verify()[1] == []
