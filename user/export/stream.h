/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What TCP and TLS share. Records are released when their last byte is acked; if the connection
 * breaks before that, its messages from the first that is not fully acked are sent again in the
 * next. The peer drops a message that was cut when the connection ends.
 *
 * When a process is killed, the kernel continues to deliver what it had taken.
 */
#ifndef EXPORT_STREAM_H
#define EXPORT_STREAM_H

#include "export/exporter_internal.h"
#include "net/secure.h"

/* A message is one TLS record. */
#define STREAM_MESSAGE 16384

/* Tries all addresses; e->fd is connected. tls: and *secure is its session; else NULL. */
int stream_connect(struct exporter *e, struct secure_context *tls, struct secure **secure);
/* A new session on the connection. */
void stream_begin(struct exporter *e);
/* Bytes from the peer; 0: none wait; -errno: the connection is over. */
int stream_receive(struct exporter *e, void *buffer, size_t size);
/* The reason, and its errno: the peer has closed the connection. */
int stream_closed(struct exporter *e);
/* Releases what was acked, and has options repeated when that is due. */
void stream_turn(struct exporter *e);
/* Sends the message whose bytes are in e->pieces[0]. */
int stream_send(struct exporter *e);
bool stream_settled(struct exporter *e);
/* Goes back to what was not acked, and closes. */
void stream_close(struct exporter *e);

#endif
