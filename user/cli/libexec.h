/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Verbs that are executables of their own, so that weir itself needs no libraries but those that
 * measuring does: `weir VERB` becomes libexec/weir/VERB, with the same arguments. It is looked for
 *
 *   weir's folder/libexec/weir/         as it is built
 *   weir's folder/../libexec/weir/      as it is installed
 *   PREFIX/libexec/weir/                as it was to be installed, if weir was moved
 */
#ifndef CLI_LIBEXEC_H
#define CLI_LIBEXEC_H

/* As struct verb's: argv[0] is the verb. Returns only when there is no such executable. */
int libexec_run(int argc, char **argv);

#endif
