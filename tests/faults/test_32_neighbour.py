"""32: another machine on the network. By default it sees nothing of a graph that runs, and commands nothing.

That a machine is heard where it is named, with two plain nodes: `tests/network/test_neighbour.py`.
"""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.network.link import ADDRESSES
from tests.network.machines import POLICY, ROBOT

from .cell import DOMAIN, EVERYTHING, NO_NETWORK, Cell
from .figures import Figures

pytestmark = [
    pytest.mark.system,
    pytest.mark.slow,
    pytest.mark.thorough,
    pytest.mark.skipif(bool(NO_NETWORK), reason=NO_NETWORK or "they are permitted"),
]
_PORTS = range(7400 + 250 * DOMAIN + 10, 7400 + 250 * DOMAIN + 60)  # where participants of the domain listen
_LOCATOR = "<locator><udpv4><address>{address}</address><port>{port}</port></udpv4></locator>"
_PROFILE = """<?xml version="1.0" encoding="UTF-8"?>
<dds xmlns="http://www.eprosima.com"><profiles>
  <participant profile_name="foreigner" is_default_profile="true"><rtps><builtin>
    <initialPeersList>{peers}</initialPeersList>
  </builtin></rtps></participant>
</profiles></dds>
"""


def _foreigner(cell: Cell, folder: Path, robot: str) -> dict[str, Any]:
    """What somebody finds who names the robot's machine and lists all ports that it may listen at."""
    profile = folder / "foreigner.xml"
    profile.write_text(
        _PROFILE.format(
            peers="".join(_LOCATOR.format(address=ADDRESSES[ROBOT], port=port) for port in _PORTS)
        )
    )
    environment = {
        "ROS_DOMAIN_ID": str(DOMAIN), "ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET", "ROS_STATIC_PEERS": ADDRESSES[ROBOT],
        "FASTDDS_DEFAULT_PROFILES_FILE": str(profile),
    }  # fmt: skip
    log = folder / "foreigner.txt"
    process = cell.machines.start(
        POLICY, [sys.executable, "-m", "tests.faults.foreigner", robot], environment, log
    )
    assert process.wait(120) == 0, log.read_text()
    return dict(json.loads(log.read_text().splitlines()[-1]))


def test_a_graph_is_neither_seen_nor_heard_nor_stopped_nor_armed_nor_commanded_from_another_machine(
    tmp_path: Path, no_standing: None, figures: Figures
) -> None:
    with Cell(tmp_path, "franka", EVERYTHING, named=False) as cell:
        cell.do("move")
        cell.do("notice")
        found = _foreigner(cell, tmp_path, "franka")
        assert found == {"seen": [], "heard": 0, "answered": []}
        assert cell.do("undisturbed") == {"bad": [], "armed": True, "over": False}
    figures.add(32, "a foreign machine, by default", "franka", note="sees, hears and is answered nothing")


def test_a_machine_that_is_named_sees_and_can_stop(
    tmp_path: Path, no_standing: None, figures: Figures
) -> None:
    """That the attempts of the test above are no empty ones."""
    with Cell(tmp_path, "franka", EVERYTHING) as cell:
        cell.do("move")
        cell.do("notice")
        found = _foreigner(cell, tmp_path, "franka")
        assert (
            "controller" in found["seen"] and found["heard"] and "segue/emergency_stop" in found["answered"]
        )
        told = cell.do(
            "stopped"
        )  # at an unknown moment: its /clock is heard, too, so that no stamp tells when
        assert told["bad"] == [] and told["rule"] in ("safety", "fault") and told["code"]
    figures.add(32, "a machine that is named", "franka", code=told["code"], note="sees and can stop")
