"""What a person sees who has no terminal: enough lines, not too many, none twice."""

from segue_bringup.run import display, record_display
from segue_bringup.run.collection import Session
from segue_bringup.run.display import Due, Lines, Shown


def test_without_a_terminal_each_headline_is_a_line_and_numbers_come_now_and_then() -> None:
    now, written = [0.0], list[str]()
    shown = Shown("pick_place", headline="starting the graph")
    lines = Lines(Due(shown, lambda: now[0]), written.append)
    for now[0] in (0.0, 1.0, 2.0):
        lines.update()
    shown.headline = "running"
    lines.update()
    lines.say("what stays")
    now[0] = 2.0 + display.PLAIN_EVERY_S
    lines.update()
    lines.update()
    assert written == ["starting the graph", "running", "what stays", shown.line()]


def test_a_recorder_tells_a_new_stage_and_a_new_note_at_once() -> None:
    written, session = list[str](), Session()
    due = record_display.Due(Shown("pick_place", headline="waiting"), session, lambda: 0.0)
    lines = Lines(due, written.append)
    lines.update()
    session.told = {"stage": "ready", "episode": "episode 4", "good": "3"}
    lines.update()
    session.told = {**session.told, "note": "a gap of 0.2 s"}
    lines.update()
    lines.update()
    assert written[0] == "waiting" and len(written) == 3
    assert written[1].startswith("ready: episode 4, 3 good") and written[2].endswith("(a gap of 0.2 s)")


def test_a_pause_of_the_simulation_is_shown_as_no_slowness() -> None:
    shown = Shown("pick_place")
    for tick in range(60):
        shown.ticked(tick / 30, tick / 30)
    for tick in range(60, 70):
        shown.ticked(60 + tick / 30, tick / 30)
    assert shown.speed == ""
    for tick in range(70, 130):
        shown.ticked(60 + tick / 15, tick / 30)
    assert shown.speed == " (0.50 of real time)"


def test_estimated_progress_is_told_where_there_is_some() -> None:
    shown = Shown("drawer")
    assert "progress" not in shown.line()
    shown.progress = 0.456
    assert "score 0, progress 0.46" in shown.line()
