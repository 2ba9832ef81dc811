#!/bin/sh
# Installs the pinned packages of requirements/$1.txt, and this project itself, into .venv.
# Called by the Makefile with `run` or `test`; quiet but for one line that says what takes the time.
set -eu
wanted=$1
cd "$(dirname "$0")/.."

suitable() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        if suitable "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    echo "Python 3.11 or newer is needed; found: $(${PYTHON:-python3} --version 2>&1 || true)." >&2
    echo "Install one, or name it: make PYTHON=/path/to/python3.12 $wanted" >&2
    exit 1
}

make_venv() {
    python=$(find_python)
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        echo "$python cannot make virtual environments: its venv module is missing." >&2
        echo "On Debian and Ubuntu: apt install python3-venv" >&2
        exit 1
    fi
    "$python" -m venv --clear .venv
}

suitable .venv/bin/python && .venv/bin/python -m pip --version >/dev/null 2>&1 || make_venv

count=$(cat requirements/build.txt "requirements/$wanted.txt" | grep '==' | grep -vc "'win32'")
case $wanted in run) seconds=10 ;; *) seconds=30 ;; esac
echo "Installing $count pinned packages into .venv (about $seconds s) ..." >&2
pip="env PIP_DISABLE_PIP_VERSION_CHECK=1 .venv/bin/python -m pip -qq --no-input install"
$pip --require-hashes -r requirements/build.txt -r "requirements/$wanted.txt"
$pip --no-deps --no-build-isolation --editable .
touch ".venv/.$wanted"
