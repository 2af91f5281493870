"""`segue learn`: one lesson after the other; one that fails is named in the table and does not hold up the rest."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from segue_bringup.learn.card import TABLE, table
from segue_bringup.learn.lesson import Lesson, teach
from segue_bringup.learn.settings import LearnOptions
from segue_core.errors import SegueError
from segue_core.exit_status import ExitStatus
from segue_data.contracts import load_robot, load_task
from segue_data.storage.atomic import write_text


def learn(options: LearnOptions) -> int:
    """Teach every task; status 0 when all were learned and evaluated, whatever their success.

    Raises:
        ConfigError: an unknown task or robot, before anything begins. KeyboardInterrupt: a lesson was interrupted.
    """
    lessons = [_lesson(options, task) for task in options.task]
    print(f"seeds: recording from 0 on, training {options.seed}, evaluation {options.seeds}")
    found: dict[str, dict[str, Any] | str] = {}
    for number, lesson in enumerate(lessons, start=1):
        name = lesson.folder.name
        what = f"{lesson.robot.name} learns {lesson.task}, {lesson.minutes:g} min, {lesson.folder}"
        print(f"\n{number} of {len(lessons)}: {what}")
        try:
            found[name] = teach(lesson, _perform)
        except SegueError as error:
            print(f"segue learn: {name}: {error.advised}", file=sys.stderr)
            found[name] = error.text.replace("|", "/")
        options.out.mkdir(parents=True, exist_ok=True)
        write_text(options.out / TABLE, table(found))
    print(f"\n{table(found)}\ncards: {', '.join(str(lesson.folder) for lesson in lessons)}")
    return (
        ExitStatus.SUCCESS
        if all(isinstance(each, dict) for each in found.values())
        else ExitStatus.TASK_FAILED
    )


def _lesson(options: LearnOptions, task: str) -> Lesson:
    robot = load_robot(options.robot or load_task(task).robot)
    names = ("policy", "minutes", "clock", "episodes", "seeds", "seed", "workers")
    given = {name: getattr(options, name) for name in names}
    return Lesson(robot=robot, task=task, folder=options.out / f"{robot.name}_{task}", **given)


def _perform(words: Sequence[str]) -> int:
    from segue_bringup.catalogue import names
    from segue_bringup.verbs import VERBS
    from segue_core.command_line.main import perform

    return perform(list(words), VERBS, names)
