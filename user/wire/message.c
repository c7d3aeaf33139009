// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "wire/message.h"

const __u8 *wire_field_at(const __u8 *at, const __u8 *end, bool v9, struct wire_template_field *f)
{
	if (end - at < 4)
		return NULL;
	f->number = wire_get16(at);
	f->bytes = wire_get16(at + 2);
	f->pen = 0;
	at += 4;
	if (v9 || !(f->number & IPFIX_ENTERPRISE))
		return at;
	if (end - at < 4)
		return NULL;
	f->number &= ~IPFIX_ENTERPRISE;
	f->pen = wire_get32(at);
	return at + 4;
}

const __u8 *wire_value_at(const __u8 *at, const __u8 *end, size_t *length)
{
	if (end - at < 1)
		return NULL;
	*length = *at++;
	if (*length == IPFIX_LONG_LENGTH) {
		if (end - at < 2)
			return NULL;
		*length = wire_get16(at);
		at += 2;
	}
	return (size_t)(end - at) < *length ? NULL : at;
}
