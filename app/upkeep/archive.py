"""The file of a backup: a compressed tar that is written and read in one go, piece by piece.

    header.json                        format, revision, dialect, made-at, columns of every table
    tables/account/000001.jsonl …      rows in order of the columns, a few megabytes a piece
    manifest.json                      the header again, rows and SHA-256 of every table, the seal

The seal is the manifest's own SHA-256, sealed with ``PANEL_SECRET_KEY``: who does not have the key
cannot change a row and the hashes with it. Nothing of the tar is ever written to the disk by name.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import InvalidOperation
from typing import IO, Any

from app.core import clock, sealing
from app.core.errors import CompanionError
from app.upkeep import lines
from app.upkeep.shape import UpkeepError

FORMAT = 1
_PIECE = 4 * 1024 * 1024
# A row holds at most three texts of 16 MB; a piece holds at most one row more than its size.
_LARGEST = 256 * 1024 * 1024
_PURPOSE = "backup"
_PART = re.compile(r"tables/([a-z][a-z0-9_]*)/([0-9]{6,})\.jsonl")
_TAIL = 64 * 1024

Rows = list[list[Any]]


class Damaged(UpkeepError):
    """The file is no whole backup: cut, changed, or something else."""

    code = "backup_damaged"

    def __init__(self, why: str) -> None:
        super().__init__(f"This is no whole backup: {why}.", "Nothing was changed; use another.")


@dataclass(slots=True)
class Held:
    """What a backup holds of one table."""

    columns: list[str]
    rows: int = 0
    digest: Any = field(default_factory=hashlib.sha256, compare=False)
    pieces: int = 0


@dataclass(frozen=True, slots=True)
class Header:
    """What stands at the beginning; ``made_at`` is ISO 8601 in UTC."""

    revision: str
    dialect: str
    made_at: str
    tables: dict[str, list[str]]

    def as_json(self) -> dict[str, Any]:
        """For both ends of the file."""
        return {
            "format": FORMAT,
            "revision": self.revision,
            "dialect": self.dialect,
            "made_at": self.made_at,
            "tables": self.tables,
        }


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a whole backup holds: rows and SHA-256 by table."""

    header: Header
    rows: dict[str, int]
    hashes: dict[str, str]


class Writer:
    """Writes a backup; nothing that was added can be taken back."""

    def __init__(self, file: IO[bytes], header: Header, secret_key: str) -> None:
        self.header, self.secret_key = header, secret_key
        self.held = {name: Held(columns) for name, columns in header.tables.items()}
        self._at = clock.parse(header.made_at) // clock.SECOND
        self._packed = gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=6)
        self._tar = tarfile.open(fileobj=self._packed, mode="w", format=tarfile.PAX_FORMAT)
        self._add("header.json", _dumped(header.as_json()))

    def table(self, name: str, rows: Iterable[Sequence[Any]]) -> Iterator[int]:
        """Adds a table; yields the number of its rows so far, now and then."""
        piece: list[bytes] = []
        size = 0
        for line in _each(rows):
            piece.append(line)
            size += len(line)
            if size >= _PIECE:
                self._piece(name, piece)
                yield self.held[name].rows
                piece, size = [], 0
        if piece:
            self._piece(name, piece)
            yield self.held[name].rows

    def finish(self) -> Manifest:
        """Adds the manifest and ends the file."""
        manifest = _manifest(self.header, self.held)
        text = _dumped(_told(manifest))
        seal = sealing.seal(self.secret_key, _PURPOSE, hashlib.sha256(text).hexdigest())
        self._add("manifest.json", _dumped(_told(manifest) | {"seal": seal}))
        self._tar.close()
        self._packed.close()
        return manifest

    def abandon(self) -> None:
        """Lets go of a file that will not be whole."""
        with suppress(OSError):
            self._packed.close()

    def _piece(self, name: str, piece: list[bytes]) -> None:
        held, data = self.held[name], b"".join(piece)
        held.rows += len(piece)
        held.pieces += 1
        held.digest.update(data)
        self._add(f"tables/{name}/{held.pieces:06d}.jsonl", data)

    def _add(self, name: str, data: bytes) -> None:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode, entry.mtime = len(data), 0o600, self._at
        self._tar.addfile(entry, io.BytesIO(data))


def read(
    file: IO[bytes],
    secret_key: str | None,
    visit: Callable[[Header, str, Rows], None] = lambda _header, _table, _rows: None,
) -> Manifest:
    """Reads a backup to its end, ``visit`` being shown its rows; raises Damaged.

    Only the manifest's return says that what was visited is right. Without a key the seal is not
    looked at.
    """
    try:
        return _read(file, secret_key, visit)
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error) as exc:
        raise Damaged("it is cut, or no file of this kind") from exc


def _read(
    file: IO[bytes], secret_key: str | None, visit: Callable[[Header, str, Rows], None]
) -> Manifest:
    with gzip.GzipFile(fileobj=file, mode="rb") as packed:
        with tarfile.open(fileobj=packed, mode="r|") as tar:
            members = ((member.name, _content(tar, member)) for member in tar)
            name, data = next(members, ("", b""))
            if name != "header.json":
                raise Damaged("it does not begin with a header")
            header = _header(_loaded(data))
            held = {name: Held(columns) for name, columns in header.tables.items()}
            for name, data in members:
                if name == "manifest.json":
                    break
                table = _count(held, name, data)
                visit(header, table, _rows(data, held[table]))
            else:
                raise Damaged("its end is missing")
            if next(members, None) is not None:
                raise Damaged("something follows its end")
        # The rest is padding, and the checksum of the compressed whole.
        if len(packed.read(_TAIL)) == _TAIL:
            raise Damaged("something follows its end")
    manifest = _manifest(header, held)
    _compare(manifest, _loaded(data), secret_key)
    return manifest


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    if not member.isreg() or member.size > _LARGEST:
        raise Damaged(f"'{member.name[:80]}' does not belong into it")
    found = tar.extractfile(member)
    data = found.read() if found is not None else b""
    if len(data) != member.size:
        raise Damaged("it is cut")
    return data


def _count(held: dict[str, Held], name: str, data: bytes) -> str:
    match = _PART.fullmatch(name)
    table = match.group(1) if match else ""
    if match is None or table not in held or int(match.group(2)) != held[table].pieces + 1:
        raise Damaged(f"'{name[:80]}' does not belong into it")
    one = held[table]
    one.pieces += 1
    one.rows += data.count(b"\n")
    one.digest.update(data)
    return table


def _rows(data: bytes, held: Held) -> Rows:
    try:
        rows = lines.decode(data)
    except (ValueError, TypeError, AttributeError, InvalidOperation) as exc:
        raise Damaged("a row cannot be read") from exc
    if any(len(row) != len(held.columns) for row in rows) or not data.endswith(b"\n"):
        raise Damaged("a row is not whole")
    return rows


def _header(found: dict[str, Any]) -> Header:
    if found.get("format") != FORMAT:
        raise Damaged(f"it is of format {str(found.get('format'))[:20]}, not {FORMAT}")
    try:
        tables = {str(name): [str(c) for c in columns] for name, columns in found["tables"].items()}
        return Header(str(found["revision"]), str(found["dialect"]), str(found["made_at"]), tables)
    except (KeyError, TypeError, AttributeError) as exc:
        raise Damaged("its header cannot be read") from exc


def _manifest(header: Header, held: dict[str, Held]) -> Manifest:
    return Manifest(
        header,
        {name: one.rows for name, one in held.items()},
        {name: one.digest.hexdigest() for name, one in held.items()},
    )


def _told(manifest: Manifest) -> dict[str, Any]:
    return manifest.header.as_json() | {"rows": manifest.rows, "sha256": manifest.hashes}


def _compare(manifest: Manifest, told: dict[str, Any], secret_key: str | None) -> None:
    seal = str(told.pop("seal", ""))
    for name, digest in manifest.hashes.items():
        if told.get("sha256", {}).get(name) != digest:
            raise Damaged(f"the rows of '{name}' are not those that were written")
    if told != _told(manifest):
        raise Damaged("its two ends do not say the same")
    if secret_key is None:
        return
    try:
        kept = sealing.unseal(secret_key, _PURPOSE, seal)
    except CompanionError as exc:
        raise UpkeepError(
            "The backup was made with another PANEL_SECRET_KEY, or was changed.",
            "Start with the key of the panel it is of. With --other-key it is restored all the"
            " same; what was sealed with the former key must then be entered again.",
        ) from exc
    if kept != hashlib.sha256(_dumped(told)).hexdigest():
        raise Damaged("its end was changed")


def _dumped(value: dict[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, indent=1).encode()


def _loaded(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except ValueError as exc:
        raise Damaged("one of its ends cannot be read") from exc
    if not isinstance(found, dict):
        raise Damaged("one of its ends cannot be read")
    return found


def _each(rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    for row in rows:
        yield lines.encode((row,))[0]
