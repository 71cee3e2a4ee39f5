#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Several accd at the same time, each built on another kernel series: every one says which release it runs, and relays.
#
#	far 10.98.N.1: clients, and one server on port 9000 [kN] = tap: Nth accd, 10.98.N.2
#
# usage: releases.sh TRAFFIC SERIES=ACCD SERIES=ACCD...
#
# Not in Meson's suite, which knows one build: tools/check-releases runs it.
. "$(dirname "$0")/wire_lib.sh"

TRAFFIC=$1
shift
[ $# -ge 2 ] || skip "needs two builds of accd on different kernel series (make check-releases)"
ns far
i=0
for build in "$@"; do
	i=$((i + 1))
	cat >"$TMP/conf$i" <<-CONF
		stack = lkl;
		log { access = off; }
		worker { memory = 128M; }
		wire { type = tap; interface = k$i; options = "up,mac=02:00:00:00:00:0$i"; mode = static; address = "10.98.$i.2/24"; }
		listener web { bind = "*:8080"; pool = p; }
		pool p { server s1 { address = "10.98.$i.1:9000"; } }
	CONF
	background "accd$i" "$far" sh -c 'exec "$0" -f "$1" 2>&1' "${build#*=}" "$TMP/conf$i"
	wait_for 20 grep -q 'accd: ready:' "$TMP/accd$i" || { cat "$TMP/accd$i"; fail "$build"; }
	wait_for 20 ip -n "$far" link show "k$i" || fail "no k$i"
	ip -n "$far" addr add "10.98.$i.1/24" dev "k$i"
	release=$(sed -n 's/.*accd: ready:.* kernel=\([^ ]*\) .*/\1/p' "$TMP/accd$i")
	echo "# accd $i: built for ${build%%=*}, runs Linux $release"
	case $release in
	"${build%%=*}".*) ;;
	*) fail "$build runs '$release'" ;;
	esac
done
n=$i

ip netns exec "$far" "$TRAFFIC" server 0.0.0.0 9000 s1 >"$TMP/server" &
PIDS="$PIDS $!"
wait_for 20 grep -q listening "$TMP/server" || fail "no server"

# All of them at work at the same time.
clients=
for i in $(seq "$n"); do
	ip netns exec "$far" timeout 100 "$TRAFFIC" client "10.98.$i.2" 8080 --up 3M --down 20M --order both >"$TMP/client$i" 2>&1 &
	clients="$clients $i:$!"
	PIDS="$PIDS $!"
done
for client in $clients; do
	i=${client%%:*}
	wait "${client#*:}" || { cat "$TMP/client$i" >&2; fail "client of accd $i"; }
	echo "# accd $i relayed"
done
for i in $(seq "$n"); do
	stop "accd$i" >/dev/null
done
echo "$n releases side by side"
