"""Conditions of ROS 2 and its middleware: what each of their environment variables may say."""

import os
import shutil
import socket
import xml.etree.ElementTree as xml
from collections.abc import Mapping
from pathlib import Path

from segue_bringup.environment.checks import Check

_RANGES = ("LOCALHOST", "SUBNET", "SYSTEM_DEFAULT", "OFF")  # of ROS 2 Iron and later
_PROFILE = "FASTDDS_DEFAULT_PROFILES_FILE"
_ALONE = "this_machine.xml"  # the profile that binds to the loopback interface
_NETWORK = (
    "see that nobody else reaches this machine: a cable of its own, a firewall, SROS 2 (docs/two-machines.md)"
)
_PLUGIN = b"builtin.PKI-DH"  # its plug-in for authentication, by the name that profiles have for it
_SEGMENTS_MB = 300  # eight processes with a segment of 34 MB each, config/dds/large_images.xml
# Libraries that middlewares share. Those of messages have two underscores: librmw_dds_common__rosidl_typesupport_cpp.
_NO_MIDDLEWARE = {"librmw_fastrtps_shared_cpp", "librmw_dds_common", "librmw_security_common"}


def middlewares(environment: Mapping[str, str]) -> list[str]:
    """ROS middleware implementations that are installed."""
    folders = [
        Path(entry) / "lib" for entry in environment.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if entry
    ]
    found = {path.stem for folder in folders for path in folder.glob("librmw_*_cpp.so")}
    return sorted(name.removeprefix("lib") for name in found - _NO_MIDDLEWARE if "__" not in name)


def middleware(environment: Mapping[str, str]) -> Check | None:
    """RMW_IMPLEMENTATION names one that is there."""
    wanted, there = environment.get("RMW_IMPLEMENTATION", ""), middlewares(environment)
    if not wanted or not there or wanted in there:
        return None
    found = f"RMW_IMPLEMENTATION names {wanted}, which is not installed (installed: {', '.join(there)})"
    return Check("middleware", "missing", found, f"unset RMW_IMPLEMENTATION, or set it to {there[0]}")


def asserted_middleware(environment: Mapping[str, str]) -> Check | None:
    """RCL_ASSERT_RMW_ID_MATCHES agrees with it."""
    asserted = environment.get("RCL_ASSERT_RMW_ID_MATCHES", "")
    wanted = environment.get("RMW_IMPLEMENTATION", "") or "rmw_fastrtps_cpp"
    if not asserted or asserted == wanted:
        return None
    found = f"RCL_ASSERT_RMW_ID_MATCHES is {asserted}, and the middleware is {wanted}"
    return Check("middleware", "missing", found, "unset RCL_ASSERT_RMW_ID_MATCHES")


def discovery_range(environment: Mapping[str, str]) -> Check | None:
    """ROS_AUTOMATIC_DISCOVERY_RANGE lets the nodes of a graph find each other."""
    reach, name = environment.get("ROS_AUTOMATIC_DISCOVERY_RANGE", ""), "discovery"
    if reach == "OFF":
        found = "ROS_AUTOMATIC_DISCOVERY_RANGE is OFF: the nodes of a graph cannot find each other"
        cure = "unset ROS_AUTOMATIC_DISCOVERY_RANGE, or set it to LOCALHOST (this machine) or SUBNET"
        return Check(name, "missing", found, cure)
    if reach and reach not in _RANGES:
        found = f"ROS_AUTOMATIC_DISCOVERY_RANGE is {reach!r}, which ROS 2 does not know"
        return Check(name, "missing", found, f"unset it, or set it to one of {', '.join(_RANGES[:3])}")
    return None


def localhost_only(environment: Mapping[str, str]) -> Check | None:
    """ROS_LOCALHOST_ONLY, of older ROS 2, does not contradict the range."""
    reach = environment.get("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    if environment.get("ROS_LOCALHOST_ONLY", "0") != "1" or reach != "SUBNET":
        return None
    found = "ROS_LOCALHOST_ONLY is 1, which overrules ROS_AUTOMATIC_DISCOVERY_RANGE=SUBNET: this machine only"
    return Check("discovery", "warning", found, "unset ROS_LOCALHOST_ONLY, which is of older ROS 2")


def security(environment: Mapping[str, str]) -> Check | None:
    """What ROS_SECURITY_ENABLE asks for can be had: a DDS that was built with security, and a keystore."""
    if environment.get("ROS_SECURITY_ENABLE", "") != "true":
        return None
    enforced = environment.get("ROS_SECURITY_STRATEGY", "") == "Enforce"
    if _can_encrypt(environment) is False:
        lost = "no node can start" if enforced else "the messages would be neither signed nor encrypted"
        found = f"ROS_SECURITY_ENABLE is true, and this Fast DDS was built without DDS security: {lost}"
        cure = "unset ROS_SECURITY_ENABLE, or source a ROS 2 whose DDS has security before ./segue setup"
        return Check("DDS security", "missing", found, cure)
    keystore = environment.get("ROS_SECURITY_KEYSTORE", "")
    if enforced and not (keystore and Path(keystore).is_dir()):
        found = f"ROS_SECURITY_STRATEGY is Enforce, and ROS_SECURITY_KEYSTORE names no folder: {keystore!r}"
        cure = "set it to a keystore made by `ros2 security create_keystore`, or unset ROS_SECURITY_ENABLE"
        return Check("DDS security", "missing", found, cure)
    return None


def _can_encrypt(environment: Mapping[str, str]) -> bool | None:
    """Whether Fast DDS has its security plug-ins; None where another middleware is used or the library is not found."""
    if environment.get("RMW_IMPLEMENTATION", "") not in ("", "rmw_fastrtps_cpp", "rmw_fastrtps_dynamic_cpp"):
        return None
    found = [
        library
        for entry in environment.get("AMENT_PREFIX_PATH", "").split(os.pathsep)
        for library in (Path(entry) / "lib").glob("libfast[dr]*.so")
        if entry and library.stem in ("libfastdds", "libfastrtps")
    ]
    return any(_PLUGIN in library.read_bytes() for library in found) if found else None


def peers(environment: Mapping[str, str]) -> Check | None:
    """Every name in ROS_STATIC_PEERS has an address."""
    named = [peer.strip() for peer in environment.get("ROS_STATIC_PEERS", "").split(";") if peer.strip()]
    unknown = [peer for peer in named if not _has_address(peer)]
    if not unknown:
        return None
    found = f"ROS_STATIC_PEERS names {', '.join(unknown)}, which has no address here"
    return Check("discovery", "missing", found, "give addresses, or names that `getent hosts NAME` finds")


def listens(environment: Mapping[str, str]) -> Check:
    """Which network interfaces the nodes listen on."""
    name, profile = "network", environment.get(_PROFILE, "")
    if Path(profile).name == _ALONE:
        return Check(name, "ok", "nodes listen on the loopback interface alone")
    found = "nodes listen on all interfaces: whoever reaches them can see and command, not only who is named"
    named = [key for key in ("ROS_STATIC_PEERS", "ROS_AUTOMATIC_DISCOVERY_RANGE") if environment.get(key)]
    return Check(
        name, "warning", f"{found} ({', '.join(f'{key}={environment[key]}' for key in named)})", _NETWORK
    )


def _has_address(name: str) -> bool:
    try:
        return bool(socket.getaddrinfo(name, None))
    except (OSError, UnicodeError):
        return False


def dds_profile(environment: Mapping[str, str]) -> Check | None:
    """FASTDDS_DEFAULT_PROFILES_FILE is XML that is there."""
    name, file = "DDS profile", environment.get(_PROFILE, "")
    if not file:
        return None
    cure = f"unset {_PROFILE}, or name a profile of Fast DDS"
    try:
        root = xml.parse(file).getroot().tag.rpartition("}")[2]
    except OSError as error:
        return Check(name, "missing", f"{_PROFILE} names {file}: {error.strerror or error}", cure)
    except xml.ParseError as error:
        return Check(name, "missing", f"{_PROFILE} names {file}, which is not XML: {error}", cure)
    if root not in ("dds", "profiles"):
        return Check(
            name, "missing", f"{_PROFILE} names {file}, whose root is <{root}>; expected <dds>", cure
        )
    return None


def shared_memory(environment: Mapping[str, str], folder: Path = Path("/dev/shm")) -> Check | None:
    """/dev/shm has room for the pictures on their way."""
    if environment.get("RMW_IMPLEMENTATION", "rmw_fastrtps_cpp") != "rmw_fastrtps_cpp":
        return None
    free = shutil.disk_usage(folder).free / 1e6 if os.access(folder, os.W_OK) else 0.0
    if free >= _SEGMENTS_MB:
        return None
    found = f"{int(free)} MB are free in {folder}, and a graph wants {_SEGMENTS_MB}: pictures go the slow way, over UDP"
    return Check(
        "shared memory", "warning", found, f"free some, or give a container more: --shm-size={_SEGMENTS_MB}m"
    )


def ros_log_folder(environment: Mapping[str, str]) -> Path | None:
    """Where ROS 2 writes its logs; None when it finds no place."""
    if environment.get("ROS_LOG_DIR"):
        return Path(environment["ROS_LOG_DIR"]).expanduser()
    if environment.get("ROS_HOME"):
        return Path(environment["ROS_HOME"]).expanduser() / "log"
    home = environment.get("HOME")
    return Path(home) / ".ros" / "log" if home else None


def log_folder(environment: Mapping[str, str]) -> Check | None:
    """That folder can be written."""
    folder = ros_log_folder(environment)
    reason = why_not_writable(folder) if folder else "HOME is not set"
    if not reason:
        return None
    found = f"ROS 2 has no place for its logs: {reason}"
    return Check("ROS logs", "missing", found, "set ROS_LOG_DIR to a folder that can be written")


def why_not_writable(folder: Path) -> str:
    """The reason that a folder cannot be made and written; "" when it can."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".segue-{os.getpid()}"
        probe.write_text("x")
        probe.unlink()
    except OSError as error:
        return f"{folder}: {error.strerror or error}"
    return ""
