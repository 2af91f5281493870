"""One graph per ROS domain and namespace: a lock that dies with its holder, and a free domain when none is chosen."""

import fcntl
import os
import socket
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from segue_core.errors import ConfigError, ErrorCode

# Domains above 101 use ports of Linux's ephemeral range; 0 is everybody's default and left to those who ask for it.
_AUTOMATIC = range(1, 102)
_LARGEST_DOMAIN = 232
_PORT_BASE, _DOMAIN_GAIN, _UNICAST_OFFSET = 7400, 250, 10  # RTPS well-known ports (DDSI-RTPS 9.6.1)


class DomainLock:
    """Held while a graph runs on a ROS domain. The kernel lets go of it when the process ends, however it ends."""

    def __init__(self, domain: int, file: IO[str]) -> None:
        self.domain, self._file = domain, file

    def release(self) -> None:
        """Let another graph use the domain."""
        self._file.close()


def acquire_domain(environment: Mapping[str, str], namespace: str = "") -> DomainLock:
    """Lock the domain that `ROS_DOMAIN_ID` names, or else the first one that nobody uses on this machine.

    On a chosen domain, graphs of other namespaces may run beside this one.

    Raises:
        ConfigError: another graph holds the domain (the text names its process), or the number is not a domain.
    """
    wanted = environment.get("ROS_DOMAIN_ID", "").strip()
    if wanted:
        return _chosen(wanted, namespace)
    for domain in _AUTOMATIC:
        lock = _try_lock(domain)
        if lock and _unused(domain):
            return lock
        if lock:
            lock.release()
    text, do = (
        "no free ROS domain between 1 and 101 on this machine",
        "stop other graphs, or set ROS_DOMAIN_ID",
    )
    raise ConfigError(ErrorCode.ADDRESS_IN_USE, text, do=do)


def _chosen(text: str, namespace: str) -> DomainLock:
    if not text.isdigit() or int(text) > _LARGEST_DOMAIN:
        raise ConfigError(
            ErrorCode.CONFIG_INVALID_VALUE, "ROS_DOMAIN_ID", got=text, expected=f"0 to {_LARGEST_DOMAIN}"
        )
    lock = _try_lock(int(text), namespace)
    if lock is None:
        holder = _lock_path(int(text), namespace).read_text(encoding="utf-8").strip() or "unknown"
        where = f"ROS domain {text}" + (f" in namespace /{namespace}" if namespace else "")
        text = f"another segue graph runs on {where} (process {holder})"
        do = "stop it, choose another domain, or leave ROS_DOMAIN_ID unset to get a free one, or take namespace:=NAME"
        raise ConfigError(ErrorCode.ADDRESS_IN_USE, text, do=do)
    return lock


def _lock_path(domain: int, namespace: str = "") -> Path:
    name = "-".join(("domain", str(domain), *filter(None, namespace.split("/"))))
    return Path(tempfile.gettempdir()) / f"segue-{os.getuid()}" / f"{name}.lock"


def _try_lock(domain: int, namespace: str = "") -> DomainLock | None:
    path = _lock_path(domain, namespace)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    file = path.open("a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return DomainLock(domain, file)


def _unused(domain: int) -> bool:
    """Whether no DDS participant of this machine listens on the domain's first unicast port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("", _PORT_BASE + _DOMAIN_GAIN * domain + _UNICAST_OFFSET))
        except OSError:
            return False
    return True
