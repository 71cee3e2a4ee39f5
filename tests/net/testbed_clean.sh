#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# testbed_clean.sh - a run in bench/testbed that is killed leaves nothing behind once the next one has begun
#
# usage: testbed_clean.sh ACCD
#
# Its namespaces, its directory, and accd's record in /run/accd of what was taken, which the keeper removes when it has given
# that back: not if it is killed, or if the interface is taken away from under it.

set -uo pipefail
[ $# = 1 ] || { sed -n 's/^# usage: /usage: /p' "$0" >&2; exit 2; }
STACK=lkl
ACCD=$1
TOOLS="nginx curl"
# shellcheck source=tests/net/testbed_lib.sh
. "$(dirname "$0")/testbed_lib.sh"
trap test_finish EXIT

# shellcheck disable=SC2016 # it is the killed run that expands them
read -r id pid < <(bash -c '. bench/testbed
	tb_init && tb_up && tb_server_up && tb_candidate_up lkl || exit
	echo "$tb_id ${tb_pids[proxy]}"
	kill -KILL $$' 2>/dev/null)
[ -n "${pid:-}" ] || tb_fail "cannot start"
record=$(grep -lx "$pid" /run/accd/*.lock)
record=${record%.lock}
expect "accd has a record" test -s "$record"
expect "it outlives its testbed's owner" kill -0 "$pid"
tb_init # or another one at the same time
expect "accd has ended" wait_for 60 bash -c "! kill -0 $pid"
expect "no namespace is left" wait_for 60 bash -c "! ls /run/netns | grep -F '$id'"
expect "no directory is left" wait_for 60 test ! -e "/tmp/$id"
expect "no record is left" wait_for 60 test ! -e "$record"
expect "no lock is left" wait_for 60 test ! -e "$record.lock"
[ $failed = 0 ]
