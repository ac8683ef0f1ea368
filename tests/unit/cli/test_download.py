"""Downloads: resumed, renewed, repeated, and refused where they are wrong."""

from pathlib import Path

import httpx
import pytest

from chatledger_cli.download import Downloader, Wanted
from chatledger_cli.errors import CommandError, Unreachable
from chatledger_cli.patience import Patience
from tests.unit.cli.service import STORE, Service, brings, error, sha256

DATA = bytes(range(256)) * 64


class Place:
    """A file of the store, and a folder to download it into."""

    def __init__(self, folder: Path) -> None:
        self.service = Service(stored={"file": DATA})
        self.folder = folder
        self.links = 0
        self.waits: list[float] = []
        self.progress = 0
        http = httpx.Client(transport=httpx.MockTransport(self.service))
        self.downloader = Downloader(http, folder, Patience(pause=self.waits.append))

    def fault(self, *faults: httpx.Response | Exception) -> None:
        self.service.faults["GET /file"] = list(faults)

    def link(self, fresh: bool) -> str:
        self.links += fresh
        return f"{STORE}/file?signed={self.links}"

    def advance(self, count: int) -> None:
        self.progress += count

    def fetch(self, data: bytes = DATA) -> bytes:
        wanted = Wanted("file", len(data), sha256(data), self.link)
        return self.downloader.fetch(wanted, self.advance).read_bytes()

    @property
    def ranges(self) -> list[str | None]:
        return [each.headers.get("range") for each in self.service.requests]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def cut(at: int) -> httpx.Response:
    return brings(200, DATA[:at], breaks=True)


def test_a_broken_download_goes_on_where_it_stopped(place: Place):
    rest = brings(206, DATA[100:300], "bytes 100-16383/16384", breaks=True)
    place.fault(cut(100), rest)
    assert place.fetch() == DATA
    assert place.ranges == [None, "bytes=100-", "bytes=300-"]
    assert place.progress == len(DATA)
    assert list(place.folder.iterdir()) == [place.folder / "file"]


def test_an_earlier_runs_part_is_used(place: Place):
    (place.folder / "file.part").write_bytes(DATA[:5000])
    assert place.fetch() == DATA
    assert place.ranges == ["bytes=5000-"]
    assert place.progress == len(DATA)


def test_a_server_that_knows_no_ranges_sends_it_all_again(place: Place):
    (place.folder / "file.part").write_bytes(b"x" * 5000)
    place.fault(brings(200, DATA))
    assert place.fetch() == DATA
    assert place.progress == len(DATA)


def test_a_range_other_than_asked_for_is_not_taken(place: Place):
    (place.folder / "file.part").write_bytes(DATA[:5000])
    place.fault(brings(206, DATA, "bytes 0-16383/16384"))
    assert place.fetch() == DATA


def test_a_damaged_part_is_thrown_away_and_all_of_it_comes_anew(place: Place):
    (place.folder / "file.part").write_bytes(b"x" * 5000)
    assert place.fetch() == DATA
    assert place.ranges == ["bytes=5000-", None]
    assert place.progress == len(DATA)


def test_a_part_longer_than_the_file_is_thrown_away(place: Place):
    (place.folder / "file.part").write_bytes(b"x" * (len(DATA) + 1))
    assert place.fetch() == DATA


def test_damage_never_gets_the_files_name(place: Place):
    place.service.damage = lambda data: data[:-1] + b"x"
    with pytest.raises(CommandError, match="SHA-256"):
        place.fetch()
    assert list(place.folder.iterdir()) == []
    assert len(place.ranges) == 2, "it is tried once more, and no oftener"


def test_more_than_was_announced_is_not_kept(place: Place):
    place.service.damage = lambda data: data + b"more"
    assert place.fetch() == DATA


@pytest.mark.parametrize("status", [400, 403])
def test_a_link_that_is_over_is_renewed_without_a_wait(place: Place, status: int):
    place.fault(cut(100), httpx.Response(status))
    assert place.fetch() == DATA
    assert place.links == 1
    assert place.ranges == [None, "bytes=100-", "bytes=100-"]
    assert len(place.waits) == 1, "after the break, not after the refusal"


def test_a_link_that_is_refused_for_ever_ends_it(place: Place):
    place.fault(*(httpx.Response(403) for _ in range(50)))
    with pytest.raises(Unreachable, match="403"):
        place.fetch()
    assert len(place.ranges) <= 10


def test_a_busy_server_is_asked_again_when_it_says(place: Place):
    place.fault(error(503, "storage_error"), error(429, "rate_limited", **{"Retry-After": "7"}))
    assert place.fetch() == DATA
    assert place.waits[1] == 7
    assert place.links == 0


def test_a_server_that_stays_away_ends_it_and_what_came_is_kept(place: Place):
    place.fault(cut(100), *(httpx.ConnectError("refused") for _ in range(50)))
    with pytest.raises(Unreachable, match="same command"):
        place.fetch()
    assert (place.folder / "file.part").read_bytes() == DATA[:100]


def test_as_long_as_something_comes_it_goes_on(place: Place):
    pieces = [
        brings(206, DATA[at : at + 100], f"bytes {at}-16383/16384", breaks=True)
        for at in range(100, 3000, 100)
    ]
    place.fault(cut(100), *pieces)
    assert place.fetch() == DATA
    assert len(place.ranges) == 31


def test_an_empty_file_is_there_too(place: Place):
    assert place.fetch(b"") == b""
    assert not place.ranges


def test_a_file_that_is_there_and_right_is_not_asked_for(place: Place):
    (place.folder / "file").write_bytes(DATA)
    assert place.fetch() == DATA
    assert not place.ranges


def test_somebody_elses_file_is_left_alone(place: Place):
    (place.folder / "file").write_bytes(b"mine")
    with pytest.raises(CommandError, match="not the export's"):
        place.fetch()
    assert (place.folder / "file").read_bytes() == b"mine"
