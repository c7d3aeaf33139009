/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What TCP and TLS share. Records are let go when their last byte is acked; if the connection breaks
 * before, its messages from the first that is not acked whole are sent again in the next. A message
 * that was cut is none: the peer drops it when the connection ends.
 *
 * Killed, a process has left what the kernel took, and the kernel goes on delivering it.
 */
#ifndef EXPORT_STREAM_H
#define EXPORT_STREAM_H

#include "export/transport.h"

/* A message is one TLS record. */
#define STREAM_MESSAGE 16384

/* Tries all addresses; e->fd is connected. */
int stream_connect(struct exporter *e);
/* A new session on the connection. */
void stream_begin(struct exporter *e);
/* Bytes from the peer; 0: none wait; -errno: the connection is over. */
int stream_receive(struct exporter *e, void *buffer, size_t size);
/* Releases what was acked, and has options repeated when that is due. */
void stream_turn(struct exporter *e);
/* Sends the message whose bytes are in e->pieces[0]. */
int stream_send(struct exporter *e);
bool stream_settled(struct exporter *e);
/* Goes back to what was not acked, and closes. */
void stream_close(struct exporter *e);

#endif
