#!/bin/sh
# Installs the Debian packages that some tests use, where that is allowed; elsewhere it says which tests will be skipped.
set -eu
missing=""
command -v promtool >/dev/null 2>&1 || missing="$missing prometheus"
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
command -v nginx >/dev/null 2>&1 || [ -x /usr/sbin/nginx ] || missing="$missing nginx-light"
command -v valgrind >/dev/null 2>&1 || missing="$missing valgrind"
command -v slowhttptest >/dev/null 2>&1 || missing="$missing slowhttptest"
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null 2>&1 || missing="$missing postgresql"
command -v haproxy >/dev/null 2>&1 || [ -x /usr/sbin/haproxy ] || missing="$missing haproxy"
command -v ip >/dev/null 2>&1 && command -v tc >/dev/null 2>&1 || missing="$missing iproute2"
command -v iptables >/dev/null 2>&1 || missing="$missing iptables"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing:$missing"
    apt-get update -qq >/dev/null 2>&1
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null 2>&1 || {
        echo "packages: could not install$missing" >&2
        [ "${CI:-}" = true ] && exit 1
        exit 0
    }
else
    echo "packages: not installed:$missing (not root, or not Debian); their tests are skipped"
    [ "${CI:-}" = true ] && exit 1
    exit 0
fi
