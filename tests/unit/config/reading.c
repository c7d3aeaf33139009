/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "reading.h"

void must_read(const char *text, struct config *config)
{
	struct why why;

	if (config_read("w.yaml", text, strlen(text), config, &why))
		fail_msg("%s", why.text);
}

void must_refuse(const char *text, struct why *why)
{
	struct config untouched, c;
	int code;

	memset(&untouched, 0x5a, sizeof(untouched));
	memcpy(&c, &untouched, sizeof(c));
	code = config_read("w.yaml", text, strlen(text), &c, why);
	if (!code)
		fail_msg("accepted: %s", text);
	assert_int_equal(code, -EINVAL);
	assert_null(strchr(why->text, '\n'));
	assert_memory_equal(&c, &untouched, sizeof(c));
}

void must_refuse_all(const struct refusal *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct why why;

		must_refuse(cases[i].text, &why);
		if (strncmp(why.text, cases[i].starts, strlen(cases[i].starts)))
			fail_msg("%s\ninstead of %s", why.text, cases[i].starts);
	}
}
