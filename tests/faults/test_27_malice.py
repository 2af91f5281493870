"""27: a malicious checkpoint, a path that leaves its folder, an oversized message, given to nodes that run.

Every way to spoil a checkpoint is tried in `src/segue_policies/test/test_checkpoint.py`; what a command refuses before
it starts anything in `tests/system/test_bad_input.py`; messages that only claim to be large in row 30.
"""

import pickle
import resource
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from own_domain import own_domain
from sensor_msgs.msg import Image

from segue_bringup.supervision.commands import executable_path
from segue_core.errors import ErrorCode
from segue_interfaces.msg import Observation
from segue_interfaces.srv import StartRecording, StopRecording
from segue_ros import qos

from .figures import Figures
from .live import Live
from .measured import ROOT, measured
from .rogue import Rogue

pytestmark = [pytest.mark.system, pytest.mark.slow]

SHIPPED = ROOT / "config" / "checkpoints" / "act_push_button"
_MOST_MB = 1500  # of a policy node that refuses its weights; torch alone takes 500
_MESSAGE_MB, _GROWTH_MB = 48, 400
_SAY_S = 5.0


class Bomb:
    """Makes a file where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.mark,))


WEIGHTS: dict[str, Callable[[Path], bytes]] = {
    "a pickle": lambda mark: pickle.dumps(Bomb(mark)),
    "a header of 2^62 bytes": lambda _: (2**62).to_bytes(8, "little") + b"{}",
}


@pytest.mark.parametrize(
    "weights",
    [pytest.param(name, marks=() if name == "a pickle" else pytest.mark.thorough) for name in WEIGHTS],
)
def test_a_policy_node_neither_executes_nor_allocates_what_its_weights_say(
    weights: str, tmp_path: Path, figures: Figures
) -> None:
    checkpoint, mark = tmp_path / "checkpoint", tmp_path / "executed"
    shutil.copytree(SHIPPED, checkpoint)
    (checkpoint / "weights.safetensors").write_bytes(WEIGHTS[weights](mark))
    parameters = {
        "robot_file": ROOT / "config" / "robots" / "franka.yaml",
        "method": "act",
        "checkpoint": checkpoint,
    }
    words = [word for name, value in parameters.items() for word in ("-p", f"{name}:={value}")]
    command = [str(executable_path("segue_policies", "policy")), "--ros-args", *words]
    node = measured(command, {"ROS_DOMAIN_ID": str(own_domain())})
    assert node.status == 10 + ErrorCode.CHECKPOINT_CORRUPT // 100, node.said
    assert "weights.safetensors" in node.said and not mark.exists()
    assert node.peak_mb < _MOST_MB
    figures.add(
        27,
        f"weights are {weights}",
        code=int(ErrorCode.CHECKPOINT_CORRUPT),
        note=f"at most {node.peak_mb} MB",
    )


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory, no_standing: None) -> Iterator[Live]:
    """One graph with a recorder."""
    with Live(tmp_path_factory.mktemp("malice"), "franka", record=True) as live:
        yield live


@pytest.mark.thorough
@pytest.mark.parametrize(
    "name", ["..", "../out", "../../out", "/tmp/segue-out", "a/../../out", "out\n", ".out", "~", "a\0/../out"]
)
def test_a_recording_never_leaves_its_folder(name: str, graph: Live, figures: Figures) -> None:
    bags = graph.folder / "bags"
    before = {
        path
        for path in graph.folder.parent.rglob("*")
        if bags not in path.parents and "logs" not in path.parts
    }
    with Rogue(graph.domain) as rogue:
        answer = rogue.ask(
            StartRecording, "segue/record/start", StartRecording.Request(episode=name, task="t")
        )
        if answer.success:
            assert Path(answer.path).parent == bags, answer.path
            rogue.ask(StopRecording, "segue/record/stop", StopRecording.Request(discard=True))
        else:
            assert answer.error_code == ErrorCode.DATA_PATH_REFUSED and repr(name)[1:-1] in answer.error_text
    after = {
        path
        for path in graph.folder.parent.rglob("*")
        if bags not in path.parents and "logs" not in path.parts
    }
    assert after == before and not Path("/tmp/segue-out").exists()
    figures.add(27, "recording outside its folder", note=f"{name!r}: {answer.error_code or 'inside it'}")


def _memory_mb(live: Live) -> dict[str, int]:
    pages = {
        name: Path(f"/proc/{pid}/statm").read_text().split()[1] for name, pid in live.supervisor.pids.items()
    }
    return {name: int(count) * resource.getpagesize() // 2**20 for name, count in pages.items()}


@pytest.mark.thorough
def test_messages_of_many_megabytes_are_dropped_and_the_next_run_is_like_any(
    graph: Live, figures: Figures
) -> None:
    graph.move()
    before = _memory_mb(graph)
    picture = Image(width=4096, height=4096, step=3 * 4096, encoding="rgb8", data=bytes(_MESSAGE_MB * 2**20))
    heavy = Observation(tick=1, cameras=["front"], images=[picture])
    with Rogue(graph.domain) as rogue:
        for topic, profile, message in (
            ("front_camera/image_raw", qos.SENSOR_SOURCE, picture), ("segue/observation", qos.OBSERVATION, heavy)
        ):  # fmt: skip
            assert rogue.say(topic, profile, lambda sent=message: sent, lambda: False, _SAY_S)
    graph.rest() if graph.task.over else graph.end()
    grown = {name: now - before[name] for name, now in _memory_mb(graph).items()}
    assert max(grown.values()) < _GROWTH_MB, grown
    assert graph.witness.bad_commands() == [] and graph.stands
    graph.works_again()
    figures.add(
        27, f"messages of {_MESSAGE_MB} MB", "franka", note=f"grown by at most {max(grown.values())} MB"
    )
