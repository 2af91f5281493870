"""Laws of the one command line, held by every command alike."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from segue_bringup import command_index
from segue_bringup.catalogue import config_root, names
from segue_bringup.environment.words import completing, index_making, mistyped_words, script_settings
from segue_bringup.environment.words import index as indices
from segue_bringup.environment.workspace import Workspace
from segue_bringup.graph import load_graph
from segue_bringup.settings import GraphOptions
from segue_bringup.verbs import VERBS
from segue_core.command_line.checking import check
from segue_core.command_line.form import Form
from segue_core.command_line.models import settings_of
from segue_core.command_line.reading import read, values
from segue_core.command_line.setting import REQUIRED, Range, Setting
from segue_core.command_line.spelling import spelled
from segue_core.command_line.typed import converted, help_text
from segue_core.command_line.verb import every
from segue_core.contracts.base import load_mapping
from segue_core.contracts.plain import null_of, plain_default
from segue_core.errors import ConfigError
from segue_core.scheduler_config import ChunkLengths, RunSettings
from segue_eval.settings import BenchTrain, SetupOptions
from segue_eval.suite.spec import CellSpec
from segue_policies.method import own_methods
from segue_policies.option_settings import option_settings
from segue_policies.training.config import TrainingConfig
from segue_scheduler.node.settings import SchedulerParameters

COMMANDS = every(VERBS)
_TEXTS = {bool: "true", int: "7", float: "0.5", str: "some", Path: "/some/where"}


def value_for(setting: Setting) -> str:
    """A text that the setting takes."""
    if setting.choices:
        return setting.choices[-1]
    if setting.name == "seeds" and setting.word.judge:
        return "0:7"
    if setting.word.names and not setting.word.commas:
        return names(setting.word.names)[0]
    if setting.range is not None:
        return str(
            next(
                v
                for v in (7, 1, 0.5, 0.05, 0.0, 50)
                if v in setting.range and (setting.kind is float or v == int(v))
            )
        )
    kind = next(kind for kind in _TEXTS if setting.kind in (kind, tuple[kind, ...]))  # type: ignore[valid-type]
    return _TEXTS[kind]


def spellings(setting: Setting, text: str) -> list[list[str]]:
    """The four ways to write it."""
    option = [setting.option, text] if setting.kind is not bool else [setting.option]
    return [option, [f"{setting.option}={text}"], [f"{setting.name}:={text}"], [f"{setting.name}={text}"]]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_setting_says_the_same_in_every_spelling(command: str) -> None:
    form = COMMANDS[command].form(())
    for setting in form.settings:
        text = value_for(setting)
        read: list[Any] = []
        for words in spellings(setting, text):
            texts = spelled(words, form.settings, command, names)
            check(texts, form.settings, names)
            read += [converted(texts, form, command), values(texts, form, command)]
        assert all(one == read[0] and list(one) == [setting.name] for one in read), (setting.name, read)


@pytest.mark.parametrize(
    "command", [*COMMANDS, "segue train act", "segue train legato", "segue train legato_tables"]
)
def test_every_setting_has_help_and_every_page_fits_its_terminal(command: str) -> None:
    whole, policy = (
        (command.rsplit(" ", 1)[0], [command.rsplit(" ", 1)[1]]) if command not in COMMANDS else (command, [])
    )
    form = COMMANDS[whole].form(policy)
    assert form.about and [setting.name for setting in form.settings if not setting.help] == []
    assert len({setting.name for setting in form.settings}) == len(form.settings)
    for width in (80, 120):
        page = help_text(form, whole, names, width).split("Every setting may")[0].splitlines()
        assert [line for line in page if len(line) > width] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_a_mistyped_setting_is_answered_with_the_nearest(command: str) -> None:
    form = COMMANDS[command].form(())
    for setting in (one for one in form.settings if len(one.name) > 4):
        wrong = setting.name[:2] + setting.name[3:]
        if wrong in {name for one in form.settings for name in one.spellings}:
            continue
        for words in ([f"--{wrong}", "1"], [f"{wrong}:=1"], [f"{wrong}=1"]):
            with pytest.raises(ConfigError, match="did you mean") as refused:
                spelled(words, form.settings, command, names)
            assert command in refused.value.text


def test_settings_are_known_without_what_the_work_needs() -> None:
    """`segue train act task=push_button data=nowhere` imported every package, and took 8 s to say an error."""
    code = (
        "import sys; from segue_bringup.command_index import index; index();"
        "print(sorted({'torch', 'mujoco', 'rclpy', 'cv2', 'pyarrow', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_a_run_an_evaluation_and_the_scheduler_have_one_set_of_chunk_settings() -> None:
    arguments, options = load_graph().arguments, {one.key: one for one in settings_of(SetupOptions)}
    parameters = {one.key: one for one in settings_of(SchedulerParameters)}
    for one in settings_of(RunSettings):
        field, argument, option = RunSettings.model_fields[one.key], arguments[one.key], options[one.key]
        assert parameters[one.key] == one
        assert argument.description == one.help and argument.choices == one.choices
        bounds = one.range or Range()
        null = null_of(field) if one.default is None else None
        assert (argument.low, argument.high) == (bounds.low if null is None else null, bounds.high)
        assert (option.choices, option.range) == (one.choices, one.range)
        if one.key != "continuation":  # the policy's own, unless another is asked for
            assert argument.default == plain_default(field)
    cell = {one.key: one for one in settings_of(CellSpec)}
    for one in settings_of(ChunkLengths):
        assert (cell[one.key].choices, cell[one.key].range, cell[one.key].help) == (
            one.choices,
            one.range,
            one.help,
        )


def test_a_graph_file_says_nothing_of_a_settings_field_but_where_its_value_comes_from() -> None:
    """Five tables of the same names had drifted: other words, other bounds, other defaults."""
    said = yaml.safe_load((config_root() / "graph" / "task.yaml").read_text())["arguments"]
    assert {name: said[name] for name in RunSettings.model_fields if name in said} == {
        "continuation": {"default": "${policy.continuation}"}
    }


def test_a_benchmark_of_training_calls_its_settings_as_training_does() -> None:
    """`bench train --batch-size 8` and `--device auto` were refused."""
    training = {one.key: one for one in settings_of(TrainingConfig)}
    shared = {one.key: one for one in settings_of(BenchTrain) if one.key in training}
    assert {"batch_size", "device", "threads"} <= set(shared)
    for key, one in shared.items():
        assert (one.kind, one.choices, one.range) == (
            training[key].kind,
            training[key].choices,
            training[key].range,
        )


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace whose index of commands was just written."""
    root, here = Path(__file__).resolve().parents[3], tmp_path_factory.mktemp("workspace")
    (here / ".venv" / "segue").mkdir(parents=True)
    for name in ("src", "config"):
        (here / name).symlink_to(root / name)
    assert command_index.main([str(here / ".venv" / "segue" / indices.FILE)]) == 0
    return Workspace(here)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("run strid=3", "unknown setting of segue run 'strid' (did you mean 'stride'?)"),
        ("run --task pik_place", "unknown task 'pik_place' (did you mean 'pick_place'?)"),
        ("run pick_place", "did you mean task:=pick_place?"),
        ("data convert a b --workers 0", "--workers; got 0; expected 1 to 1024"),
        ("data chek x", "did you mean 'check'?"),
        ("train act data=x network.widht=3", "did you mean 'network.width'?"),
        ("eval delay=x", "--delay; got 'x'; expected an integer"),
        ("eval legato-table9", "unknown suite 'legato-table9' (did you mean 'legato-table"),
        ("eval --seeds abc", "seeds; got 'abc'; expected FIRST:END"),
        ("corrections out=x seeds=9:1", "seeds; got '9:1'"),
        ("learn seeds=abc", "seeds; got 'abc'"),
        ("run policy:=progress_vla guidence:=2", "'guidence' (did you mean 'guidance'?)"),
        ("run policy:=progress_vla guidance:=-1", "--guidance; got -1; expected 0 to 1000"),
        (
            "run guidance:=2",
            "unknown setting of segue run 'guidance': it says how progress_vla answers, not this policy. What to do: "
            "add policy:=progress_vla, or the checkpoint:=FOLDER of one",
        ),
        ("run policy:=act decoding:=beam", "'decoding': it says how action_stream answers"),
        ("eval policy=action_stream decoding=beem", "unknown decoding 'beem' (did you mean 'beam'?)"),
        ("train actt", "unknown policy to train 'actt' (did you mean 'act'?)"),
        ("train actt task=drawer data=x", "unknown policy to train 'actt_drawer'"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_imported(
    words: str, said: str, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workspace.root)
    assert said in mistyped_words.refusal(workspace, words.split())


@pytest.mark.parametrize(
    "words",
    [
        "run",
        "run task:=pour --seed 3",
        "train legato_tables task=drawer data=x",
        "eval list",
        "eval table1 --seeds 0:3,7",
        "report --help",
        "no_command",
        "run policy:=progress_vla guidance:=2.0",
        "serve --policy action_stream --decoding beam",
        "eval checkpoint=/cannot/be/read guidance=2",
    ],
)
def test_what_may_be_right_is_left_to_the_command(words: str, workspace: Workspace) -> None:
    assert mistyped_words.refusal(workspace, words.split()) == ""


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("run continuation:=leg", ["continuation:=legato"]),
        ("eval --continuation rt", ["rtc"]),
        ("run termination:=stall,ti", ["termination:=stall,time_limit"]),
        ("rep", ["replay", "report"]),
        ("run task:=pus", ["task:=push_button"]),
        ("run robot=fr", ["robot=franka"]),
        ("run --policy=sc", ["--policy=scripted"]),
        ("eval --task pus", ["push_button"]),
        ("eval legato-f", ["legato-fig6"]),
        ("data co", ["convert"]),
        ("help ev", ["eval"]),
        ("help data co", ["convert"]),
        ("help eval --se", []),
        ("completion f", ["fish"]),
        ("compare --continuations le", ["legato"]),
        ("compare methods:=legato,rt", ["methods:=legato,rtc"]),
        ("eval --tasks=pick_place,pus", ["--tasks=pick_place,push_button"]),
        ("train flo", ["flow"]),
        ("train vl", ["vlash"]),
        ("run --strid", ["--stride"]),
        ("run strid", ["stride="]),
        ("train act_sm", ["act_small"]),
        ("train act network.backbone_n", ["network.backbone_norm="]),
        ("train act network.backbone_norm=g", ["network.backbone_norm=group"]),
        ("move ho", ["home"]),
        ("move as", ["aside"]),
        ("run hardware:=reh", ["hardware:=rehearsal"]),
        ("run --camera-set franka_r", ["franka_realsense_ros"]),
        ("run policy:=progress_vla gui", ["guidance="]),
        ("run policy:=legato gui", []),
        ("eval --policy action_stream --decoding b", ["beam"]),
    ],
)
def test_a_shell_completes_commands_settings_and_names(
    words: str, completed: list[str], workspace: Workspace
) -> None:
    assert [line.split("\t")[0] for line in completing.complete(workspace, words.split())] == completed


def test_names_of_the_users_own_folders_are_known_before_anything_is_imported(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`robot:=mine` was refused as unknown, though the run would have found it."""
    for kind in ("robots", "tasks"):
        (tmp_path / kind).mkdir()
        (tmp_path / kind / "mine.yaml").touch()
    monkeypatch.setenv("SEGUE_CONFIG_PATH", str(tmp_path))
    words = ["run", "robot:=mine", "task:=mine"]
    assert mistyped_words.refusal(workspace, words) == ""
    assert completing.complete(workspace, ["run", "robot=mi"]) == ["robot=mine"]
    assert "franka" in mistyped_words.refusal(workspace, ["run", "robot:=none"])
    monkeypatch.setenv("SEGUE_CONFIG_PATH", str(tmp_path / "gone"))
    assert "SEGUE_CONFIG_PATH names a folder that is not there" in mistyped_words.refusal(workspace, words)


def test_files_of_ones_own_are_completed_and_one_that_is_missing_is_refused_at_once(
    workspace: Workspace, tmp_path: Path
) -> None:
    for name in ("mine.yaml", "mine.txt", "other.yml"):
        (tmp_path / name).touch()
    (tmp_path / "mining").mkdir()
    found = completing.complete(workspace, ["run", f"robot:={tmp_path}/mi"])
    assert found == [f"robot:={tmp_path}/mine.yaml", f"robot:={tmp_path}/mining/"]
    assert completing.complete(workspace, ["eval", "--task", f"{tmp_path}/o"]) == [f"{tmp_path}/other.yml"]
    assert mistyped_words.refusal(workspace, ["run", f"robot:={tmp_path}/mine.yaml"]) == ""
    assert "no such file" in mistyped_words.refusal(workspace, ["run", f"robot:={tmp_path}/none.yaml"])


def test_recordings_and_folders_are_completed_where_a_command_takes_them(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("runs/one/bag", "runs/unrecorded", "demos"):
        (tmp_path / name).mkdir(parents=True)
    for words in (["report", "ru"], ["compare", "runs/o"], ["replay", "runs/one"]):
        assert "runs/one" in completing.complete(workspace, words)
    assert completing.complete(workspace, ["run", "checkpoint=de"]) == ["checkpoint=demos/"]
    assert "demos/" in completing.complete(workspace, ["data", "convert", "de"])


def test_a_pose_and_a_training_of_the_users_own_are_completed(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in ("robots", "training"):
        (tmp_path / kind).mkdir()
    poses = "planning:\n  poses:\n    tucked: [0.1,\n      0.2]\n    wide: [0, 1]\nname: mine\n"
    (tmp_path / "robots" / "mine.yaml").write_text(poses)
    (tmp_path / "training" / "mine.yaml").write_text("method: act\n")
    monkeypatch.setenv("SEGUE_CONFIG_PATH", str(tmp_path))
    assert completing.complete(workspace, ["move", "tu"]) == ["tucked"]
    assert completing.complete(workspace, ["move", "wi"]) == ["wide"]
    words = ["train", "mine", "network.backbone_n"]
    assert [line.split("\t")[0] for line in completing.complete(workspace, words)] == [
        "network.backbone_norm="
    ]


def test_a_training_of_the_users_own_is_left_to_the_command(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The index knows the settings of shipped trainings only."""
    monkeypatch.chdir(workspace.root)
    words = ["train", "mine", "data=d", "horizon=12"]
    assert "unknown policy to train 'mine'" in mistyped_words.refusal(workspace, words)
    (tmp_path / "training").mkdir()
    (tmp_path / "training" / "mine.yaml").write_text("method: act\n")
    monkeypatch.setenv("SEGUE_CONFIG_PATH", str(tmp_path))
    assert mistyped_words.refusal(workspace, words) == ""
    assert "mine" in completing.complete(workspace, ["train", "min"])


@pytest.mark.parametrize(
    "words", [["act"], ["--method", "act"], ["{file}"], ["--config={file}"], ["config:={file}"]]
)
def test_what_is_trained_has_its_settings_in_every_way_to_name_it(words: list[str]) -> None:
    """`train /lab/act.yaml` and `train --method act` refused every setting of the method."""
    file = config_root() / "training" / "act.yaml"
    form = COMMANDS["segue train"].form([word.format(file=file) for word in words])
    assert "network.width" in {setting.name for setting in form.settings}


def test_an_option_of_a_method_is_a_part_of_the_policy_s_options_in_every_command_that_has_them() -> None:
    takers = {command for command, verb in COMMANDS.items() if "policy_options" in _keys(verb.form(()))}
    assert takers >= {"segue run", "segue serve", "segue soak", "segue eval", "segue bench policy"}
    for command in takers:
        needed = [one for one in COMMANDS[command].form(()).settings if one.default is REQUIRED]
        words = ["policy:=progress_vla", "guidance:=2.5", *(f"{one.name}={value_for(one)}" for one in needed)]
        options = read(words, COMMANDS[command].form(words), command, names)
        said = options.launch if isinstance(options, GraphOptions) else options.model_dump()
        given = said["policy_options"]
        assert (load_mapping(given, "") if isinstance(given, str) else given) == {"guidance": 2.5}, command


def test_an_option_that_is_said_twice_must_be_the_same() -> None:
    words = ["policy:=progress_vla", "guidance:=2", "policy_options:={guidance: 3}"]
    with pytest.raises(ConfigError, match="policy_options and guidance:= say different things"):
        read(words, COMMANDS["segue run"].form(words), "segue run", names)


@pytest.mark.parametrize("command", ["segue run", "segue eval", "segue serve"])
def test_an_option_of_another_policy_is_refused_with_whose_it_is(command: str) -> None:
    """`segue run decoding:=beam` said only that there is no such setting."""
    words = ["policy:=hold", "decoding:=beam"]
    with pytest.raises(ConfigError, match="it says how action_stream answers, not this policy") as refused:
        read(words, COMMANDS[command].form(words), command, names)
    assert "add policy:=action_stream" in str(refused.value)


@pytest.mark.parametrize("command", ["segue run", "segue eval"])
def test_no_option_of_a_method_has_the_name_of_a_setting(command: str) -> None:
    """It would be out of reach by its name."""
    taken = {name for one in COMMANDS[command].form(()).settings for name in one.spellings}
    for method in own_methods().values():
        options = option_settings(method)
        assert option_settings(method, taken) == options, method.name
        assert all(one.help for one in options)


def _keys(form: Form) -> set[str]:
    return {setting.key for setting in form.settings if setting.listed}


def test_the_index_is_stale_when_what_it_was_made_from_changes(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / ".venv" / "segue").mkdir(parents=True)
    text = (workspace.state / indices.FILE).read_text()
    for changed, fresh in ((text, True), (text.replace('task.yaml": 1', 'task.yaml": 2'), False)):
        (tmp_path / ".venv" / "segue" / indices.FILE).write_text(changed)
        assert (indices.load(Workspace(tmp_path)) is not None) == fresh


def test_a_method_in_a_new_folder_makes_the_index_stale(workspace: Workspace, tmp_path: Path) -> None:
    """`policy:=foo` stayed unknown, after set-up too, until the index was removed by hand."""
    (tmp_path / ".venv" / "segue").mkdir(parents=True)
    index = json.loads((workspace.state / indices.FILE).read_text())
    package = tmp_path / "segue_policies"
    shutil.copytree(index["package"], package, ignore=shutil.ignore_patterns("__pycache__"))
    index["package"] = str(package)
    (tmp_path / ".venv" / "segue" / indices.FILE).write_text(json.dumps(index))
    foo = package / "methods" / "foo"
    foo.mkdir()
    assert indices.load(Workspace(tmp_path)) is not None
    for name in ("method.py", "__init__.py"):
        (foo / name).touch()
    assert indices.load(Workspace(tmp_path)) is None


def test_the_index_holds_shipped_methods_only_and_watches_every_file_of_a_training(
    workspace: Workspace,
) -> None:
    index = json.loads((workspace.state / indices.FILE).read_text())
    assert set(index["methods"]) == {name for name, method in own_methods().items() if method.policy}
    assert {str(file) for file in (config_root() / "training").glob("*.yaml")} <= set(index["files"])


def installed_method(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package with a method `nll`, installed into a folder of PYTHONPATH."""
    record = folder / "lab_policies-0.1.dist-info"
    record.mkdir()
    (record / "METADATA").write_text("Metadata-Version: 2.1\nName: lab-policies\nVersion: 0.1\n")
    (record / "entry_points.txt").write_text("[segue.methods]\nnll = lab_policies.method:NLL\n")
    monkeypatch.syspath_prepend(str(folder))


def test_a_shell_completes_methods_of_installed_packages(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The launcher runs completion without site-packages, and took PYTHONPATH away."""
    installed_method(tmp_path, monkeypatch)
    assert completing.complete(workspace, ["run", "policy:=nl"]) == ["policy:=nll"]
    assert completing.complete(workspace, ["train", "nl"]) == ["nll"]
    launcher = Path(__file__).resolve().parents[3] / "segue"
    done = subprocess.run(
        [launcher, "--complete", "run", "policy:=nl"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["policy:=nll"], done.stderr


def test_a_shell_completes_the_settings_of_installed_methods_and_keeps_them_until_the_package_changes(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They were those of any training: `width` of a method of another package was never completed."""
    lab, kept = tmp_path / "lab_policies", tmp_path / "clone" / ".venv" / "segue"
    lab.mkdir()
    (lab / "__init__.py").touch()
    (lab / "method.py").write_text(
        "from segue_policies.method import Method\n"
        'NLL = Method("nll", policy="lab:P", settings="lab_policies.settings:Nll", learner="lab:L")\n'
    )
    settings = "from segue_policies.training.config import MethodConfig\n\nclass Nll(MethodConfig):\n    {}: int = 64\n"
    (lab / "settings.py").write_text(settings.format("width"))
    installed_method(tmp_path, monkeypatch)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    kept.mkdir(parents=True)
    shutil.copy(workspace.state / indices.FILE, kept / indices.FILE)
    clone = Workspace(tmp_path / "clone")
    made: list[Path] = []

    def make(_: Workspace, arguments: list[str], environment: dict[str, str]) -> bool:
        made.append(Path(arguments[0]))
        command = [sys.executable, "-m", "segue_bringup.command_index", *arguments]
        return subprocess.run(command, env=environment, check=False).returncode == 0

    monkeypatch.setattr(index_making, "_made", make)
    for begun in ("nll wid", "policy=nll wid", "--policy nll wid"):
        assert completing.complete(clone, ["train", *begun.split()]) == ["width=\t"]
    assert completing.complete(clone, ["train", "nll", "--batch"]) != []
    assert len(made) == 1
    (lab / "settings.py").write_text(settings.format("breadth"))
    assert completing.complete(clone, ["train", "nll", "bre"]) == ["breadth=\t"]
    assert len(set(made)) == 1


@pytest.mark.parametrize(
    "words",
    [
        "train nll width=64",
        "train nll task=pick_place data=d width=64",
        "train /lab/nll.yaml horizon=20",
        "train nll.yaml horizon=20",
        "train --method act network.width=128",
        "train act --method=nll width=64",
        "train --config config/training/act.yaml network.width=128",
        "train config:=/lab/nll.yaml width=64",
        "train policy=nll width=64",
        "run policy:=nll",
        "eval --policy nll",
        "run policy:=nll warmth:=3",
    ],
)
def test_what_the_index_does_not_know_for_certain_is_left_to_the_command(
    words: str, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`./segue train nll --help` listed `--width` of an installed method, `train nll width=64` was refused."""
    monkeypatch.chdir(workspace.root)
    installed_method(tmp_path, monkeypatch)
    assert mistyped_words.refusal(workspace, words.split()) == ""


@pytest.mark.parametrize("words", ["torch=cpu", "torch:=cpu", "--torch=cpu", "--torch cpu"])
def test_the_script_reads_its_own_settings_in_every_spelling(words: str, workspace: Workspace) -> None:
    assert script_settings.given(workspace, "setup", words.split()) == {"torch": "cpu"}
    with pytest.raises(ConfigError, match="unknown torch 'gpu'"):
        script_settings.given(workspace, "setup", words.replace("cpu", "gpu").split())
    with pytest.raises(ConfigError, match="did you mean 'json'"):
        script_settings.given(workspace, "doctor", ["--jsn", "file"])


@pytest.mark.parametrize("shell", sorted(completing.SCRIPTS))
def test_every_shell_has_a_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert completing.script([shell]) == 0
    assert "--complete" in capsys.readouterr().out
    assert completing.script(["tcsh"]) == 2


def test_bash_completes_words_with_its_own_breaks_in_them(tmp_path: Path) -> None:
    """Bash cuts `task:=pus` into three words, and replaces only the last."""
    answer = tmp_path / "segue"
    answer.write_text('#!/bin/sh\n[ "$3" = "task:=pus" ] && echo task:=push_button\n')
    answer.chmod(0o755)
    code = (
        f"{completing.SCRIPTS['bash']}\n"
        f"COMP_LINE='{answer} run task:=pus' COMP_POINT={len(str(answer)) + 14}\n"
        f'COMP_WORDS=({answer} run task := pus) COMP_CWORD=4; _segue 2>/dev/null; echo "${{COMPREPLY[@]}}"'
    )
    done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "push_button", done.stderr
