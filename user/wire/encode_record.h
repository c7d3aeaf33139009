/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A data record in the making, value by value as its template has them:
 *
 *   wire_record_begin(&r, spec)   wire_record_number(&r, ...) ...   wire_record_end(&e, &r)
 */
#ifndef WIRE_ENCODE_RECORD_H
#define WIRE_ENCODE_RECORD_H

#include "wire/spec.h"

#define WIRE_TEXT_MAX 1024 /* bytes of a string that are sent */

struct wire_record {
	const struct wire_template_spec *spec;
	unsigned int field;
	size_t length;
	__u8 bytes[2 * WIRE_TEXT_MAX + 512];
};

void wire_record_begin(struct wire_record *r, const struct wire_template_spec *spec);
void wire_record_number(struct wire_record *r, __u64 value);
void wire_record_real(struct wire_record *r, double value);
void wire_record_truth(struct wire_record *r, bool value);
/* At most WIRE_TEXT_MAX bytes; where the template says how many, cut or filled up with zeroes. */
void wire_record_octets(struct wire_record *r, const void *value, size_t length);
/* NULL: "". */
void wire_record_text(struct wire_record *r, const char *value);
/* 0, or -ENOSPC: it does not fit, the message is as it was. */
int wire_record_end(struct wire_encoder *e, const struct wire_record *r);

/* The RFC 5610 type record of one element, and the template of such records. */
int wire_add_type(struct wire_encoder *e, const struct wire_element *element);
int wire_add_types_template(struct wire_encoder *e);

#endif
