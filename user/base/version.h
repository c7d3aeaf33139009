/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#define WEIR_VERSION "0.1.0"
#define WEIR_CONFIG_FILE "/etc/weir/weir.yaml"

#endif
