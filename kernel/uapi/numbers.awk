# SPDX-License-Identifier: GPL-2.0-only
# numbers.awk - the numbers of the socket calls, from the kernel's include/linux/socket.h
#
# Takes every #define of AF_, PF_, SOL_, SCM_, MSG_ and SOMAXCONN whose value is a number or another such name. What only
# the kernel passes to itself (MSG_SENDPAGE_*, MSG_INTERNAL_*, MSG_CMSG_COMPAT) is left out.
BEGIN {
	print "/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */"
	print "/* Made from include/linux/socket.h by kernel/uapi/numbers.awk. */"
	print "#ifndef _SOCKET_NUMBERS_H\n#define _SOCKET_NUMBERS_H\n"
}
/^#define[ \t]+(AF|PF|SOL|SCM|MSG)_[A-Za-z0-9_]+[ \t]+(0x[0-9a-fA-F]+|[0-9]+|(AF|PF|SOL|SCM|MSG)_[A-Za-z0-9_]+)/ ||
/^#define[ \t]+SOMAXCONN[ \t]/ {
	if ($2 ~ /^MSG_(SENDPAGE|INTERNAL|CMSG_COMPAT|NO_SHARED|SPLICE_PAGES)/ || $2 in seen)
		next
	seen[$2] = 1
	print "#define " $2 "\t" $3
	n++
}
END {
	print "\n#endif"
	if (n < 150) {
		print "numbers.awk: only " n " numbers found" >"/dev/stderr"
		exit 1
	}
}
