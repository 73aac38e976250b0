# shellcheck shell=bash
# shellcheck disable=SC2034  # what one script does not use, another does
# What the scripts share: talking, set-up, and running things within bounds. Sourced, never run.

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
venv="$root/.venv"
python="$venv/bin/python"

# Debian's packages that a build needs, and those that make a Python environment.
build_packages=(
  libbrotli-dev libbz2-dev libsnappy-dev libssl-dev libxxhash-dev libzstd-dev pkg-config zlib1g-dev
)
python_packages=(python3 python3-venv)

# One set of flags for every debug build, so that scripts/test and scripts/check share one build.
strict_build=(-Xswiftc -warnings-as-errors --explicit-target-dependency-import-check error)

if [[ -t 2 && -z "${NO_COLOR:-}" && "${TERM:-dumb}" != dumb ]]; then
  bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'
else
  bold='' dim='' red='' green='' plain=''
fi

# Everything the scripts say themselves goes to standard error, so that output stays the tools'.
say() { printf '%s==>%s %s\n' "$bold" "$plain" "$*" >&2; }
note() { printf '    %s%s%s\n' "$dim" "$*" "$plain" >&2; }
die() {
  printf '%serror:%s %s\n' "$red" "$plain" "$*" >&2
  exit 1
}

as_root() {
  if [[ $EUID -eq 0 ]]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "this needs root and there is no sudo: $*"
  fi
}

is_installed() {
  [[ "$(dpkg-query --show --showformat='${db:Status-Abbrev}' "$1" 2>/dev/null)" == ii* ]]
}

# ensure_packages PACKAGE...: installs those that are missing, and says which. Asks nothing.
ensure_packages() {
  local package missing=()
  command -v dpkg-query >/dev/null || {
    note "not a Debian machine: please see to these packages yourself: $*"
    return 0
  }
  for package in "$@"; do
    is_installed "$package" || missing+=("$package")
  done
  [[ ${#missing[@]} -eq 0 ]] && return 0
  say "installing Debian packages: ${missing[*]}"
  apt_install "${missing[@]}" || {
    note "refreshing the package lists"
    as_root apt-get update -qq
    apt_install "${missing[@]}" || die "apt-get could not install: ${missing[*]}"
  }
}

apt_install() {
  # No services are started: a server package brings its program, nothing more.
  as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get install -qq --yes \
    --no-install-recommends -o Dpkg::Use-Pty=0 "$@" >/dev/null
}

# fetch_tool PACKAGE: unpacks a Debian package's programs into .build-tools/PACKAGE without installing it, so that no
# service of its starts. Where that fails, it is said, and the tests that need it are skipped.
fetch_tool() {
  local target="$root/.build-tools/$1" work
  [[ ! -d "$target" ]] || return 0
  work="$(mktemp -d)"
  chmod 0755 "$work"
  say "fetching $1 into .build-tools"
  if (cd "$work" && { apt-get -qq download "$1" || { as_root apt-get update -qq && apt-get -qq download "$1"; }; } &&
    dpkg-deb -x ./*.deb tree) >"$work/log" 2>&1; then
    mkdir -p "$root/.build-tools"
    mv "$work/tree" "$target"
  else
    note "left out, tests that need it are skipped: $(grep -v '^W:' "$work/log" | tail -n 1)"
  fi
  rm -rf "$work"
}

ensure_swift() {
  command -v swift >/dev/null || die "swift is not on the PATH: Sluice needs a Swift 6.3 toolchain (swift.org/install)"
}

# A Python that can make virtual environments; the first of PATH, or Debian's.
find_python() {
  local candidate
  for candidate in python3 /usr/bin/python3; do
    if command -v "$candidate" >/dev/null && "$candidate" -c 'import ensurepip, sys, venv
sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
      command -v "$candidate"
      return 0
    fi
  done
  return 1
}

# ensure_python GROUP...: the virtual environment with these groups of scripts/requirements, quickly when it is as
# wanted already. `training` (PyTorch), `reference` (mosaicml-streaming, to compare with) and `bench` (litdata, likewise)
# may be out of reach: that is said, and nothing fails.
ensure_python() {
  local group interpreter lock
  interpreter="$(find_python)" || {
    ensure_packages "${python_packages[@]}"
    interpreter="$(find_python)" || die "Python 3.10 or newer with venv is needed"
  }
  exec {lock}<"$root/scripts"
  flock "$lock"
  if [[ ! -x "$python" ]] || ! "$python" -c 'import pip' 2>/dev/null; then
    say "making a virtual environment in .venv"
    rm -rf "$venv"
    "$interpreter" -m venv "$venv"
  fi
  for group in "$@"; do
    install_group "$group"
  done
  install_client
  exec {lock}<&-
}

install_group() {
  local group="$1" file="$root/scripts/requirements/$1.txt" stamp="$venv/.$1.stamp" wanted
  wanted="$(sha256sum <"$file")"
  [[ -f "$stamp" && "$(cat "$stamp")" == "$wanted" ]] && return 0
  say "installing Python packages ($group): $(sed -E 's/[ ;#].*//; /^$/d' "$file" | paste -sd' ')"
  if pip_install --requirement "$file" && install_bare "$group"; then
    printf '%s\n' "$wanted" >"$stamp"
  elif [[ "$group" == training || "$group" == reference || "$group" == bench ]]; then
    note "left out, tests that need it are skipped: $(tail -n 1 "$venv/.pip.log")"
  else
    cat "$venv/.pip.log" >&2
    die "pip could not install the group $group"
  fi
}

pip_install() {
  "$python" -m pip install --quiet --disable-pip-version-check "$@" 2>"$venv/.pip.log"
}

# The packages compared with ask for many clouds' clients and for torchvision; what they import at run time is in the
# requirements, the rest stays out.
install_bare() {
  local packages
  case "$1" in
    reference) pip_install --no-deps mosaicml-streaming==0.13.0 || return ;;
    bench) pip_install --no-deps litdata==0.2.76 || return ;;
    *) return 0 ;;
  esac
  packages="$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
  printf '%s\n' "$root/scripts/stand-ins" >"$packages/sluice-stand-ins.pth"
}

# Sluice's own client, editable, so that tests and the demo run what the tree holds.
install_client() {
  local project="$root/Sources/PythonClient/pyproject.toml" stamp="$venv/.editable.stamp" wanted
  [[ -f "$project" ]] || {
    note "Sources/PythonClient has no pyproject.toml yet: the client is not installed"
    return 0
  }
  wanted="$root $(sha256sum <"$project")"
  [[ -f "$stamp" && "$(cat "$stamp")" == "$wanted" ]] && return 0
  pip_install --editable "$root/Sources/PythonClient" || {
    cat "$venv/.pip.log" >&2
    die "pip could not install Sources/PythonClient"
  }
  printf '%s\n' "$wanted" >"$stamp"
}

# within SECONDS COMMAND...: runs it in the foreground (Ctrl-C reaches it) and ends it when the time is over.
within() {
  local seconds="$1" status=0
  shift
  timeout --foreground --kill-after=20 "$seconds" "$@" || status=$?
  [[ $status -ne 124 && $status -ne 137 ]] || printf '%serror:%s gave up after %s s: %s\n' "$red" "$plain" "$seconds" "$*" >&2
  return "$status"
}
