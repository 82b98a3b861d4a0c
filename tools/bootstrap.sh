#!/bin/sh
# Check what a clone needs from the system, choose a Python, and hand over to setup_env.py.
# usage: tools/bootstrap.sh run|dev      PYTHON=... names the interpreter to use
set -eu

new_enough='import sys; sys.exit(sys.version_info < (3, 11))'
can_make_venv='import ensurepip, venv'
python= old= bare= missing=

for tool in git make; do
    command -v "$tool" >/dev/null || missing="$missing $tool"
done
# Debian's own Python comes second: a version manager's shim may hide it and fail.
for candidate in ${PYTHON:-python3 /usr/bin/python3 python3.14 python3.13 python3.12 python3.11}; do
    command -v "$candidate" >/dev/null || continue
    "$candidate" -c '' 2>/dev/null || continue
    if ! "$candidate" -c "$new_enough"; then
        old=$candidate
    elif "$candidate" -c "$can_make_venv" 2>/dev/null; then
        python=$candidate
        break
    else
        bare=$candidate
    fi
done
if [ -z "$python" ]; then
    [ -n "$bare" ] || missing="$missing python3"
    missing="$missing python3-venv"
fi
if [ -n "$missing" ]; then
    [ -z "$old" ] || [ -n "$bare$python" ] || echo "wua needs Python 3.11 or newer; $old is older." >&2
    [ "$(id -u)" = 0 ] && sudo= || sudo='sudo '
    echo "Missing on this system. Run: ${sudo}apt-get install -y$missing" >&2
    exit 1
fi
exec "$python" "$(dirname "$0")/setup_env.py" "$@"
