/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What an agent says at its socket, and who asks there. */
#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/loop.h"
#include "net/local.h"
#include "view/json.h"

static char folder[64], path[96];
static pid_t agent;

static int set_scene(void **state)
{
	snprintf(folder, sizeof(folder), "/tmp/weir-test-snapshot-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/run.sock", folder);
	agent = 0;
	return 0;
}

static int clear_scene(void **state)
{
	if (agent) {
		kill(agent, SIGKILL);
		waitpid(agent, NULL, 0);
	}
	unlink(path);
	return rmdir(folder);
}

static int say_nonsense(void *context, FILE *out)
{
	return fputs(context, out) < 0 ? -EIO : 0;
}

static int say_snapshot(void *context, FILE *out)
{
	return json_line(json_second(context), out);
}

/* In a process of its own. */
static void serve(int (*say)(void *context, FILE *out), void *context)
{
	const struct local_options options = {.path = path,
					      .what = "a test",
					      .patience_ns = LOCAL_PATIENCE_NS,
					      .write = say,
					      .context = context};
	int ready[2];
	char byte;

	assert_int_equal(pipe(ready), 0);
	agent = fork();
	if (!agent) {
		struct loop *loop = loop_new();
		struct local *local;

		close(ready[0]);
		if (!local_serve(loop, &options, &local, NULL) && write(ready[1], "", 1) == 1)
			loop_run(loop);
		_exit(1);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
}

static void what_an_agent_says_is_in_the_snapshot_of_who_asks(void **state)
{
	struct snapshot *said = snapshot_new(), *heard = snapshot_new();
	struct exporter_state exporter = {.phase = QUEUE_UP, .messages = 7};
	struct why why = {};

	snprintf(exporter.to, sizeof(exporter.to), "file:flows");
	said->has = SNAPSHOT_AGENT | SNAPSHOT_EXPORTS;
	said->uptime_s = 1234;
	said->evicted = 99;
	snapshot_add_exporter(said, &exporter);
	said->reports = true;
	said->report = (struct uplink_status){.phase = UPLINK_DOWN, .address = "tls://c:1"};
	serve(say_snapshot, said);
	assert_int_equal(snapshot_ask(heard, path, &why), 0);
	assert_int_equal(heard->has, SNAPSHOT_AGENT | SNAPSHOT_EXPORTS);
	assert_int_equal(heard->uptime_s, 1234);
	assert_int_equal(heard->evicted, 99);
	assert_int_equal(heard->exporter_count, 1);
	assert_memory_equal(&heard->exporter[0].state, &exporter, sizeof(exporter));
	assert_true(heard->reports);
	assert_memory_equal(&heard->report, &said->report, sizeof(said->report));
	free(said);
	free(heard);
}

static void what_is_no_agent_is_not_believed(void **state)
{
	static const char *const texts[] = {"", "hello\n", "[]\n", "{\"weir\":1}\n",
					    "{\"weir\":2,\"exporters\":[]}\n"};
	struct snapshot *s = snapshot_new();

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct why why = {};

		serve(say_nonsense, (void *)texts[i]);
		assert_int_equal(snapshot_ask(s, path, &why), -EBADMSG);
		assert_true(why.text[0]);
		assert_int_equal(s->has, 0);
		kill(agent, SIGKILL);
		waitpid(agent, NULL, 0);
		agent = 0;
	}
	free(s);
}

static void where_nobody_is_there_is_no_answer(void **state)
{
	struct snapshot *s = snapshot_new();
	struct why why = {};

	assert_int_equal(snapshot_ask(s, path, &why), -ENOENT);
	free(s);
}

static void must_be(const struct snapshot *s, const char *wanted)
{
	json_t *json = json_interface(s, 0);
	char *text = json_dumps(json, JSON_COMPACT);

	assert_string_equal(text, wanted);
	free(text);
	json_decref(json);
}

static void each_side_of_an_interface_has_its_own_reason(void **state)
{
	struct snapshot *s = snapshot_new();
	struct snapshot_interface *i = &s->interface[0];

	s->interface_count = 1;
	i->hooks = (struct weir_interface){
		.name = "eth0",
		.ifindex = 3,
		.in = WEIR_HOOK_TCX,
		.out = WEIR_HOOK_CLSACT,
		.why = "in: TCX (no link header for XDP); out: clsact",
	};
	must_be(s, "{\"name\":\"eth0\",\"ifindex\":3,\"state\":\"attached\",\"why\":null,"
		   "\"ingress\":{\"hook\":\"TCX\",\"why\":\"TCX (no link header for XDP)\"},"
		   "\"egress\":{\"hook\":\"clsact\",\"why\":null},\"counted_twice_with\":[]}");
	i->state = SNAPSHOT_ABSENT;
	i->hooks.ifindex = 0;
	why_set(&i->why, 0, "not there yet");
	must_be(s,
		"{\"name\":\"eth0\",\"ifindex\":null,\"state\":\"absent\",\"why\":\"not there yet\","
		"\"ingress\":{\"hook\":null,\"why\":null},\"egress\":{\"hook\":null,\"why\":null},"
		"\"counted_twice_with\":[]}");
	free(s);
}

/* The list of the first, in JSON; all three see the same packets. */
static void twice_must_be(struct snapshot *s, const char *wanted)
{
	json_t *json = json_interface(s, 0);
	char *text = json_dumps(json_object_get(json, "counted_twice_with"), JSON_COMPACT);

	assert_string_equal(text, wanted);
	free(text);
	json_decref(json);
}

static void an_interface_says_with_which_it_counts_twice_but_not_with_what_is_left_out(void **state)
{
	struct snapshot *s = snapshot_new();

	s->interface_count = 3;
	for (unsigned int i = 0; i < 3; i++) {
		snprintf(s->interface[i].hooks.name, IFNAMSIZ, "if%u", i);
		s->interface[i].also.word[0] = 7 & ~(1ull << i);
	}
	twice_must_be(s, "[\"if1\",\"if2\"]");
	s->interface[1].state = SNAPSHOT_LEFT_OUT;
	twice_must_be(s, "[\"if2\"]");
	s->interface[2].state = SNAPSHOT_GONE;
	twice_must_be(s, "[]");
	s->interface[2].state = SNAPSHOT_FORESEEN;
	s->interface[0].state = SNAPSHOT_FORESEEN;
	twice_must_be(s, "[\"if2\"]");
	s->interface[0].state = SNAPSHOT_LEFT_OUT;
	twice_must_be(s, "[]");
	free(s);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_scene, clear_scene)
	const struct CMUnitTest tests[] = {
		TEST(what_an_agent_says_is_in_the_snapshot_of_who_asks),
		TEST(what_is_no_agent_is_not_believed),
		TEST(where_nobody_is_there_is_no_answer),
		TEST(each_side_of_an_interface_has_its_own_reason),
		TEST(an_interface_says_with_which_it_counts_twice_but_not_with_what_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
