// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The server runs in a loop of its own thread, the test is its clients. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "net/local.h"

#define SHORT "{\"weir\": 1}\n"
#define LONG_BYTES (8u << 20) /* more than a socket takes unread */
#define PATIENCE_NS (200 * NS_PER_MS)
#define OTHER_USER 65534

struct bed {
	char folder[64], path[128];
	struct loop *loop;
	struct local *local;
	struct loop_watch stop;
	int stop_pipe[2];
	pthread_t thread;
	size_t bytes; /* of the text; 0: SHORT */
	unsigned int written;
};

static int write_state(void *context, FILE *out)
{
	struct bed *bed = context;

	bed->written++;
	if (!bed->bytes)
		return fputs(SHORT, out) < 0 ? -EIO : 0;
	for (size_t i = 0; i < bed->bytes; i++)
		putc_unlocked('a' + i % 26, out);
	return 0;
}

static void stop_loop(void *context, short events)
{
	struct bed *bed = context;

	(void)events;
	loop_stop(bed->loop, 0);
}

static void *run_loop(void *context)
{
	struct bed *bed = context;

	loop_run(bed->loop);
	return NULL;
}

static struct local_options options_of(struct bed *bed, __u64 patience_ns)
{
	return (struct local_options){
		.path = bed->path,
		.what = "weir test",
		.group = LOCAL_GROUP,
		.patience_ns = patience_ns,
		.write = write_state,
		.context = bed,
	};
}

static void start_with(struct bed *bed, __u64 patience_ns)
{
	const struct local_options options = options_of(bed, patience_ns);
	struct why why = {};

	if (local_serve(bed->loop, &options, &bed->local, &why))
		fail_msg("%s", why.text);
	assert_int_equal(pthread_create(&bed->thread, NULL, run_loop, bed), 0);
}

static void start(struct bed *bed)
{
	start_with(bed, LOCAL_PATIENCE_NS);
}

static void stop(struct bed *bed)
{
	char byte = 0;

	assert_int_equal(write(bed->stop_pipe[1], "", 1), 1);
	pthread_join(bed->thread, NULL);
	assert_int_equal(read(bed->stop_pipe[0], &byte, 1), 1);
	local_end(bed->local);
	bed->local = NULL;
}

static int set_up(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	strcpy(bed->folder, "/tmp/weir-local-XXXXXX");
	if (!mkdtemp(bed->folder) || chmod(bed->folder, 0755) || pipe(bed->stop_pipe))
		return -1;
	snprintf(bed->path, sizeof(bed->path), "%s/run/test.sock", bed->folder);
	bed->loop = loop_new();
	bed->stop = (struct loop_watch){.turn = stop_loop, .context = bed};
	*state = bed;
	return !bed->loop || loop_watch(bed->loop, &bed->stop, bed->stop_pipe[0], POLLIN);
}

static int tear_down(void **state)
{
	struct bed *bed = *state;
	char run[96];

	loop_free(bed->loop);
	close(bed->stop_pipe[0]);
	close(bed->stop_pipe[1]);
	unlink(bed->path);
	snprintf(run, sizeof(run), "%s/run", bed->folder);
	rmdir(run);
	rmdir(bed->folder);
	free(bed);
	return 0;
}

static int bind_there(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static int connect_there(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void asks_and_gets(struct bed *bed, const char *expected)
{
	struct why why = {};
	char *text = NULL;
	size_t size = 0;

	if (local_ask(bed->path, LOCAL_PATIENCE_NS, &text, &size, &why))
		fail_msg("%s", why.text);
	assert_int_equal(size, strlen(expected));
	assert_string_equal(text, expected);
	free(text);
}

static int fails_to_serve(struct bed *bed, const char *expected)
{
	const struct local_options options = options_of(bed, LOCAL_PATIENCE_NS);
	struct why why = {};
	struct local *local = NULL;
	char text[256];
	int code = local_serve(bed->loop, &options, &local, &why);

	assert_null(local);
	snprintf(text, sizeof(text), "%s: %s", bed->path, expected);
	assert_string_equal(why.text, text);
	return code;
}

static void each_client_gets_the_whole_text(void **state)
{
	struct bed *bed = *state;
	struct why why = {};
	char *text;
	size_t size;

	start(bed);
	asks_and_gets(bed, SHORT);
	asks_and_gets(bed, SHORT);
	assert_int_equal(bed->written, 2);

	bed->bytes = LONG_BYTES;
	assert_int_equal(local_ask(bed->path, LOCAL_PATIENCE_NS, &text, &size, &why), 0);
	assert_int_equal(size, LONG_BYTES);
	for (size_t i = 0; i < size; i++) {
		if (text[i] != (char)('a' + i % 26))
			fail_msg("byte %zu", i);
	}
	free(text);
	stop(bed);
}

static void the_file_is_its_groups_and_goes_with_the_server(void **state)
{
	const struct group *group = getgrnam(LOCAL_GROUP);
	struct bed *bed = *state;
	struct stat st;
	const mode_t mask = umask(077);

	start(bed);
	umask(mask);
	assert_int_equal(lstat(bed->path, &st), 0);
	assert_int_equal(st.st_mode, S_IFSOCK | 0660);
	if (!geteuid())
		assert_int_equal(st.st_gid, group ? group->gr_gid : getegid());
	stop(bed);
	assert_int_equal(lstat(bed->path, &st), -1);
	assert_int_equal(errno, ENOENT);
}

/* One that every system has; only root may give a file away. */
static void the_file_goes_to_the_group_that_was_asked_for(void **state)
{
	const struct group *daemon = getgrnam("daemon");
	struct bed *bed = *state;
	struct local_options options = options_of(bed, LOCAL_PATIENCE_NS);
	struct why why = {};
	struct stat st;

	if (geteuid() || !daemon) {
		print_message("# needs root, and the group daemon\n");
		skip();
	}
	options.group = "daemon";
	assert_int_equal(local_serve(bed->loop, &options, &bed->local, &why), 0);
	assert_int_equal(lstat(bed->path, &st), 0);
	assert_int_equal(st.st_mode, S_IFSOCK | 0660);
	assert_int_equal(st.st_gid, daemon->gr_gid);
	local_end(bed->local);
	bed->local = NULL;
}

static void the_socket_of_a_killed_process_is_replaced(void **state)
{
	struct bed *bed = *state;

	start(bed);
	stop(bed); /* the folder is made */
	close(bind_there(bed->path));
	start(bed);
	asks_and_gets(bed, SHORT);
	stop(bed);
}

static void a_running_server_is_said_and_stays(void **state)
{
	struct bed *bed = *state;

	start(bed);
	assert_int_equal(fails_to_serve(bed, "another weir test is running"), -EADDRINUSE);
	asks_and_gets(bed, SHORT);
	stop(bed);
}

static void a_file_that_is_no_socket_is_never_removed(void **state)
{
	struct bed *bed = *state;
	struct stat st;
	int fd;

	start(bed);
	stop(bed);
	fd = open(bed->path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, "mine", 4), 4);
	close(fd);
	assert_int_equal(fails_to_serve(bed, "is not a socket, and is not removed"), -EEXIST);
	assert_int_equal(lstat(bed->path, &st), 0);
	assert_int_equal(st.st_size, 4);
}

static void a_path_that_another_has_taken_meanwhile_is_not_removed(void **state)
{
	struct bed *bed = *state;
	struct stat st;
	int fd;

	start(bed);
	assert_int_equal(unlink(bed->path), 0);
	fd = bind_there(bed->path);
	stop(bed);
	assert_int_equal(lstat(bed->path, &st), 0);
	close(fd);
}

static void a_path_that_is_too_long_is_refused(void **state)
{
	struct bed *bed = *state;

	memset(bed->path + strlen(bed->path), 'x', 110 - strlen(bed->path));
	assert_int_equal(fails_to_serve(bed,
					"too long, the path of a socket has at most 107 bytes"),
			 -ENAMETOOLONG);
}

static void who_asks_where_nobody_serves_is_told(void **state)
{
	struct bed *bed = *state;
	char *text = NULL;
	size_t size = 0;
	struct why why = {};

	assert_int_equal(local_ask(bed->path, PATIENCE_NS, &text, &size, &why), -ENOENT);
	start(bed);
	stop(bed);
	close(bind_there(bed->path));
	assert_int_equal(local_ask(bed->path, PATIENCE_NS, &text, &size, &why), -ECONNREFUSED);
	assert_null(text);
}

static void a_server_that_says_nothing_is_not_waited_for_without_end(void **state)
{
	struct bed *bed = *state;
	struct why why = {};
	char *text = NULL, expected[256];
	size_t size = 0;
	__u64 before_ns;
	int fd;

	start(bed);
	stop(bed);
	fd = bind_there(bed->path);
	assert_int_equal(listen(fd, 1), 0);
	before_ns = clock_monotonic_ns();
	assert_int_equal(local_ask(bed->path, PATIENCE_NS, &text, &size, &why), -ETIMEDOUT);
	assert_true(clock_monotonic_ns() - before_ns >= PATIENCE_NS);
	snprintf(expected, sizeof(expected), "%s: %s", bed->path, strerror(ETIMEDOUT));
	assert_string_equal(why.text, expected);
	close(fd);
}

/* The bytes up to the end, or up to the reset. */
static size_t bytes_left(int fd)
{
	char part[4096];
	size_t bytes = 0;
	ssize_t got;

	while ((got = read(fd, part, sizeof(part))) > 0)
		bytes += got;
	return bytes;
}

static void a_client_that_does_not_read_is_let_go(void **state)
{
	struct pollfd gone = {.events = POLLRDHUP};
	struct bed *bed = *state;

	bed->bytes = LONG_BYTES;
	start_with(bed, PATIENCE_NS);
	gone.fd = connect_there(bed->path);
	assert_int_equal(poll(&gone, 1, 10000), 1);
	assert_true(bytes_left(gone.fd) < LONG_BYTES);
	close(gone.fd);
	stop(bed);
}

static void clients_beyond_the_most_wait_for_one_to_go(void **state)
{
	struct bed *bed = *state;
	int fd[LOCAL_CLIENTS];

	bed->bytes = LONG_BYTES;
	start(bed);
	for (int i = 0; i < LOCAL_CLIENTS; i++) {
		char byte;

		fd[i] = connect_there(bed->path);
		assert_int_equal(read(fd[i], &byte, 1), 1);
	}
	{
		struct pollfd late = {.fd = connect_there(bed->path), .events = POLLIN};

		assert_int_equal(poll(&late, 1, 100), 0);
		assert_int_equal(bed->written, LOCAL_CLIENTS);
		close(fd[0]);
		assert_int_equal(bytes_left(late.fd), LONG_BYTES);
		close(late.fd);
	}
	assert_int_equal(bytes_left(fd[1]), LONG_BYTES - 1);
	for (int i = 1; i < LOCAL_CLIENTS; i++)
		close(fd[i]);
	stop(bed);
}

/* As another user, of the group or not, with the file opened to all. */
static int size_that_another_gets(struct bed *bed, gid_t group)
{
	const pid_t child = fork();
	char *text = NULL;
	size_t size = 0;
	int status;

	if (!child) {
		if (setgroups(1, &group) || setgid(OTHER_USER) || setuid(OTHER_USER) ||
		    local_ask(bed->path, LOCAL_PATIENCE_NS, &text, &size, NULL))
			_exit(255);
		_exit(size);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void a_user_outside_of_the_group_gets_nothing(void **state)
{
	struct bed *bed = *state;
	struct stat st;

	if (geteuid()) {
		print_message("only root can be another user\n");
		skip();
	}
	start(bed);
	assert_int_equal(lstat(bed->path, &st), 0);
	assert_int_equal(size_that_another_gets(bed, st.st_gid), strlen(SHORT));
	assert_int_equal(size_that_another_gets(bed, OTHER_USER), 255);
	assert_int_equal(chmod(bed->path, 0666), 0);
	assert_int_equal(size_that_another_gets(bed, OTHER_USER), 0);
	stop(bed);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(each_client_gets_the_whole_text),
		TEST(the_file_is_its_groups_and_goes_with_the_server),
		TEST(the_file_goes_to_the_group_that_was_asked_for),
		TEST(the_socket_of_a_killed_process_is_replaced),
		TEST(a_running_server_is_said_and_stays),
		TEST(a_file_that_is_no_socket_is_never_removed),
		TEST(a_path_that_another_has_taken_meanwhile_is_not_removed),
		TEST(a_path_that_is_too_long_is_refused),
		TEST(who_asks_where_nobody_serves_is_told),
		TEST(a_server_that_says_nothing_is_not_waited_for_without_end),
		TEST(a_client_that_does_not_read_is_let_go),
		TEST(clients_beyond_the_most_wait_for_one_to_go),
		TEST(a_user_outside_of_the_group_gets_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
