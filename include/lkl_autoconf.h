/* SPDX-License-Identifier: GPL-2.0-only */
/* lkl_autoconf.h - what the host side was built with, under the names that programs for LKL test */
#ifndef LKL_AUTOCONF_H
#define LKL_AUTOCONF_H

#define LKL_HOST_CONFIG_POSIX y
#define LKL_HOST_CONFIG_VIRTIO_NET y
#define LKL_HOST_CONFIG_VIRTIO_NET_FD y
#define LKL_HOST_CONFIG_VIRTIO_NET_MACVTAP y

#endif /* LKL_AUTOCONF_H */
