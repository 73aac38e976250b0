"""The units as systemd itself reads them: clean, closed enough, and in agreement with each other and the daemon."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
UNITS = ROOT / "systemd"
EXPOSURE_LIMIT = 1.5

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")


def systemd_version() -> int:
    answer = subprocess.run(["systemd-analyze", "--version"], capture_output=True, text=True, check=True)
    return int(answer.stdout.split()[1])


def unit(name: str) -> dict[str, dict[str, list[str]]]:
    """A unit's settings, repeated ones all kept."""
    sections: dict[str, dict[str, list[str]]] = {}
    current: dict[str, list[str]] = {}
    for line in (UNITS / name).read_text().splitlines():
        if match := re.fullmatch(r"\[(\w+)\]", line):
            current = sections.setdefault(match.group(1), {})
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            current.setdefault(key, []).append(value)
    return sections


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units in a directory of their own, their programs standing in as ones that exist here."""
    for name in ("sluiced.service", "sluiced.socket"):
        text = (UNITS / name).read_text()
        for program in ("sluiced", "sluice"):
            stand_in = tmp_path / program
            stand_in.write_text("#!/bin/sh\n")
            stand_in.chmod(0o755)
            text = re.sub(rf"/usr/bin/{program} ", f"{stand_in} ", text)
        (tmp_path / name).write_text(text)
    return tmp_path


@needs_systemd
@pytest.mark.parametrize("name", ["sluiced.service", "sluiced.socket"])
def test_verify_is_clean(installed: Path, name: str) -> None:
    command = ["systemd-analyze", "verify", str(installed / name)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert answer.returncode == 0, answer.stderr
    # Other units of this machine are loaded along and may have faults of their own.
    assert not [line for line in answer.stderr.splitlines() if "sluice" in line], answer.stderr


@needs_systemd
def test_verify_with_notify_reload(installed: Path) -> None:
    if systemd_version() < 253:
        pytest.skip(f"systemd {systemd_version()} does not know Type=notify-reload; 253 does")
    drop_in = installed / "sluiced.service.d"
    drop_in.mkdir()
    shutil.copy(UNITS / "notify-reload.conf", drop_in)
    command = ["systemd-analyze", "verify", str(installed / "sluiced.service")]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert answer.returncode == 0, answer.stderr
    assert "sluice" not in answer.stderr


@needs_systemd
def test_exposure_is_low() -> None:
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(UNITS / "sluiced.service")]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    found = re.search(r"Overall exposure level for sluiced\.service: ([\d.]+)", answer.stdout)
    assert found, answer.stdout + answer.stderr
    assert float(found.group(1)) <= EXPOSURE_LIMIT, answer.stdout


@needs_systemd
def test_sysusers_and_tmpfiles_make_what_the_units_name(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    users = ["systemd-sysusers", f"--root={tmp_path}", "-"]
    text = (UNITS / "sluice.sysusers").read_text()
    answer = subprocess.run(users, input=text, capture_output=True, text=True, check=False, timeout=60)
    assert answer.returncode == 0, answer.stderr
    accounts = {line.split(":")[0]: line.split(":") for line in (tmp_path / "etc/passwd").read_text().splitlines()}
    groups = {line.split(":")[0] for line in (tmp_path / "etc/group").read_text().splitlines()}
    service, socket = unit("sluiced.service")["Service"], unit("sluiced.socket")["Socket"]
    assert service["User"] == ["sluice"] == socket["SocketUser"]
    assert "nologin" in accounts["sluice"][-1]
    assert {service["Group"][0], socket["SocketGroup"][0]} <= groups

    files = ["systemd-tmpfiles", f"--root={tmp_path}", "--create", "-"]
    text = (UNITS / "sluice.tmpfiles").read_text()
    answer = subprocess.run(files, input=text, capture_output=True, text=True, check=False, timeout=60)
    assert answer.returncode == 0, answer.stderr
    directory = tmp_path / "run/sluice"
    assert directory.is_dir()
    assert directory.stat().st_mode & 0o7777 == 0o755


def test_units_agree_on_the_socket() -> None:
    service, socket = unit("sluiced.service"), unit("sluiced.socket")["Socket"]
    path = Path(socket["ListenStream"][0])
    assert str(path) in service["Service"]["ExecReload"][0]
    assert service["Service"]["ReadWritePaths"] == [str(path.parent)]
    assert f"d {path.parent} " in (UNITS / "sluice.tmpfiles").read_text()
    assert socket["SocketMode"] == ["0660"]
    # A directory that went with the service would take the socket, and every container's mount of it, along.
    assert "RuntimeDirectory" not in service["Service"]


@pytest.mark.parametrize(
    "source",
    [
        "Sources/DaemonConfiguration/SocketConfiguration.swift",
        "Sources/sluice/DaemonOptions.swift",
        "Sources/PythonClient/sluice/connection/address.py",
        "config/sluice.yaml",
    ],
)
def test_everyone_looks_for_the_socket_in_the_same_place(source: str) -> None:
    path = unit("sluiced.socket")["Socket"]["ListenStream"][0]
    assert re.search(rf"{re.escape(path)}\b", (ROOT / source).read_text()), f"{source} does not name {path}"


def test_the_service_tells_and_is_watched() -> None:
    service = unit("sluiced.service")["Service"]
    assert service["Type"] == ["notify"]
    assert int(service["WatchdogSec"][0]) > 0
    assert service["LoadCredential"] == ["sluice:/etc/sluice/credentials"]
    assert service["CacheDirectory"] == ["sluice"]
    assert service["RestartPreventExitStatus"] == ["78"]


def test_the_drop_in_is_for_newer_systemd_only() -> None:
    drop_in = configparser.ConfigParser(strict=True)
    drop_in.read_string((UNITS / "notify-reload.conf").read_text())
    assert drop_in["Service"]["Type"] == "notify-reload"
    assert drop_in["Service"]["ReloadSignal"] == "SIGHUP"
