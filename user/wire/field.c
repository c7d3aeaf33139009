// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "wire/field.h"

const struct wire_element wire_elements[WIRE_ROWS] = WIRE_ELEMENT_TABLE;

const struct wire_element *wire_element_find(__u32 pen, __u16 number)
{
	unsigned int low = pen ? WIRE_OWN_FIRST : 0;
	unsigned int high = pen ? WIRE_ROWS : WIRE_OWN_FIRST;

	if (pen && pen != WIRE_WEIR_PEN)
		return NULL;
	while (low < high) {
		unsigned int middle = (low + high) / 2;

		if (wire_elements[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < (pen ? WIRE_ROWS : WIRE_OWN_FIRST) && wire_elements[low].number == number
		       ? &wire_elements[low]
		       : NULL;
}
