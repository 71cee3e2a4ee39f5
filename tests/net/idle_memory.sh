#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# idle_memory.sh ACCD PEER [STACK [SESSIONS [SECONDS]]] - what an established session that is idle costs in memory
#
# Opens SESSIONS (10000) sessions from several client processes through one worker of accd on STACK (lkl) to one server, in
# network namespaces of its own; compares the worker's memory before and with them (Pss of the process: with lkl both sockets
# of each session, the stack's tables and accd's own part lie in it; on the host the sockets do not); waits SECONDS (10); then
# sends a byte over every session and waits for the echo. Prints one line of figures; status 0: all alive and at most 12 KiB each.
set -u
# shellcheck source=tests/net/hub_lib.sh
. "$(dirname "$0")/hub_lib.sh"
ACCD=${1:?usage: idle_memory.sh ACCD PEER [STACK [SESSIONS [SECONDS]]]}
PEER=${2:?usage: idle_memory.sh ACCD PEER [STACK [SESSIONS [SECONDS]]]}
STACK=${3:-lkl} SESSIONS=${4:-10000} SECONDS_IDLE=${5:-10}
PER_CLIENT=2500 LIMIT_BYTES=12288
hub_init idle_memory idle
attach "$CLIENT" 10.79.0.1/16
attach "$PROXY" 10.79.0.2/16
attach "$SERVER" 10.79.1.1/16 10.79.1.2/16

cat >"$DIR/conf" <<END
log { access = off; }
worker { memory = 512M; max_sessions = $((SESSIONS + 100)); }
wire { interface = eth0; }
listener l { bind = "10.79.0.2:80"; pool = p; idle_timeout = 1d; }
pool p { connect_timeout = 60s; server s1 { address = "10.79.1.1:8080"; } server s2 { address = "10.79.1.2:8080"; } }
END
for s in 1 2; do
	ip netns exec "$SERVER" "$PEER" serve s$s 10.79.1.$s 8080 >"$DIR/s$s" 2>&1 &
	PIDS="$PIDS $!"
	wait_for 20 "s$s listens" grep -q listening "$DIR/s$s" || exit 1
done
ip netns exec "$PROXY" "$ACCD" -f "$DIR/conf" --stack "$STACK" 2>"$DIR/accd.err" &
PIDS="$PIDS $!"
wait_for 30 "accd is ready" grep -q "accd: ready:" "$DIR/accd.err" || exit 1
worker=$(sed -n 's/.* worker=\([0-9]*\).*/\1/p' "$DIR/accd.err")

pss_kib() { awk '/^Pss:/ { print $2 }' /proc/$worker/smaps_rollup; }

before=$(pss_kib)
files=()
for ((i = 0; i < SESSIONS / PER_CLIENT; i++)); do
	mkfifo "$DIR/in$i"
	ip netns exec "$CLIENT" "$PEER" idle 10.79.0.2 80 $PER_CLIENT 10.79.0.1 <"$DIR/in$i" >"$DIR/out$i" 2>&1 &
	PIDS="$PIDS $!"
	exec {fd}>"$DIR/in$i"
	files+=("$fd")
done
opened() { [ "$(cat "$DIR"/out* | grep -c '^open')" = ${#files[@]} ]; }
wait_for 120 "all are open" opened || exit 1
with=$(pss_kib)
sleep "$SECONDS_IDLE" # the time that they are to be idle
later=$(pss_kib)
for fd in "${files[@]}"; do echo go >&"$fd"; done
answered() { [ "$(cat "$DIR"/out* | grep -c '^alive')" = ${#files[@]} ]; }
wait_for 120 "all have answered" answered || exit 1
alive=$(cat "$DIR"/out* | awk '/^alive/ { n += $2 } END { print n }')
each=$(((later - before) * 1024 / SESSIONS))
echo "stack=$STACK sessions=$SESSIONS before=$before KiB with=$with KiB after_${SECONDS_IDLE}s=$later KiB per_session=$each bytes alive=$alive"
[ -n "${KEEP_STATS:-}" ] && cat /proc/$worker/smaps_rollup
expect "all are alive" [ "$alive" = "$SESSIONS" ]
[ "$STACK" != lkl ] || expect "at most $LIMIT_BYTES bytes each" [ "$each" -le $LIMIT_BYTES ]
exit 0
