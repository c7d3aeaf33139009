/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which account of map books an interface has, and the table by which the programs find it.
 * Functions return 0 or a negative errno.
 */
#ifndef METER_ACCOUNTS_H
#define METER_ACCOUNTS_H

#include "meter/meter.h"

/* The account of the interface: its own from before, or one never used (-ENOSPC: there is none).
 * Accounts of interfaces that have gone are not given away, for their counts belong to the sum. */
int account_find(const struct meter *m, __u32 ifindex, const char *name, __u32 *out);
int account_write(const struct meter *m, __u32 account, const struct weir_interface *i);
/* Calls fn for each account whose interface has this ifindex and has not gone. */
int account_each(const struct meter *m, __u32 ifindex, void (*fn)(struct weir_interface *));

/* -ENOSPC: the places that a program would look at are taken. */
int account_add_device(const struct meter *m, __u32 ifindex, __u32 account);
int account_remove_device(const struct meter *m, __u32 ifindex);

#endif
