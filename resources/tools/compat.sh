#!/bin/bash
# The plugin's tests under newer QGIS, each in a Debian of its own (a folder that is entered with chroot), and the Qt 6 lint.
#
#   compat.sh [SUITE…]      default: trixie (QGIS 3.40) and sid (QGIS 3.44)
#   compat.sh -c COMMAND…   run this inside each instead of the tests; the checkout is the current folder
#
# Needs root and a Debian system: the mirror is the one that apt uses here. The folders lie in .quadrat/compat, some 3 GB
# each; making one takes some minutes, later runs start at once. The working tree is copied in, so nothing is written here.
set -euo pipefail
cd "$(dirname "$0")/../.."
state=${QUADRAT_HOME:-$PWD/.quadrat}/compat
suites="trixie sid"
command=()
while [ $# -gt 0 ]; do
  case $1 in
    -c) shift; command=("$@"); break ;;
    -h|--help) sed -n '2,9p' "$0"; exit 0 ;;
    *) suites="${suites_given:-} $1"; suites_given=$suites; shift ;;
  esac
done

say() { printf '%s\n' "$*" >&2; }

lint() {
  local python=/usr/bin/python3
  "$python" -c 'import qgis.core' 2>/dev/null || { say "Qt 6 lint skipped: $python has no qgis."; return 0; }
  PATH=/usr/bin:$PATH "$python" resources/tools/qt6_lint.py plugin processing __init__.py tests/plugin tests/processing
}

prepare() {
  [ "$(id -u)" = 0 ] || { say "make compat needs root: it makes Debian folders and enters them."; exit 2; }
  command -v apt-get >/dev/null || { say "make compat needs a Debian or Ubuntu system."; exit 2; }
  command -v debootstrap >/dev/null || apt-get install -y -q debootstrap >&2
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' | grep -v security | head -n 1)
  [ -n "$mirror" ] || { say "apt here knows no Debian mirror."; exit 2; }
  mkdir -p "$state"
  exec 9>"$state/lock"
  flock 9
}

# enter ROOT COMMAND…: run inside, with private mounts, so that nothing stays mounted whatever happens
enter() {
  local root=$1 keep=() name
  shift
  while IFS= read -r name; do keep+=("$name=${!name}"); done < <(compgen -e | grep -E '^(PIP_(INDEX|EXTRA|TRUSTED|DEFAULT|PROXY)|UV_|https?_proxy|HTTPS?_PROXY|no_proxy|NO_PROXY)' || true)
  unshare --mount --propagation private bash -c '
    root=$1; shift
    mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev" && mount -t tmpfs tmpfs "$root/run"
    cp -L /etc/resolv.conf "$root/etc/resolv.conf"
    mkdir -p -m 700 "$root/run/user"
    exec chroot "$root" "$@"
  ' _ "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 HOME=/root TMPDIR=/tmp \
    DEBIAN_FRONTEND=noninteractive QT_QPA_PLATFORM=offscreen XDG_RUNTIME_DIR=/run/user QUADRAT_HOME=/opt/quadrat \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt PIP_CERT=/etc/ssl/certs/ca-certificates.crt "${keep[@]}" "$@"
}

make_root() {
  local suite=$1 root=$state/$1 script=/usr/share/debootstrap/scripts/$1 started=$SECONDS
  [ -e "$root/.ready" ] && return
  say "Making $root (log: $state/$suite.log)"
  [ -e "$script" ] || script=/usr/share/debootstrap/scripts/sid
  rm -rf "$root"
  debootstrap --variant=minbase "$suite" "$root" "$mirror" "$script" >"$state/$suite.log" 2>&1 || failed "$suite"
  # A mirror may hold an index that is older than the validity it states.
  echo 'Acquire::Check-Valid-Until "false";' >"$root/etc/apt/apt.conf.d/90compat"
  enter "$root" sh -c 'apt-get update -q && apt-get install -y -q --no-install-recommends \
    qgis python3-qgis qgis-providers python3-venv ca-certificates git procps && apt-get clean' \
    >>"$state/$suite.log" 2>&1 || failed "$suite"
  # The authorities that this machine trusts, its organisation's included.
  [ ! -e /etc/ssl/certs/ca-certificates.crt ] || cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
  touch "$root/.ready"
  say "Made in $((SECONDS - started)) s"
}

failed() { tail -n 5 "$state/$1.log" >&2; say "$1 could not be made; see $state/$1.log"; exit 1; }

copy_tree() {
  local target=$1/src/quadrat
  rm -rf "$target"
  mkdir -p "$target"
  git ls-files -co --exclude-standard -z | while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done \
    | tar --null -T - -cf - | tar -C "$target" -xf -
  git -C "$target" init -q && git -C "$target" add -A && \
    git -C "$target" -c user.name=compat -c user.email=compat@example.org commit -q -m "Copy of the working tree"
}

tests='
set -e
python3 __main__.py setup --size light
if ! cmp -s resources/engine/test-qgis.txt /opt/tests/made-of; then
  PYTHONDONTWRITEBYTECODE=1 python3 resources/tools/test_environment.py qgis /opt/tests
  cp resources/engine/test-qgis.txt /opt/tests/made-of
fi
status=0
/usr/bin/python3 resources/tools/qt6_lint.py plugin processing __init__.py tests/plugin tests/processing || status=1
for room in processing plugin; do
  timeout 900 /opt/tests/bin/pytest -q -p no:cacheprovider tests/$room || status=1
done
exit $status
'
[ ${#command[@]} -gt 0 ] || command=(bash -c "$tests")

status=0
lint || status=1
prepare
for suite in $suites; do
  make_root "$suite"
  copy_tree "$state/$suite"
  say "== $suite: QGIS $(chroot "$state/$suite" dpkg-query -W -f '${Version}' qgis), $(chroot "$state/$suite" python3 --version)"
  # shellcheck disable=SC2016 # expanded inside
  if enter "$state/$suite" bash -c 'cd /src/quadrat && exec "$@"' _ "${command[@]}"; then
    say "== $suite: ok"
  else
    say "== $suite: FAILED"
    status=1
  fi
done
exit $status
