// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/standing.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum output standing_output(bool json, bool quiet)
{
	if (json)
		return OUTPUT_JSON;
	return isatty(STDOUT_FILENO) && !quiet ? OUTPUT_SCREEN : OUTPUT_LINES;
}

const char *standing_config(const char *asked)
{
	if (asked)
		return asked;
	return access(WEIR_CONFIG_FILE, F_OK) ? NULL : WEIR_CONFIG_FILE;
}

int standing_watch_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

enum standing_signal standing_take_signal(int fd)
{
	struct signalfd_siginfo info;

	if (read(fd, &info, sizeof(info)) != sizeof(info))
		return SIGNAL_NONE;
	return info.ssi_signo == SIGHUP ? SIGNAL_RELOAD : SIGNAL_STOP;
}
