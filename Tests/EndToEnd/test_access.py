"""Who may administer: the users that the configuration names, and whoever may open the administrators' socket."""

from __future__ import annotations

import grp
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from testbed.daemon import program
from testbed.fixtures import Stage
from testbed.operations import run_sluice

ADMIN, TRAINER, GROUP = 4711, 4712, 4713

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")


def become(user: int, group: int | None = None) -> list[str]:
    """Run what follows as another user, by default in no group but its own."""
    return ["setpriv", f"--reuid={user}", f"--regid={group or user}", "--clear-groups"]


def sluice_as(
    user: int, socket: Path | str, *arguments: str, group: int | None = None
) -> subprocess.CompletedProcess[str]:
    """Run sluice as another user."""
    command = [*become(user, group), str(program("sluice")), *arguments, "--socket", str(socket)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, cwd="/")


def configured(stage: Stage, **more: Any) -> dict[str, Any]:
    """A configuration of one stream, with a socket whose mode lets everybody in."""
    stage.write("web", 100)
    stage.directory.chmod(0o755)
    configuration = stage.configuration({"web": stage.remote("web")}, **more)
    configuration["socket"]["mode"] = "0666"
    return configuration


def test_named_users_administer_and_others_only_train(stage: Stage) -> None:
    stage.start(configured(stage, access={"admins": [ADMIN]}))
    allowed = sluice_as(ADMIN, stage.socket, "cache", "evict", "web")
    assert allowed.returncode == 0, allowed
    refused = sluice_as(TRAINER, stage.socket, "cache", "evict", "web")
    assert refused.returncode != 0
    assert "needs admin rights" in refused.stderr
    assert "access.admins" in refused.stderr, "it says what would help"
    assert sluice_as(TRAINER, stage.socket, "status").returncode == 0


def test_a_socket_for_administration_is_its_owners_alone(stage: Stage) -> None:
    admin = stage.directory / "admin.sock"
    configuration = configured(stage)
    configuration["socket"]["admin_path"] = str(admin)
    stage.start(configuration)
    assert stat.S_IMODE(admin.stat().st_mode) == 0o600
    assert stat.S_IMODE(Path(stage.socket).stat().st_mode) == 0o666
    assert run_sluice("cache", "evict", "web", "--socket", str(admin)).returncode == 0
    assert sluice_as(TRAINER, admin, "status").returncode != 0, "another user cannot even connect"
    assert sluice_as(TRAINER, stage.socket, "status").returncode == 0
    assert stage.daemons[-1].stop() == 0
    assert not admin.exists()


def test_a_group_is_let_in_and_nobody_else(stage: Stage) -> None:
    assert GROUP not in [entry.gr_gid for entry in grp.getgrall()], "a number is enough"
    stage.start(configured(stage, access={"groups": [GROUP]}))
    assert sluice_as(TRAINER, stage.socket, "status", group=GROUP).returncode == 0
    refused = sluice_as(TRAINER, stage.socket, "status")
    assert refused.returncode != 0
    assert "access.groups" in refused.stderr


def test_whoever_connects_is_in_the_log(stage: Stage) -> None:
    """By the kernel's word: process, user, client."""
    daemon = stage.start(configured(stage, log={"level": "info"}))
    code = "import sluice, sys\nwith sluice.connect(sys.argv[1]) as client, client.open('all'): pass"
    trainer = subprocess.Popen([*become(TRAINER), sys.executable, "-c", code, str(stage.socket)])
    assert trainer.wait(60) == 0
    daemon.wait_for_log(f"pid={trainer.pid}")
    (line,) = [line for line in daemon.log_text().splitlines() if "session opened" in line]
    assert f"uid={TRAINER}" in line
    assert "client=sluice-python" in line
