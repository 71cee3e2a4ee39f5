# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# netns_lib.sh - sourced by the tests: namespaces are removed when nobody is in them any more; an instance that died fails a test
#
# accd's keeper puts an interface's addresses back after the last worker has ended, also when all that the test killed was
# the supervisor. A namespace that is removed under it takes the interface away, and then the record of what was to be put
# back stays in /run/accd.

# netns_del NS...: wait until they are empty, at most 10 s, kill who is left, remove them
netns_del() {
	_tries=200
	for _ns; do
		while [ $_tries -gt 0 ] && [ -n "$(ip netns pids "$_ns" 2>/dev/null)" ]; do
			_tries=$((_tries - 1))
			sleep 0.05 # the step of the wait for a condition
		done
	done
	for _ns; do
		_left=$(ip netns pids "$_ns" 2>/dev/null) || continue # it was never made
		[ -z "$_left" ] || {
			echo "netns_del: still in $_ns, killed:" $_left
			kill -KILL $_left 2>/dev/null || true
		}
		ip netns del "$_ns" 2>/dev/null || true
	done
	return 0
}

# kernel_died DIR: whether a program whose output lies there said that its instance died, and what it said. On the debug kernel
# every complaint ends the instance; accd puts the next worker in its place, and the rest of the test may well succeed.
kernel_died() {
	[ -n "$1" ] && grep -s -h -D skip -d skip -A 80 "kernel died: " "$1"/*
}
