"""Finished episodes as JSON lines, so that an interrupted evaluation goes on where it stopped.

{"segue_eval": 3, "setup": {...}}      first line: what the rows belong to
{"seed": 1000, ...}                    one line per episode, in order of completion
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from segue_core.errors import DataError, ErrorCode
from segue_core.files import read_lines
from segue_data.storage.atomic import write_text
from segue_eval.result import EpisodeResult, result_from_row

_FORMAT = 3  # 2: what the judge says, shortened requests; 3: smoothness by the paper's cut-off and in windows


def _lines(path: Path) -> list[dict[str, object]]:
    """Every whole line; a torn last line (a killed writer) is dropped, a torn line elsewhere is an error."""
    try:
        return read_lines(path)
    except (OSError, ValueError) as error:
        raise _corrupt(path, str(error).removeprefix(f"{path}: ")) from error


def _results(path: Path, rows: Iterable[Mapping[str, object]]) -> Iterator[EpisodeResult]:
    for number, row in enumerate(rows, start=2):
        try:
            yield result_from_row(row)
        except DataError as error:
            raise _corrupt(path, f"line {number}: {error.text}") from error


CODE_DIGEST = "code_digest"
"""What a setup says of the code of its policy, where that is not a checkpoint of ours."""
_ANOTHER = "--fresh forgets it, --out names another"


def _corrupt(path: Path, text: str) -> DataError:
    return DataError(ErrorCode.DATA_DATASET_INVALID, f"{path}: {text}", do=_ANOTHER)


def _differences(old: object, new: Mapping[str, object]) -> dict[str, str]:
    known = old if isinstance(old, dict) else {}
    keys = sorted({*known, *new})
    return {
        key: f"{key}: file {known.get(key)!r}, now {new.get(key)!r}"
        for key in keys
        if known.get(key) != new.get(key)
    }


def _of_other_code(changed: Mapping[str, str], setup: Mapping[str, object]) -> bool:
    """Whether all that differs is the policy's code; rows of before also named a folder where there are no weights."""
    named = set() if setup.get("checkpoint") else {"checkpoint"}
    return CODE_DIGEST in changed and not changed.keys() - {CODE_DIGEST} - named


class RowFile:
    """The rows of one setup. Opening an existing file checks that it belongs to the same setup."""

    def __init__(self, path: Path, setup: Mapping[str, object]) -> None:
        """Raises DataError when the file belongs to another setup (naming the differences) or is corrupt."""
        self._path = path
        plain = json.loads(json.dumps(setup, default=str))
        entries = _lines(path) if path.exists() else []
        if entries:
            self._check(entries[0], plain)
        self.results = {result.seed: result for result in _results(path, entries[1:])}
        self._rewrite(plain)

    def _check(self, head: object, setup: Mapping[str, object]) -> None:
        if not isinstance(head, dict) or head.get("segue_eval") != _FORMAT:
            raise _corrupt(self._path, "not a rows file of this version")
        if changed := _differences(head.get("setup"), setup):
            if _of_other_code(changed, setup):
                text = f"the code of policy {setup['policy']!r} is not the one that its rows are of"
                raise _corrupt(self._path, text)
            raise DataError(
                ErrorCode.DATA_DATASET_INVALID,
                f"{self._path} is of another setup ({'; '.join(changed.values())})",
                do=_ANOTHER,
            )

    def _rewrite(self, setup: Mapping[str, object]) -> None:
        """Whole lines only, so that appending is safe after a torn one."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        lines = [{"segue_eval": _FORMAT, "setup": setup}, *(r.to_row() for r in self.results.values())]
        write_text(self._path, "".join(json.dumps(line) + "\n" for line in lines))

    def add(self, result: EpisodeResult) -> None:
        """Append one finished episode and flush it to the file."""
        self.results[result.seed] = result
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(result.to_row()) + "\n")
