"""The commands of `segue data`: where their settings and their work are."""

from __future__ import annotations

from segue_core.command_line.verb import Verb, Verbs


def _verb(name: str, about: str) -> Verb:
    return Verb(about, f"segue_data.settings:{name.capitalize()}Options", f"segue_data.commands:{name}")


VERBS: Verbs = {
    "record": _verb("record", "scripted demonstrations in simulation, one bag per seed"),
    "convert": _verb("convert", "bags into a LeRobotDataset v3.0"),
    "check": _verb("check", "bags or a dataset; status 1 when something is wrong"),
    "show": _verb("show", "pictures of an episode: contact sheet, Rerun recording, Foxglove layout"),
    "label": _verb("label", "labels beside a dataset, with version and settings"),
    "keyframes": _verb(
        "keyframes", "where demonstrations have keyframes: a picture strip, and how long chains are"
    ),
    "split": _verb("split", "a dataset divided by episode"),
    "adopt": _verb("adopt", "whose robot a dataset is that LeRobot wrote"),
    "export": _verb("export", "a dataset back into bags"),
    "info": _verb("info", "what a bag, a folder of bags or a dataset holds"),
    "repair": _verb("repair", "what a killed recorder left open, closed"),
}
