#!/bin/sh
# Writes deploy/site/.env: the variables that compose.yaml wants, freshly drawn and for this account alone to read.
# They are kept as long as the volumes are: the database has its password, the objects their key, and identity numbers are sealed under the
# data key. With others nobody can read what is there, so a file that is there already is left as it is.
set -eu
umask 077
place="$(dirname "$0")/.env"
if [ -e "$place" ]; then
    echo "draw-secrets: $place is there already; want it gone before others are drawn, and the volumes with it" >&2
    exit 2
fi
hexadecimal() { od -An -v -tx1 -N "$1" /dev/urandom | tr -d ' \n'; }
cat >"$place" <<END
GELOMBANG_DATABASE_PASSWORD=$(hexadecimal 24)
GELOMBANG_DATA_KEY=$(head -c 64 /dev/urandom | base64 | tr -d '\n' | tr '+/' '-_')
GELOMBANG_HARNESS_TOKEN=$(hexadecimal 24)
GELOMBANG_OBJECTS_KEY=GK$(hexadecimal 12)
GELOMBANG_OBJECTS_SECRET=$(hexadecimal 32)
GELOMBANG_OBJECTS_RPC_SECRET=$(hexadecimal 32)
GELOMBANG_GRAFANA_PASSWORD=$(hexadecimal 12)
END
