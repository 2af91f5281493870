"""Shell completion: `segue completion bash` prints what a shell reads, `segue --complete WORD ...` answers it.

Standard library only, and nothing is imported that answers do not need: it runs at every Tab.
"""

import gc
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from segue_bringup.environment import endings
from segue_bringup.environment.words import index as indices
from segue_bringup.environment.words import index_making, script_settings
from segue_bringup.environment.words.page import EXIT_USAGE, UNKNOWN_NAME, VERBS
from segue_bringup.environment.workspace import Workspace

_BASH = r"""_segue() {
  local IFS=$'\n' cur="${COMP_WORDS[COMP_CWORD]}"
  local line="${COMP_LINE:0:COMP_POINT}"
  read -r -a __segue_words <<< ""
  IFS=$' \t\n' read -r -a __segue_words <<< "$line"
  [[ "$line" == *[[:space:]] ]] && __segue_words+=("")
  local last="${__segue_words[${#__segue_words[@]}-1]}"
  IFS=$'\n'
  COMPREPLY=($("${__segue_words[0]}" --complete "${__segue_words[@]:1}" 2>/dev/null))
  local prefix="${last%"${cur##*[=:]}"}"  # bash cuts words at = and :
  COMPREPLY=("${COMPREPLY[@]%%$'\t'*}")
  COMPREPLY=("${COMPREPLY[@]#"$prefix"}")
  [[ ${#COMPREPLY[@]} -eq 1 && "${COMPREPLY[0]}" == *= ]] && compopt -o nospace
  [[ ${#COMPREPLY[@]} -eq 0 ]] && compopt -o default
}
complete -F _segue segue ./segue
"""
_ZSH = r"""#compdef segue
_segue() {
  local -a found shown
  local line
  for line in ${(f)"$(${words[1]} --complete "${(@)words[2,CURRENT]}" 2>/dev/null)"}; do
    found+=("${line%%$'\t'*}")
    shown+=("${line//$'\t'/  -- }")
  done
  if (( ${#found} )); then
    compadd -S '' -d shown -- ${found}
  else
    _files
  fi
}
compdef _segue segue ./segue
"""
_FISH = r"""function __segue_complete
  set -l words (commandline -opc) (commandline -ct)
  $words[1] --complete $words[2..-1] 2>/dev/null
end
complete -c segue -f -a '(__segue_complete)'
"""
_PATHS = ("checkpoint", "progress")
"""Settings that are folders, though their values are texts: empty means another one."""
Names = Callable[[str], list[str]]
"""From a folder of config/, such as "robots", to the names that it offers."""

SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def script(arguments: Sequence[str]) -> int:
    """Print what a shell reads: eval "$(./segue completion bash)"."""
    shell = arguments[0] if arguments else ""
    if shell in SCRIPTS:
        print(SCRIPTS[shell], end="")
        return 0
    usage = (
        'usage: ./segue completion bash|zsh|fish\n\n  bash, zsh  eval "$(./segue completion bash)"\n'
        "  fish       ./segue completion fish | source"
    )
    if shell in ("-h", "--help"):
        print(usage)
        return 0
    print(
        f"segue completion: [{UNKNOWN_NAME}] unknown shell {shell!r}; allowed: {', '.join(SCRIPTS)}",
        file=sys.stderr,
    )
    return EXIT_USAGE


def complete(workspace: Workspace, words: Sequence[str]) -> list[str]:
    """What the last word may become, each with a tab and what it means where that is known."""
    *before, last = list(words) or [""]
    if not before:
        return [
            f"{name}\t{about}"
            for name, about in {**VERBS, "--version": "", "--help": ""}.items()
            if name.startswith(last)
        ]
    if before == ["help"]:
        return [f"{name}\t{about}" for name, about in VERBS.items() if name.startswith(last)]
    if before == ["completion"]:
        return [shell for shell in SCRIPTS if shell.startswith(last)]
    if before[0] in script_settings.SETTINGS:
        return _of_script(before[0], last)
    index = indices.load(workspace) or index_making.refreshed(workspace)
    if index is None:
        return []
    asked = before[1:] if before[0] == "help" else before
    command, left = indices.command_of(asked, index)
    if command == "segue":
        group = f"segue {asked[0]} "
        inner = {
            name.removeprefix(group): about
            for name, about in index["about"].items()
            if name.startswith(group)
        }
        return [
            f"{name}\t{about}" for name, about in inner.items() if len(asked) == 1 and name.startswith(last)
        ]
    if asked != before:  # help takes no settings
        return []
    names = partial(indices.names, workspace, index=index)
    settings = index_making.settings_of_installed(workspace, command, left)
    settings = settings or indices.settings_of(workspace, command, left, index)
    return sorted(_of_command(names, settings, left, last))


def _of_script(command: str, last: str) -> list[str]:
    begun, mark, value = _split(last)
    settings = script_settings.SETTINGS[command]
    if mark:
        _, choices = settings.get(begun.removeprefix("--").replace("-", "_"), ("", ()))
        return [f"{begun}{mark}{choice}" for choice in choices if choice.startswith(value)]
    words = {f"--{name.replace('_', '-')}": text for name, (text, _) in settings.items()}
    return [f"{word}\t{text}" for word, text in words.items() if word.startswith(last)]


def _of_command(names: Names, settings: list[indices.Setting], left: list[str], last: str) -> Iterable[str]:
    asked = _option_before(settings, left)
    name, mark, value = _split(last)
    if asked is not None:
        yield from _values(names, asked, last)
    elif mark:
        setting = _named(settings, name)
        yield from (f"{name}{mark}{text}" for text in (_values(names, setting, value) if setting else ()))
    else:
        places = [one for one in settings if one["place"] and one["listed"]]
        yield from (text for one in places for text in _values(names, one, last))
        yield from _settings(settings, last)


def _settings(settings: list[indices.Setting], last: str) -> Iterable[str]:
    """Names of settings, in the spelling that was begun."""
    for one in settings:
        option = one["name"].replace("_", "-")
        both = one["kind"] == "bool"
        words = (
            [f"--{option}", *([f"--no-{option}"] if both else [])]
            if last.startswith("-")
            else [f"{one['name']}="]
        )
        yield from (f"{word}\t{one['help']}" for word in words if one["listed"] and word.startswith(last))


def _named(settings: list[indices.Setting], written: str) -> indices.Setting | None:
    name = written.removeprefix("--").replace("-", "_")
    return next((one for one in settings if name in (one["name"], *one["also"])), None)


def _option_before(settings: list[indices.Setting], left: list[str]) -> indices.Setting | None:
    """The setting whose value is being written, of `--task pi`."""
    before = left[-1] if left else ""
    found = _named(settings, before) if before.startswith("--") and "=" not in before else None
    return None if found is None or found["kind"] == "bool" else found


def _split(word: str) -> tuple[str, str, str]:
    """Name, mark and value of `task:=pi` or `--task=pi`; no mark where it has none."""
    name, equals, value = word.partition("=")
    if not equals:
        return word, "", ""
    return (name[:-1], ":=", value) if name.endswith(":") else (name, "=", value)


def _values(names: Names, setting: indices.Setting, begun: str) -> list[str]:
    listed = ["true", "false"] if setting["kind"] == "bool" else list(setting["choices"])
    name = setting["name"]
    kind = setting["names"] or (name if name in indices.CODE else indices.OFFERED.get(name, ""))
    if setting["commas"] or kind == "termination":
        first, comma, last = begun.rpartition(",")
        return [f"{first}{comma}{text}" for text in names(kind) if text.startswith(last)]
    if not listed and kind:
        worlds = names(indices.WORLDS) if kind == "tasks" else []
        if "/" in begun and kind != "runs":
            return [*(name for name in worlds if name.startswith(begun)), *_files(begun, (".yaml", ".yml"))]
        listed = [*names(kind), *sorted({name.partition("/")[0] + "/" for name in worlds})]
    found = [text for text in listed if text.startswith(begun)]
    return found or (_files(begun) if setting["kind"] == "Path" or name in _PATHS else [])


def _files(begun: str, ends: tuple[str, ...] = ("",)) -> list[str]:
    """Folders, and files of these endings, that a path which was begun may become, written as it was begun."""
    folder, slash, part = begun.rpartition("/")
    try:
        entries = sorted(os.scandir(os.path.expanduser(folder + slash) or "."), key=lambda entry: entry.name)  # noqa: PTH111
    except OSError:
        return []
    found = [entry for entry in entries if entry.name.startswith(part)]
    return [
        f"{folder}{slash}{entry.name}" + ("/" if entry.is_dir() else "")
        for entry in found
        if entry.is_dir() or entry.name.endswith(ends)
    ]


def _work() -> int:
    gc.disable()  # nothing that is made here lives long
    print("\n".join(complete(Workspace.of_this_file(), sys.argv[1:])))
    return 0


if __name__ == "__main__":
    endings.begin()
    sys.exit(endings.finish(_work))
