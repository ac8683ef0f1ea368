"""An archive that was changed or deleted before it is verified clears nothing, and the job ends."""

import pytest

from tests.fakes.deployment import Deployment
from tests.functional.faults import oracle
from tests.functional.faults.operations import at_step


def objects(deployment: Deployment) -> dict[str, tuple[str, str]]:
    """The archive's objects by what they are: their keys and versions."""
    return {key.rpartition("/")[2]: (key, version) for key, version in deployment.archive.versions}


def damage(deployment: Deployment, how: str, place: tuple[str, str]) -> None:
    """Of the very version that the manifest names: who can do that could do anything."""
    data = deployment.archive.versions[place]
    middle = len(data) // 2
    match how:
        case "a bit flipped":
            changed = data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
        case "cut short":
            changed = data[:-1]
        case "emptied":
            changed = b""
        case "something added":
            changed = data + data
        case _:
            del deployment.archive.versions[place]
            deployment.archive.objects.pop(place[0], None)
            return
    deployment.archive.versions[place] = changed
    deployment.archive.objects[place[0]] = changed


@pytest.mark.parametrize(
    "how", ["a bit flipped", "cut short", "emptied", "something added", "deleted"]
)
def test_a_damaged_archive_clears_nothing(deployment: Deployment, how: str):
    """I2: every object of it, one after the other."""
    at_step("verify")(deployment)
    state, accepted = deployment.state(), oracle.live(oracle.account(deployment))
    # The list of parts is the map's own: not one of what the manifest proves.
    names = [name for name in objects(deployment) if not name.startswith("manifest-parts")]
    assert len(names) >= 4, names
    for name in names:
        deployment.go_back(state)
        damage(deployment, how, objects(deployment)[name])
        deployment.settle()
        found = oracle.check(deployment, accepted)
        (job,) = oracle.jobs_of(deployment)
        assert (job.status, found.cleared) == ("failed", []), (name, how)
        assert job.error
        assert "nothing was cleared" in job.error.error
