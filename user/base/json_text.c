// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/json_text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

json_t *json_text(const char *text)
{
	json_t *value = json_string(text);
	char *clean;

	if (value)
		return value;
	clean = strdup(text);
	if (!clean)
		return NULL;
	for (char *c = clean; *c; c++)
		if (*c & 0x80)
			*c = '?';
	value = json_string(clean);
	free(clean);
	return value;
}

json_t *json_seconds(double seconds)
{
	return json_real(round(1000 * seconds) / 1000);
}
