#!/bin/sh
# Installs the system packages that are missing for Quadrat on Debian and Ubuntu; silent when none is.
#
#   system_packages.sh LOG_FOLDER
#
# Elsewhere it only says what is missing.
set -u
logs=$1
log=$logs/apt.log

say() { printf '%s\n' "$*" >&2; }

missing=
if command -v dpkg-query >/dev/null 2>&1 && command -v apt-get >/dev/null 2>&1; then
  for package in qgis python3-qgis qgis-providers python3-venv; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $package"
  done
elif ! command -v qgis_process >/dev/null 2>&1; then
  say "QGIS is not installed, and this system has no apt. Install QGIS 3.22 or later (qgis.org) so that qgis_process is"
  say "on PATH, and run this again. For the command line alone no QGIS is needed: see the README."
  exit 1
fi
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
  as_root=
elif command -v sudo >/dev/null 2>&1; then
  as_root=sudo
else
  say "These system packages are missing:$missing. You are not root and there is no sudo: ask an administrator to run"
  say "  apt-get install --no-install-recommends$missing"
  exit 1
fi
mkdir -p "$logs"
say "Installing system packages:$missing (some minutes; log: $log)"
# shellcheck disable=SC2086
if ! { $as_root apt-get update -q && $as_root env DEBIAN_FRONTEND=noninteractive \
       apt-get install -y -q --no-install-recommends $missing; } >"$log" 2>&1 </dev/null; then
  tail -n 5 "$log" >&2
  say "The system packages could not be installed. Look at $log, put it right, and run this again."
  exit 1
fi
