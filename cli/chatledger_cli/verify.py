"""``chatledger verify``: whether a folder holds an archive, all of it and nothing else.

It asks nobody: the manifest lists every entry, its root hash covers every byte, and its signature
says who wrote it (docs/design.md, "The manifest").
"""

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from chatledger_cli import manifest, signature
from chatledger_cli.answers import Counts
from chatledger_cli.checking import Checker
from chatledger_cli.errors import CommandError, WrongUsage
from chatledger_cli.figures import counted
from chatledger_cli.following import ByteBar
from chatledger_cli.manifest import Header
from chatledger_cli.screen import Screen
from chatledger_cli.signature import Signed, check_signature, read_public_key
from chatledger_cli.summary import amount

_PIECE = 1024 * 1024


def verify(screen: Screen, folder: Path, public_key: Path | None = None) -> None:
    """Raises ``CommandError`` once everything that is wrong, missing or extra was named."""
    pinned = read_public_key(public_key) if public_key else None
    if not folder.is_dir():
        raise WrongUsage(f"{folder} is no folder. Give the one that an export was written to.")
    _Verify(screen, folder, pinned).run()


@dataclass
class _Verify:
    screen: Screen
    folder: Path
    pinned: bytes | None
    wrong: int = 0

    def run(self) -> None:
        header = self._header()
        if header is None:
            raise self._failed()
        names = _file_names(header)
        self._check_names(names)
        signed = self._check_signature(header)
        checker = self._check_archive(header, names)
        if self.wrong:
            raise self._failed()
        self._summary(header, signed, checker)

    def report(self, what: str) -> None:
        self.wrong += 1
        self.screen.error(what)

    def _failed(self) -> CommandError:
        return CommandError(
            f"{self.folder} is not proven: "
            f"{counted(self.wrong, 'complaint')}. Clear nothing because "
            "of it; get the files again, or export again."
        )

    def _header(self) -> Header | None:
        path = self.folder / manifest.NAME
        if not _is_file(path):
            self.report(f"{manifest.NAME}: missing; only what --format archive wrote can be proven")
            return None
        try:
            return manifest.read_header(path)
        except CommandError as error:
            self.report(error.message)
            return None

    def _check_names(self, names: Sequence[str]) -> None:
        expected = {manifest.NAME, signature.NAME, *names}
        for path in sorted(self.folder.iterdir()):
            if path.name not in expected or not _is_file(path):
                self.report(f"{path.name}: extra, it is not of this archive")
        for name in sorted(expected - {manifest.NAME}):
            if not _is_file(self.folder / name):
                self.report(f"{name}: missing")

    def _check_signature(self, header: Header) -> Signed | None:
        path = self.folder / signature.NAME
        if not _is_file(path):
            return None
        signed = check_signature(path, header.root_hash, self.pinned)
        if signed.wrong:
            self.report(f"{signature.NAME}: {signed.wrong}")
        return signed

    def _check_archive(self, header: Header, names: Sequence[str]) -> Checker:
        paths = [path for name in names if _is_file(path := self.folder / name)]
        total, began = sum(path.stat().st_size for path in paths), time.monotonic()
        checker = Checker(self.folder / manifest.NAME, header, self.report)
        self._check_lengths(header)
        with self.screen.meter("Checking") as meter:
            bar = ByteBar(meter, "Checking", total, time.monotonic)
            checker.advance = bar.advance
            if paths or not names:
                whole = _Digest()
                checker.check(whole.through(_read(paths)))
                self._check_whole(header, whole, paths)
        if not self.wrong:
            took = time.monotonic() - began
            entries = counted(checker.entries, "entry", "entries")
            held = f"{counted(checker.messages, 'message')} in {entries}"
            self.screen.done(f"Intact: {held}, every byte as listed", took)
        return checker

    def _check_lengths(self, header: Header) -> None:
        """The manifest ends with the last part's lines, and its sums are its parts'."""
        end = 0
        for part in header.parts:
            if part.entries_offset != end:
                self.report(f"{manifest.NAME}: the lines of part {part.number} stand elsewhere")
            end += part.entries_bytes
        length = (self.folder / manifest.NAME).stat().st_size - header.length
        if length != end:
            what = "missing" if length < end else "extra"
            self.report(f"{manifest.NAME}: {abs(length - end):,} bytes at its end are {what}")
        for name in ("conversations", "messages", "bytes"):
            if sum(getattr(part, name) for part in header.parts) != getattr(header, name):
                self.report(f"{manifest.NAME}: its parts' {name} do not add up")
        if [part.number for part in header.parts] != list(range(1, len(header.parts) + 1)):
            self.report(f"{manifest.NAME}: a part is missing or listed twice")

    def _check_whole(self, header: Header, whole: "_Digest", paths: Sequence[Path]) -> None:
        if header.file and (whole.size, whole.sha256) != header.file[1:]:
            name = paths[0].name if paths else header.file[0]
            self.report(f"{name}: wrong, its bytes are not those that the manifest names")

    def _summary(self, header: Header, signed: Signed | None, checker: Checker) -> None:
        whose = signed.key_id if signed and signed.key_id else "nobody"
        held = Counts(checker.conversations, checker.messages, header.bytes)
        facts = [
            ("Contains", amount(held)),
            ("Folder", str(self.folder)),
            ("Root hash", header.root_hash),
            ("Signed by", whose),
        ]
        self.screen.rule("Verified")
        self.screen.facts(facts)
        if self.pinned is None:
            self.screen.note(
                "Whose key that is was not checked, it came with the archive. Get it once from "
                "GET /signing-key, keep it, and give it as --public-key FILE."
            )


@dataclass
class _Digest:
    """Of all that goes through."""

    size: int = 0
    sha256: str = hashlib.sha256().hexdigest()

    def through(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        digest = hashlib.sha256()
        for piece in pieces:
            digest.update(piece)
            self.size += len(piece)
            self.sha256 = digest.hexdigest()
            yield piece


def _file_names(header: Header) -> list[str]:
    """Of the archive: one file, or its parts where people asked for another format."""
    if header.file:
        return [header.file[0]]
    return [part.file_name for part in header.parts]


def _read(paths: Sequence[Path]) -> Iterator[bytes]:
    for path in paths:
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece


def _is_file(path: Path) -> bool:
    """A file of its own: a link could lead anywhere."""
    return path.is_file() and not path.is_symlink()
