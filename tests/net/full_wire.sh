#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# full_wire - an interface slower than the stack: the wire says it is full, the stack waits and goes on, nothing is lost
#
#   client --- bridge --- proxy (accd, lkl; its eth0 sends 200 Mbit/s at most, tbf) --- bridge --- server (nginx)
#
# usage: full_wire.sh ACCD
# Holds when three 10 MiB responses arrive whole and without standstill (at more than a tenth of the rate, for the machine may be
# busy), the wire was full at least once, dropped nothing, and was not tried in vain more often than it sent.

set -uo pipefail
[ $# = 1 ] || { sed -n 's/^# usage: /usage: /p' "$0" >&2; exit 2; }
STACK=lkl
ACCD=$1
TOOLS="nginx curl tc"
# shellcheck source=tests/net/testbed_lib.sh
. "$(dirname "$0")/testbed_lib.sh"
trap test_finish EXIT
tb_init
tb_up && tb_server_up && tb_candidate_up lkl || tb_fail "cannot start"
tb_exec proxy tc qdisc add dev eth0 root tbf rate 200mbit burst 64k limit 200k 2>/dev/null ||
	skip "the host's kernel has no tbf (module sch_tbf)"

check() { # check TEXT CONDITION (arithmetic)
	if (($2)); then
		echo "ok: $1"
	else
		echo "FAILED: $1: $2"
		failed=1
	fi
}

for i in 1 2 3; do
	read -r bytes speed < <(tb_exec client curl -s -m 60 -o /dev/null -w '%{size_download} %{speed_download}\n' "$tb_url/big")
	echo "response $i: $bytes bytes at $speed bytes/s"
	check "response $i is whole" "${bytes:-0} == $tb_big_bytes"
	check "response $i took more than a tenth of the rate" "${speed:-0} > 2500000"
done
tb_stop proxy
counters=$(sed -n 's/^accd: wire: //p' "$tb_dir/proxy.log")
echo "wire: $counters"
counter() {
	tr ' ' '\n' <<<"$counters" | sed -n "s/^$1=//p"
}
check "the wire was full" "$(counter tx_full) > 0"
check "it was not tried in vain all the time" "$(counter tx_full) < $(counter tx_big)"
check "no frame was dropped" "$(counter tx_errors) == 0"
exit $failed
