// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "wire/encode_record.h"

#include <errno.h>

#include "base/utf8.h"
#include "wire/encode_internal.h"

void wire_record_begin(struct wire_record *r, const struct wire_template_spec *spec)
{
	r->spec = spec;
	r->field = 0;
	r->length = 0;
}

static unsigned int next_bytes(struct wire_record *r)
{
	return wire_spec_bytes(r->spec, r->field++);
}

void wire_record_number(struct wire_record *r, __u64 value)
{
	unsigned int bytes = next_bytes(r);

	wire_put_uint(r->bytes + r->length, bytes, value);
	r->length += bytes;
}

void wire_record_real(struct wire_record *r, double value)
{
	__u64 bits;

	memcpy(&bits, &value, sizeof(bits));
	wire_record_number(r, bits);
}

void wire_record_truth(struct wire_record *r, bool value)
{
	wire_record_number(r, value ? IPFIX_TRUE : IPFIX_FALSE);
}

void wire_record_octets(struct wire_record *r, const void *value, size_t length)
{
	unsigned int bytes = next_bytes(r);
	__u8 *at = r->bytes + r->length;

	length = length < WIRE_TEXT_MAX ? length : WIRE_TEXT_MAX;
	if (bytes != IPFIX_VARIABLE) {
		length = length < bytes ? length : bytes;
		memset(at, 0, bytes);
		r->length += bytes;
	} else if (length < IPFIX_LONG_LENGTH) {
		*at++ = length;
		r->length += 1 + length;
	} else {
		*at++ = IPFIX_LONG_LENGTH;
		wire_put16(at, length);
		at += 2;
		r->length += 3 + length;
	}
	if (length)
		memcpy(at, value, length);
}

void wire_record_text(struct wire_record *r, const char *value)
{
	const unsigned int bytes = wire_spec_bytes(r->spec, r->field);
	const size_t most = bytes < WIRE_TEXT_MAX ? bytes : WIRE_TEXT_MAX; /* variable: 65535 */

	wire_record_octets(r, value, utf8_cut(value ? value : "", most));
}

int wire_record_end(struct wire_encoder *e, const struct wire_record *r)
{
	__u8 *at = wire_reserve_data(e, r->spec->id, r->length);

	if (!at)
		return -ENOSPC;
	memcpy(at, r->bytes, r->length);
	return 0;
}
