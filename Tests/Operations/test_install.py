"""What scripts/install and scripts/package put in place runs without a toolchain, and is taken out whole."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from testbed.certificates import namespace_options
from testbed.daemon import Daemon, health, program
from testbed.fixtures import Stage

ROOT = Path(__file__).resolve().parents[2]
BUILD_SECONDS = 2400


def script(name: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run one of the project's scripts; its word in full when it fails."""
    command = [str(ROOT / "scripts" / name), *arguments]
    variables = {**os.environ, **environment}
    answer = subprocess.run(command, env=variables, capture_output=True, text=True, check=False, timeout=BUILD_SECONDS)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer


def toolchain() -> Path:
    """The directory of the Swift toolchain's runtime libraries."""
    answer = subprocess.run(["swift", "-print-target-info"], capture_output=True, text=True, check=True, timeout=60)
    return Path(json.loads(answer.stdout)["paths"]["runtimeResourcePath"])


def without_toolchain(command: Sequence[str]) -> list[str]:
    """Build the command that runs where the toolchain's libraries are covered by an empty directory."""
    hide = 'mount -t tmpfs none "$1" && shift && exec "$@"'
    return [*namespace_options(), "--propagation", "private", "sh", "-c", hide, "sh", str(toolchain()), *command]


@dataclass(frozen=True)
class Tree:
    """A directory with an installation in it."""

    root: Path
    prefix: str = "/usr/local"

    @property
    def programs(self) -> Path:
        return self.root / self.prefix.lstrip("/") / "bin"

    def source(self) -> list[str]:
        """The options that have scripts/install take the programs of this tree."""
        shared = (self.programs.parent / "lib/sluice").is_dir()
        return ["--from", str(self.programs), "--runtime", "shared" if shared else "static"]

    def files(self) -> set[str]:
        """Every file in it, from its root."""
        return {str(path.relative_to(self.root)) for path in self.root.rglob("*") if not path.is_dir()}

    def run(self, name: str, *arguments: str) -> str:
        """Run an installed program with nothing in its environment and no toolchain on the machine."""
        command = without_toolchain(["env", "-i", str(self.programs / name), *arguments])
        answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert answer.returncode == 0, answer.stdout + answer.stderr
        return answer.stdout


# A release build takes minutes, so that every run installs what the suite has built already, in both ways of bringing
# Swift's runtime along: what scripts/install does with a build is the same.
RELEASE = os.environ.get("SLUICE_TEST_RELEASE")
# Compiled for a static runtime, these name the libraries that the runtime's static form needs.
RUNTIME = "import Dispatch\nimport Foundation\nimport FoundationNetworking\nimport Synchronization\n"


def link_statically(directory: Path) -> Path:
    """Link the programs of the suite's build anew, with Swift's runtime inside: the release build's last step."""
    ensure = f"source {ROOT}/scripts/lib.sh && ensure_packages libcurl4-openssl-dev libxml2-dev"
    subprocess.run(["bash", "-c", ensure], check=True, timeout=600)
    (directory / "runtime.swift").write_text(RUNTIME)
    build = program("sluiced").parent
    for name in ("sluiced", "sluice"):
        command = ["swiftc", "-static-stdlib", "-parse-as-library", str(directory / "runtime.swift")]
        # What SwiftPM calls the entry point of an executable target.
        command += [f"@{build / f'{name}.product' / 'Objects.LinkFileList'}", "-Xlinker", f"--defsym=main={name}_main"]
        answer = subprocess.run(
            [*command, "-o", str(directory / name)], capture_output=True, text=True, check=False, timeout=600
        )
        assert answer.returncode == 0, answer.stderr
    return directory


@pytest.fixture(
    scope="module",
    params=[
        "shared",
        "static",
        pytest.param(
            "release",
            marks=pytest.mark.skipif(not RELEASE, reason="a release build: set SLUICE_TEST_RELEASE=1 to make it"),
        ),
    ],
)
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """An installation: the runtime beside the programs, the runtime in them, and as scripts/install builds it."""
    tree = Tree(tmp_path_factory.mktemp("installed"))
    options: list[str] = []
    if request.param == "shared":
        options = ["--from", str(program("sluiced").parent), "--runtime", "shared"]
    elif request.param == "static":
        options = ["--from", str(link_statically(tmp_path_factory.mktemp("linked"))), "--runtime", "static"]
    script("install", "--destdir", str(tree.root), *options)
    return tree


@pytest.mark.timeout(BUILD_SECONDS)
def test_programs_run_without_a_toolchain(built: Tree) -> None:
    assert re.search(r"\d+\.\d+\.\d+", built.run("sluiced", "--version"))
    assert "health" in built.run("sluice", "--help")
    for name in ("sluiced", "sluice"):
        libraries = (
            built.run(name, "--version")
            and subprocess.run(
                ["ldd", str(built.programs / name)], capture_output=True, text=True, check=True, timeout=60
            ).stdout
        )
        assert "not found" not in libraries
        assert str(toolchain()) not in libraries


@pytest.mark.timeout(BUILD_SECONDS)
def test_the_installed_daemon_serves_over_tls(built: Tree, stage: Stage) -> None:
    stage.write("web", 60)
    configuration = stage.save(stage.configuration({"web": stage.remote("web")}))
    daemon = Daemon.start(
        configuration,
        stage.socket,
        stage.directory / "sluiced.log",
        trust=stage.trust,
        sluiced=built.programs / "sluiced",
        environment={"LD_LIBRARY_PATH": ""},
    )
    stage.daemons.append(daemon)
    daemon.wait_ready(sluice=built.programs / "sluice")
    assert health(stage.socket, sluice=built.programs / "sluice").returncode == 0
    assert daemon.stop() == 0


@pytest.mark.timeout(BUILD_SECONDS)
def test_everything_is_in_its_place(built: Tree) -> None:
    files = built.files()
    for expected in (
        "usr/local/bin/sluiced",
        "usr/local/bin/sluice",
        "usr/local/lib/systemd/system/sluiced.service",
        "usr/local/lib/systemd/system/sluiced.socket",
        "usr/local/lib/sysusers.d/sluice.conf",
        "usr/local/lib/tmpfiles.d/sluice.conf",
        "usr/local/share/doc/sluice/README.md",
        "etc/sluice/sluiced.yaml",
    ):
        assert expected in files
    service = (built.root / "usr/local/lib/systemd/system/sluiced.service").read_text()
    assert "ExecStart=/usr/local/bin/sluiced " in service
    assert "/usr/bin" not in service
    assert (built.root / "etc/sluice/credentials").stat().st_mode & 0o777 == 0o700
    assert "configuration" in built.run("sluiced", "--help")
    built.run("sluiced", "--check-config", str(built.root / "etc/sluice/sluiced.yaml"))


@pytest.mark.timeout(BUILD_SECONDS)
def test_completions_are_shell(built: Tree) -> None:
    for name in ("sluice", "sluiced"):
        bash = built.root / "usr/local/share/bash-completion/completions" / name
        assert name in bash.read_text()
        subprocess.run(["bash", "-n", str(bash)], check=True, timeout=30)
        assert (built.root / f"usr/local/share/zsh/vendor-completions/_{name}").read_text().startswith("#compdef")
        assert (built.root / f"usr/local/share/fish/vendor_completions.d/{name}.fish").stat().st_size > 0


@pytest.mark.timeout(BUILD_SECONDS)
def test_uninstalling_takes_out_what_was_put_in(built: Tree, tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    stranger = tmp_path / "usr/local/bin/another"
    stranger.parent.mkdir(parents=True)
    stranger.touch()
    install = ("install", "--destdir", str(tmp_path), *built.source())
    script(*install)
    configuration = tmp_path / "etc/sluice/sluiced.yaml"
    configuration.write_text("# mine\n")
    script(*install)
    assert configuration.read_text() == "# mine\n", "an operator's file is never overwritten"
    script("uninstall", "--destdir", str(tmp_path))
    assert tree.files() == {"usr/local/bin/another", "etc/sluice/sluiced.yaml"}
    assert not (tmp_path / "usr/local/share").exists(), "empty directories go as well"
    script(*install)
    script("uninstall", "--destdir", str(tmp_path), "--purge")
    assert tree.files() == {"usr/local/bin/another"}


# Installs into copies of the system's directories that vanish with the namespace, and prints what there was when.
IN_A_COPY = """
set -euo pipefail
mount -t tmpfs none /mnt
for directory in usr etc var run; do
  mkdir -p /mnt/$directory/upper /mnt/$directory/work
  layers="lowerdir=/$directory,upperdir=/mnt/$directory/upper,workdir=/mnt/$directory/work"
  mount -t overlay none -o "$layers" /$directory
done
list() { find /mnt/*/upper \\( -type f -o -type l \\) -path '*sluice*' | grep -v /dpkg/info/ | sort || true; }
dpkg --install "$1" >&2
dpkg --status sluice | grep '^Status: install ok installed$'
getent passwd sluice
test "$(stat -c %U:%a /run/sluice)" = sluice:755
env -i /usr/bin/sluice --version
env -i /usr/bin/sluiced --check-config /etc/sluice/sluiced.yaml
dpkg --remove sluice >&2
echo "after remove: $(list | tr '\\n' ' ')"
dpkg --purge sluice >&2
echo "after purge: $(find /usr /etc /var/cache /run -path '*sluice*' 2>/dev/null | tr '\\n' ' ')"
"""


@pytest.mark.timeout(BUILD_SECONDS)
def test_the_debian_package_installs_and_goes(built: Tree, tmp_path: Path) -> None:
    if shutil.which("dpkg-deb") is None:
        pytest.skip("dpkg-deb is not installed: this is not a Debian machine")
    if os.geteuid() != 0:
        pytest.skip("installing a package, even into a copy, needs root")
    package = script("package", "--compression", "none", *built.source()).stdout.strip()
    fields = subprocess.run(["dpkg-deb", "--field", package], capture_output=True, text=True, check=True).stdout
    assert "libcurl4" in fields
    assert "libssl3" in fields
    command = ["unshare", "--mount", "--propagation", "private", "bash", "-c", IN_A_COPY, "bash", package]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    after_remove = re.search(r"^after remove: (.*)$", answer.stdout, re.MULTILINE)
    assert after_remove
    assert [path for path in after_remove.group(1).split() if not path.endswith("/sluice/sluiced.yaml")] == []
    assert re.search(r"^after purge: *$", answer.stdout, re.MULTILINE), answer.stdout
    assert not Path("/usr/bin/sluiced").exists(), "the machine itself has seen nothing of it"
