"""What every command takes, as plain data in a file: shell completion and early refusals read it without imports.

python -m segue_bringup.command_index FILE [METHOD]
"""

from __future__ import annotations

import json
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from segue_bringup.catalogue import config_root
from segue_bringup.environment.words.installed import method_folders
from segue_bringup.verbs import VERBS
from segue_core.command_line.setting import REQUIRED, Setting
from segue_core.command_line.verb import every
from segue_core.errors import SegueError
from segue_core.exit_status import ExitStatus


def index() -> dict[str, Any]:
    """Settings by whole command, those of `segue train` also by policy; and the files that say so, with their times.

    Commands name settings by their places in one list: many have the same ones, and the file is read at every Tab.
    """
    import segue_policies
    from segue_policies.method import own_methods
    from segue_policies.option_settings import option_settings

    package = Path(segue_policies.__path__[0]).resolve()
    forms: dict[str, list[dict[str, Any]]] = {}
    about: dict[str, str] = {}
    for command, verb in every(VERBS).items():
        settings = replace(verb, more="").form(()).settings
        forms[command], about[command] = [_plain(one) for one in settings], verb.about
    for policy in _policies():
        forms[f"segue train {policy}"] = [
            _plain(one) for one in every(VERBS)["segue train"].form((policy,)).settings
        ]
    once = {json.dumps(one): one for form in forms.values() for one in form}
    places = {text: place for place, text in enumerate(once)}
    return {
        "settings": list(once.values()),
        "commands": {name: [places[json.dumps(one)] for one in form] for name, form in forms.items()},
        "about": about,
        "options": {
            name: [_plain(one) for one in option_settings(method)] for name, method in own_methods().items()
        },
        "methods": sorted(name for name, method in own_methods().items() if method.policy),
        "worlds": _worlds(),
        "package": str(package),
        "folders": method_folders(package),
        "files": {str(file): file.stat().st_mtime_ns for file in _files()},
    }


def settings_of_installed(method: str) -> dict[str, Any]:
    """What `segue train` takes for a method of another package, and the files of that package that say so."""
    from segue_core.registry import installed
    from segue_policies.method import GROUP

    train = every(VERBS)["segue train"]
    try:
        form = train.form((method,))
    except SegueError:  # `segue train` itself says what is wrong with the package
        form = train.form(())
    package = installed(GROUP)[method].value.partition(":")[0].partition(".")[0]
    files = {*_files(), *_loaded(package)}
    return {
        "settings": [_plain(one) for one in form.settings],
        "files": {str(file): file.stat().st_mtime_ns for file in files},
    }


def _worlds() -> Sequence[str]:
    """Tasks of worlds that others wrote; none where one of their packages is broken, which its commands say."""
    from segue_sim.worlds import world_names

    try:
        return world_names()
    except Exception:  # whatever a package of somebody raises when it is imported
        return ()


def _policies() -> Sequence[str]:
    """Shipped ones: what the user's folders and installed packages add differs from one command to the next."""
    from segue_policies.method import own_methods

    trained = (name for name, method in own_methods().items() if method.learner)
    return sorted({*(file.stem for file in _trainings()), *trained})


def _trainings() -> Iterator[Path]:
    return (config_root() / "training").glob("*.yaml")


def _plain(setting: Setting) -> dict[str, Any]:
    kind = get_args(setting.kind)[0] if setting.many else setting.kind
    bounds = setting.range
    return {
        "name": setting.name,
        "kind": kind.__name__,
        "many": setting.many,
        "help": setting.help,
        "choices": setting.choices,
        "range": bounds and (bounds.low, bounds.high, bounds.low_open, bounds.high_open),
        "names": setting.word.names,
        "free": setting.word.free,
        "commas": setting.word.commas,
        "judge": setting.word.judge,
        "place": setting.word.place,
        "also": setting.word.also,
        "off": setting.word.off,
        "usual": setting.default if isinstance(setting.default, str) else "",
        "required": setting.default is REQUIRED,
        "listed": setting.listed,
    }


def _files() -> Iterator[Path]:
    """Whatever decides what is in the index: our modules that were imported for it, the graph, training files."""
    root = config_root()
    yield from sorted(_loaded("segue_"))
    yield from (root / "graph" / "task.yaml", root / "training", *sorted(_trainings()))
    yield Path(sysconfig.get_path("purelib"))  # what is installed decides which worlds there are


def _loaded(begin: str) -> set[Path]:
    """Files of the imported modules whose names begin so."""
    modules = [module for name, module in list(sys.modules.items()) if name.startswith(begin)]
    return {Path(str(module.__file__)).resolve() for module in modules if getattr(module, "__file__", None)}


def main(arguments: Sequence[str]) -> int:
    """Write the index, or what one installed method takes, to a file, whole or not at all."""
    from segue_data.storage.atomic import write_text

    file, *method = arguments
    try:
        found = settings_of_installed(*method) if method else index()
        write_text(Path(file), json.dumps(found) + "\n")
    except (SegueError, OSError):  # the command that meets what cannot be read or written says so
        return ExitStatus.USAGE
    return ExitStatus.SUCCESS


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
