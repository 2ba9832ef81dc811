#!/bin/sh
# Puts into .venv what a make target needs, unless it is there already. Called by the Makefile with
#   run      the pinned packages of the server, and this project itself
#   test     those of development besides
#   lock     only uv, which resolves the pinned packages again: it must work when those cannot be installed
#   clients  into .venv-clients, by the pip of .venv: clients of others and generators of clients, which the tests run
#   orval    one more generator, Redocly and Prism, into .venv-clients/orval
# Says in one line what takes the time, and nothing when there is nothing to do.
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
    found=$("${PYTHON:-python3}" --version 2>/dev/null) || found="no ${PYTHON:-python3}"
    echo "Python 3.11 or newer is needed; found: $found." >&2
    echo "Install one, or name it: make PYTHON=/path/to/python3.12 $wanted" >&2
    exit 1
}

# Several makes at once take turns. The lock is on this folder and ends with the process that holds it.
take_turn() {
    python=.venv/bin/python
    suitable $python || python=$(find_python)
    exec "$python" -c '
import fcntl, os, sys
folder = os.open("requirements", os.O_RDONLY)
os.set_inheritable(folder, True)
try:
    fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    print("Another make is installing into .venv; waiting for it ...", file=sys.stderr)
    fcntl.flock(folder, fcntl.LOCK_EX)
os.execv("/bin/sh", ["sh", "requirements/install.sh", sys.argv[1], "locked"])
' "$wanted"
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

pip_install() {
    .venv/bin/python -m pip --python "$venv/bin/python" --disable-pip-version-check --no-input -qq install "$@" && return
    echo "The installation failed: pip says why above. It asks the package index that pip is set to use;" >&2
    echo "name another one in PIP_INDEX_URL. What is half done is mended by the same make again." >&2
    do_without_clients
}

# Whoever has no network for them still has the other tests.
do_without_clients() {
    [ "$wanted" != clients ] || echo "make test CLIENTS=no leaves out the tests that run clients of others." >&2
    exit 1
}

# aepp names half a gigabyte that its module for Flow Service does without: what is pinned is all that it gets.
install_clients() {
    echo "Installing clients of others into .venv-clients (about $what s) ..." >&2
    suitable .venv-clients/bin/python || .venv/bin/python -m venv --clear --without-pip .venv-clients
    pip_install --no-deps --require-hashes -r requirements/clients.txt
    pip_install --no-deps --require-hashes -r requirements/generators.txt
    if ! command -v npm >/dev/null; then
        echo "No npm here, so without the clients of Node: their tests are skipped." >&2
        return
    fi
    npm_install requirements .venv-clients
}

# Some 300 MB of their own: for `make clients` only.
install_orval() {
    command -v npm >/dev/null || return 0
    echo "Installing orval, Redocly and Prism into .venv-clients/orval (about $what s) ..." >&2
    mkdir -p .venv-clients/orval
    npm_install requirements/orval .venv-clients/orval
}

npm_install() {
    cp "$1/package.json" "$1/package-lock.json" "$2"
    npm ci --prefix "$2" --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null && return
    echo "The installation failed: npm says why above. It asks the registry that npm is set to use." >&2
    do_without_clients
}

venv=.venv
case $wanted in
run) files="requirements/build.txt requirements/run.txt" what=10 sources="$files pyproject.toml" ;;
test) files="requirements/build.txt requirements/test.txt" what=30 sources="$files pyproject.toml" ;;
lock) sources=requirements/lock.txt ;;
orval) venv=.venv-clients what=30 sources="requirements/orval/package-lock.json" ;;
clients) venv=.venv-clients what=40 sources="requirements/clients.txt requirements/generators.txt requirements/package-lock.json" ;;
esac

# What is installed is known by what it was installed from, so a touched file or a switched branch costs nothing.
state=$(cat $sources requirements/install.sh | cksum)
if suitable $venv/bin/python && [ "$(cat "$venv/.$wanted" 2>/dev/null)" = "$state" ]; then
    exit
fi
[ "${2:-}" = locked ] || take_turn

suitable .venv/bin/python && .venv/bin/python -m pip --version >/dev/null 2>&1 || make_venv
if [ "$wanted" = lock ]; then
    echo "Installing uv into .venv ..." >&2
    pip_install --require-hashes -r requirements/lock.txt
elif [ "$wanted" = clients ]; then
    install_clients
elif [ "$wanted" = orval ]; then
    install_orval
else
    count=$(cat $files | grep '==' | grep -v "'win32'" | sort -u | wc -l)
    echo "Installing $((count)) pinned packages into .venv (about $what s) ..." >&2
    # shellcheck disable=SC2046  # a list of files
    pip_install --require-hashes $(printf -- '-r %s ' $files)
    pip_install --no-deps --no-build-isolation --editable .
    # Starts are twice as fast from here on, even where the environment forbids Python to keep bytecode.
    .venv/bin/python -m compileall -q mockserver contracts
    .venv/bin/python -c 'from mockserver.contract import documents; documents.parse_all()'
fi
echo "$state" >"$venv/.$wanted"
