// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "wire/field.h"

#include "base/search.h"

const struct wire_element wire_elements[WIRE_ROWS] = WIRE_ELEMENT_TABLE;

const struct wire_element *wire_element_find(__u32 pen, __u16 number)
{
	const struct wire_element *rows = pen ? &wire_elements[WIRE_OWN_FIRST] : wire_elements;
	unsigned int count = pen ? WIRE_ROWS - WIRE_OWN_FIRST : WIRE_OWN_FIRST, at;

	if (pen && pen != WIRE_WEIR_PEN)
		return NULL;
	at = search_first(count, i, rows[i].number >= number);
	return at < count && rows[at].number == number ? &rows[at] : NULL;
}
