#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# syscalls.sh - numbers and table of the system calls of a release without scripts/syscall.tbl
#
# usage: syscalls.sh CC SRCTREE GENERATED
#
# Writes GENERATED/uapi/asm/unistd_64.h (#define __NR_NAME NUMBER) and GENERATED/asm/syscall_table_64.h
# (__SYSCALL(NUMBER, FUNCTION)), both from what the preprocessor makes of asm-generic/unistd.h, and only when they change.
set -eu
cc=$1
src=$2
out=$3

preprocess() {
	$cc -E -P -x c "$@" -nostdinc -D__KERNEL__ -D__ARCH_WANT_RENAMEAT -D__ARCH_WANT_NEW_STAT -D__ARCH_WANT_SET_GET_RLIMIT \
		-D__ARCH_WANT_SYS_CLONE -D__ARCH_WANT_SYS_CLONE3 -D__SYSCALL=__SYSCALL \
		-I"$src/include/uapi" -I"$out/uapi" -
}

install_if_changed() {
	if cmp -s "$1.tmp" "$1"; then rm "$1.tmp"; else mv "$1.tmp" "$1"; fi
}

mkdir -p "$out/asm" "$out/uapi/asm"
numbers=$out/uapi/asm/unistd_64.h
table=$out/asm/syscall_table_64.h

names=$(echo '#include <asm-generic/unistd.h>' | preprocess -dM | sed -n 's/^#define __NR_\([a-z][a-z0-9_]*\) .*/\1/p' |
	grep -vx -e syscalls -e arch_specific_syscall)
{
	echo '#ifndef _UAPI_ASM_UNISTD_64_H'
	echo '#define _UAPI_ASM_UNISTD_64_H'
	echo
	{
		echo '#include <asm-generic/unistd.h>'
		for name in $names syscalls; do
			echo "LKL_NR $name __NR_$name"
		done
	} | preprocess | awk '$1 == "LKL_NR" { print $3, $2 }' | sort -n | awk '
		$2 == "syscalls" { last = $1; next }
		{ print "#define __NR_" $2 " " $1 }
		END { print "\n#ifdef __KERNEL__\n#define __NR_syscalls " last "\n#endif" }'
	echo
	echo '#endif /* _UAPI_ASM_UNISTD_64_H */'
} >"$numbers.tmp"
install_if_changed "$numbers"

echo '#include <asm-generic/unistd.h>' | preprocess | tr -d ' \n' | sed 's/__SYSCALL(/\n&/g' |
	sed -n 's/^__SYSCALL(\([0-9]*\),\([a-z0-9_]*\)).*/\1 \2/p' | sort -n |
	awk '{ print "__SYSCALL(" $1 ", " $2 ")" }' >"$table.tmp"
[ "$(wc -l <"$table.tmp")" -gt 250 ] || { echo "syscalls.sh: a table of $(wc -l <"$table.tmp") calls" >&2; exit 1; }
install_if_changed "$table"
