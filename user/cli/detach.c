// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* weir detach: removes what a dead agent left. */
#include <errno.h>
#include <net/if.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "agent/turns.h"
#include "agent/lock.h"
#include "cli/verbs.h"
#include "meter/meter.h"

struct asked {
	struct cli_list interfaces;
	bool all;
};

static const struct cli_option options[] = {
	{.letter = 'i',
	 .name = "interface",
	 .argument = "IF",
	 .kind = CLI_LIST,
	 .at = offsetof(struct asked, interfaces),
	 .help = "take weir's programs off this interface; its counts stay; repeatable"},
	{.letter = 'a',
	 .name = "all",
	 .kind = CLI_FLAG,
	 .at = offsetof(struct asked, all),
	 .help = "take them off every interface and remove what is pinned, counts too"},
	{},
};

static void say_waiting(void *context, const struct exporter_state *state, const char *why)
{
	(void)context;
	if (!state)
		log_err("%s", why);
	else if (state->queued.records)
		log_info("%s: %llu flows wait for the next weir run", state->to,
			 state->queued.records);
}

static int detach_all(void)
{
	struct why why = {};
	unsigned int count = 0;

	if (meter_detach_all(&count, &why)) {
		log_err("%s", why.text);
		return CLI_FAILED;
	}
	turns_remove_ledger();
	log_info("detached %u interface%s, removed what was pinned", count, count == 1 ? "" : "s");
	exporter_states(EXPORTS_DIR, say_waiting, NULL);
	return CLI_OK;
}

static int detach_one(struct meter *m, const char *name)
{
	struct why why = {};
	__u32 ifindex = if_nametoindex(name);
	int code;

	if (!ifindex) {
		log_err("there is no interface %s", name);
		return CLI_FAILED;
	}
	code = meter_detach(m, ifindex, &why);
	if (code == -ENOENT)
		log_err("%s: nothing of weir's is attached", name);
	else if (code)
		log_err("%s: %s", name, why.text);
	else
		log_info("%s: detached", name);
	return code ? CLI_FAILED : CLI_OK;
}

static int detach_named(const struct cli_list *names)
{
	struct why why = {};
	int status = CLI_OK;
	struct meter m;

	if (meter_peek(&m, &why)) {
		log_err("%s", why.text);
		return CLI_FAILED;
	}
	for (unsigned int i = 0; i < names->count; i++)
		if (detach_one(&m, names->item[i]))
			status = CLI_FAILED;
	meter_close(&m);
	return status;
}

static int run(int argc, char **argv)
{
	struct asked asked = {};
	int at = options_parse(options, argc, argv, &asked), status, lock;
	pid_t holder = 0;

	if (at < 0)
		return CLI_USAGE;
	if (at < argc)
		return options_refuse(argv[0], "unexpected argument '%s'", argv[at]);
	if (asked.all == (asked.interfaces.count > 0))
		return options_refuse(argv[0], "say either --all or -i IF");
	lock = lock_take(&holder);
	if (lock == -EWOULDBLOCK)
		log_err("weir run (pid %d) is running: stop it first", (int)holder);
	else if (lock == -EACCES || lock == -EPERM)
		log_err("weir detach needs CAP_BPF and CAP_NET_ADMIN: try sudo");
	else if (lock < 0)
		log_err(LOCK_FILE ": %s", strerror(-lock));
	if (lock < 0)
		return CLI_FAILED;
	status = asked.all ? detach_all() : detach_named(&asked.interfaces);
	close(lock);
	return status;
}

const struct verb verb_detach = {
	.name = "detach",
	.operands = "",
	.summary = "clean up after a killed agent",
	.about =
		"Removes weir's programs from some interfaces, or from all of them and then what is\n"
		"pinned too, counts included.",
	.options = options,
	.run = run,
};
