"""Two robots in one ROS domain, each in a namespace of its own: they share nothing but the network."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from own_domain import own_domain
from rosbags.rosbag2 import Reader

from segue_core.exit_status import ExitStatus
from segue_data.bags.manifest import load
from segue_data.bags.namespaces import GLOBAL
from segue_data.bags.reader import read, topics_of
from segue_data.bags.recorded import executed_commands
from segue_data.checks.bag import check_bag
from segue_data.contracts import load_robot
from segue_data.datasets.bags_to_dataset import convert
from segue_data.datasets.info import describe
from segue_data.datasets.writer import ConversionOptions
from segue_eval.compare.recorded import read_recorded
from segue_eval.report.frames import camera_topics

from .conftest import Done, run_unhurried

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(900)]

SEEDS = {"left": 3, "right": 4}
TASK = ("robot:=franka", "task:=reach_target", "policy:=hold", "time_limit_s:=4")


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Done]:
    """An episode of each robot at the same time, by namespace."""
    domain = str(own_domain())

    def one(side: str) -> Done:
        words = (*TASK, f"namespace:={side}", "--seed", str(SEEDS[side]))
        return run_unhurried(tmp_path_factory.mktemp(side), *words, domain=domain, speeds=(0.2, 0.1))

    with ThreadPoolExecutor(len(SEEDS)) as both:
        return dict(zip(SEEDS, both.map(one, SEEDS), strict=True))


@pytest.fixture(params=SEEDS)
def bag(request: pytest.FixtureRequest, done: dict[str, Done]) -> tuple[str, Path]:
    """One of the robots and its recording."""
    return request.param, Path(done[request.param].told["bag"])


def test_both_do_their_episode_at_the_same_time(done: dict[str, Done]) -> None:
    for side in SEEDS:
        assert done[side].status == ExitStatus.TASK_FAILED, done[side].output
        assert done[side].told["rule"] == "time_limit"


def test_everything_in_a_bag_is_in_the_robots_own_namespace(bag: tuple[str, Path]) -> None:
    side, folder = bag
    with Reader(folder) as reader:
        foreign = {c.topic for c in reader.connections if not c.topic.startswith(f"/{side}/")}
    assert foreign <= GLOBAL
    assert load(folder).namespace == f"/{side}"


def test_commands_and_observations_of_two_robots_do_not_mix(bag: tuple[str, Path]) -> None:
    side, folder = bag
    wanted = frozenset({"/segue/command", "/segue/task_state", "/joint_states", "/segue/safety"})
    found: dict[str, list[object]] = {name: [] for name in wanted}
    for record in read(folder, wanted):
        found[record.topic].append(record.message())
    assert len({message.run_id for message in found["/segue/command"]}) == 1
    assert {message.seed for message in found["/segue/task_state"]} == {SEEDS[side]}
    stamps = [message.header.stamp for message in found["/joint_states"]]
    assert stamps == sorted(stamps, key=lambda stamp: (stamp.sec, stamp.nanosec)), "one clock"
    last = found["/segue/safety"][-1]
    assert dict(zip(last.count_names, last.counts, strict=True)).get("foreign", 0) == 0


def test_a_namespaced_bag_is_read_like_any_other(bag: tuple[str, Path], tmp_path: Path) -> None:
    folder = bag[1]
    robot = load_robot("franka")
    assert "/segue/command" in topics_of(folder)
    findings = check_bag(folder)
    assert not [problem for problem in findings.problems if "no messages" in problem.what], findings.problems
    assert findings.facts["topics"]["/segue/command"]
    assert set(camera_topics(folder)) == set(robot.cameras)
    recorded = read_recorded(folder)
    assert len(recorded.commands()) >= len(executed_commands(folder, robot)) > 0
    options = ConversionOptions(outcomes=frozenset({load(folder).outcome}), doubtful=True)
    assert convert([folder], tmp_path / "set", robot, options=options, workers=1, bar=False) == 1
    assert describe(tmp_path / "set").space.name == robot.action_space_name
