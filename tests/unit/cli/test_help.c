/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cli/verbs.h"
#include "flow/fields.h"

/* For the manual. */
const struct verb *const verbs[] = {NULL};

static void the_manual_has_every_field_of_a_flow(void **state)
{
	char *manual, wanted[64], *at;
	size_t size;
	FILE *out = open_memstream(&manual, &size);

	(void)state;
	help_manual(out);
	fclose(out);
	at = strstr(manual, ".SH FLOWS\n");
	assert_non_null(at);
	for (unsigned int i = 0; i < FIELD_MAX; i++) {
		snprintf(wanted, sizeof(wanted), ".TP\n.B %s\n%.3s", flow_fields[i].name,
			 flow_fields[i].text);
		assert_non_null(strstr(at, wanted));
	}
	free(manual);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_manual_has_every_field_of_a_flow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
