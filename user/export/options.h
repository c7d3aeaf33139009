/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where an exporter sends flows, and how. */
#ifndef EXPORT_OPTIONS_H
#define EXPORT_OPTIONS_H

#include <linux/types.h>

#include "base/section.h"
#include "net/url.h"

#define EXPORTS_MAX 8           /* exporters of a process */
#define EXPORT_MESSAGE_MIN 1024 /* bytes; all templates fit in one */
#define EXPORT_QUEUE_MIN (1u << 10)
#define EXPORT_QUEUE_MAX (1u << 22)

struct export_options {
	char *to;
	struct url url; /* `to`, taken apart */
	__u64 template_refresh_ns;
	__u64 options_refresh_ns; /* 0: once a session */
	__u64 rotate_ns;
	__u32 template_messages; /* templates are repeated after this many messages, too */
	__u32 domain;
	__u32 message_bytes; /* 0: as many as the path or the file is best served with */
	__u32 queue;         /* records, a power of two */
	__u32 rotate_bytes;  /* 0: by time only */
	bool biflow;
	char *ca, *cert, *key;
};

/* An entry of the list `export`. */
extern const struct section export_section;

/* The default values, to the address `to`. 0, -EINVAL or -ENOMEM and the reason. `out` is for
 * export_options_free(). */
int export_options_make(const char *to, struct export_options *out, struct why *why);
void export_options_free(struct export_options *options);

#endif
