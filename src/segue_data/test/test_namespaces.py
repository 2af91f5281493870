"""A bag of a robot under a namespace is read by the names that every tool knows; of two robots, by whose it is."""

from pathlib import Path

import pytest

from segue_core.errors import DataError
from segue_data.bags.episode_writer import EpisodeWriter
from segue_data.bags.manifest import Manifest, load
from segue_data.bags.namespaces import in_namespace, namespace_of, plain_names
from segue_data.bags.reader import read, topics_of
from segue_data.bags.repair import repair
from segue_data.bags.topic import Topic
from segue_data.testing import text_message

COMMAND, STATE, TF = "/segue/command", "/segue/state", "/tf"
TEXT = Topic("std_msgs/msg/String")


def _bag(folder: Path, names: dict[str, str], namespace: str | None = None) -> Path:
    """A bag with one text per topic; `names` are those in the bag, by those here."""
    writer = EpisodeWriter(folder, dict.fromkeys(names, TEXT), names=names, wait=True)
    for number, topic in enumerate(names):
        writer.write(topic, number + 1, text_message(number))
    return writer.finish(Manifest(task="t", robot="r", namespace=namespace))


@pytest.mark.parametrize("namespace", ["", "/left", "/cell/left", "/segue"])
def test_a_topic_is_found_by_its_plain_name_whatever_the_namespace(tmp_path: Path, namespace: str) -> None:
    names = {topic: in_namespace(topic, namespace) for topic in (COMMAND, STATE, "/joint_states", TF)}
    for told in (namespace, None):
        bag = _bag(tmp_path / f"bag_{told is None}", names, told)
        assert set(topics_of(bag)) == set(names)
        assert [record.topic for record in read(bag)] == list(names)
        assert [record.topic for record in read(bag, frozenset({STATE}))] == [STATE]
        assert load(bag).counts == dict.fromkeys(names, 1)
        assert load(bag).message_counts == dict.fromkeys(names.values(), 1)


def test_two_robots_in_one_bag_are_never_mixed(tmp_path: Path) -> None:
    names = {name: name for name in ("/left/segue/command", "/right/segue/command", "/left/joint_states", TF)}
    with pytest.raises(DataError, match="/left, /right"):
        list(read(_bag(tmp_path / "unknown", names)))
    found = [record.topic for record in read(_bag(tmp_path / "left", names, "/left"))]
    assert found == [COMMAND, "/right/segue/command", "/joint_states", TF]


def test_a_robot_without_a_namespace_beside_one_with_keeps_its_own_commands() -> None:
    topics = ["/segue/command", "/left/segue/command", "/left/joint_states"]
    assert set(plain_names(topics, "").values()) == set(topics)
    assert plain_names(topics, "/left") == {
        "/left/segue/command": COMMAND,
        "/left/joint_states": "/joint_states",
    }


def test_topics_of_drivers_are_no_namespace() -> None:
    assert namespace_of(["/joint_state_broadcaster/joint_states", "/camera/image_raw"], "bag") == ""


def test_a_repaired_bag_keeps_its_namespace(tmp_path: Path) -> None:
    names = {topic: in_namespace(topic, "/left") for topic in (COMMAND, STATE)}
    bag = _bag(tmp_path / "bag", names, "/left")
    (bag / "metadata.yaml").unlink()
    repair(bag)
    assert [record.topic for record in read(bag)] == [COMMAND, STATE]
    assert load(bag).counts == {COMMAND: 1, STATE: 1}
