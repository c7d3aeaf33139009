// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "net/capture_stream.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#define BUFFER_BYTES (128u << 10)
#define MAGIC_BYTES 6
#define GZIP_ONLY (16 + MAX_WBITS) /* of inflateInit2(): a gzip header comes */

struct capture_stream {
	int fd;
	__u8 in[BUFFER_BYTES];
	size_t in_at, in_end;
	bool ended; /* nothing more will be in `in` than is */
	/* The bytes that are next. Of a plain file they lie in `in`. */
	const __u8 *next;
	size_t left;
	__u64 at;
	/* Makes `next` out of `in`: 1, 0 at the end, or -EBADMSG. */
	int (*fill)(struct capture_stream *s, struct why *why);
	bool between; /* packed streams: none has begun that has not ended */
	z_stream z;
	ZSTD_DStream *zstd;
	size_t zstd_wants; /* bytes: to the end of a block */
	__u8 out[BUFFER_BYTES];
};

static const struct {
	const char *magic, *name;
	size_t bytes;
} unread[] = {
	{"\xfd"
	 "7zXZ",
	 "xz", 6},
	{"BZh", "bzip2", 3},
	{"\x04\x22\x4d\x18", "lz4", 4},
};

static int refill(struct capture_stream *s, struct why *why)
{
	ssize_t got;

	if (s->in_at > 0) {
		memmove(s->in, s->in + s->in_at, s->in_end - s->in_at);
		s->in_end -= s->in_at;
		s->in_at = 0;
	}
	do
		got = read(s->fd, s->in + s->in_end, sizeof(s->in) - s->in_end);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return why_set(why, -EBADMSG, "%s", strerror(errno));
	s->in_end += got;
	s->ended = !got;
	return 0;
}

static int fill_plain(struct capture_stream *s, struct why *why)
{
	int code = s->in_at == s->in_end && !s->ended ? refill(s, why) : 0;

	if (code)
		return code;
	s->next = s->in + s->in_at;
	s->left = s->in_end - s->in_at;
	s->in_at = s->in_end;
	return s->left > 0;
}

/*
 * From s->in to s->out; how many bytes came of it, or -EBADMSG. What could be unpacked before the
 * damage is given first: zlib says both at once, and again; of libzstd, which does not say how much
 * there was, no more than a block is asked for at a time.
 */
static ssize_t inflate_some(struct capture_stream *s, struct why *why)
{
	int code;

	s->z.next_in = s->in + s->in_at;
	s->z.avail_in = s->in_end - s->in_at;
	s->z.next_out = s->out;
	s->z.avail_out = sizeof(s->out);
	s->between = false;
	code = inflate(&s->z, Z_NO_FLUSH);
	s->in_at = s->in_end - s->z.avail_in;
	if (code == Z_STREAM_END) { /* others may follow */
		s->between = true;
		code = inflateReset(&s->z);
	}
	if (code != Z_OK && code != Z_BUF_ERROR && s->z.avail_out == sizeof(s->out))
		return why_set(why, -EBADMSG, "its gzip data is damaged: %s",
			       s->z.msg ? s->z.msg : zError(code));
	return sizeof(s->out) - s->z.avail_out;
}

static ssize_t unzstd_some(struct capture_stream *s, struct why *why)
{
	ZSTD_inBuffer in = {.src = s->in + s->in_at, .size = s->in_end - s->in_at};
	ZSTD_outBuffer out = {.dst = s->out, .size = sizeof(s->out)};
	size_t code;

	if (in.size > s->zstd_wants)
		in.size = s->zstd_wants;
	code = ZSTD_decompressStream(s->zstd, &out, &in);
	if (ZSTD_isError(code))
		return why_set(why, -EBADMSG, "its zstd data is damaged: %s",
			       ZSTD_getErrorName(code));
	s->between = !code;
	s->zstd_wants = code ? code : ZSTD_initDStream(s->zstd);
	s->in_at += in.pos;
	return out.pos;
}

static int fill_packed(struct capture_stream *s, struct why *why)
{
	ssize_t got = 0;

	while (!got) {
		size_t before;
		int code = s->in_at == s->in_end && !s->ended ? refill(s, why) : 0;

		if (code)
			return code;
		before = s->in_end - s->in_at;
		if (!before && s->between)
			return 0;
		got = s->zstd ? unzstd_some(s, why) : inflate_some(s, why);
		if (!got && !before)
			return why_set(why, -EBADMSG, "its %s data ends too early",
				       s->zstd ? "zstd" : "gzip");
	}
	s->next = s->out;
	s->left = got > 0 ? got : 0;
	return got > 0 ? 1 : got;
}

/* By the first bytes. */
static int choose_fill(struct capture_stream *s, struct why *why)
{
	size_t bytes;
	__u32 magic = 0;
	int code = 0;

	while (!code && s->in_end < MAGIC_BYTES && !s->ended)
		code = refill(s, why);
	if (code)
		return code;
	bytes = s->in_end;
	for (size_t i = 0; i < sizeof(unread) / sizeof(*unread); i++)
		if (bytes >= unread[i].bytes && !memcmp(s->in, unread[i].magic, unread[i].bytes))
			return why_set(why, -EBADMSG,
				       "compressed by %s, which weir does not read (gzip, zstd)",
				       unread[i].name);
	memcpy(&magic, s->in, bytes < sizeof(magic) ? bytes : sizeof(magic));
	s->between = true;
	s->fill = fill_packed;
	if (le32toh(magic) == ZSTD_MAGICNUMBER ||
	    (le32toh(magic) & ZSTD_MAGIC_SKIPPABLE_MASK) == ZSTD_MAGIC_SKIPPABLE_START) {
		s->zstd = ZSTD_createDStream();
		if (s->zstd)
			s->zstd_wants = ZSTD_initDStream(s->zstd);
		return s->zstd ? 0 : -ENOMEM;
	}
	if ((le32toh(magic) & 0xffff) == 0x8b1f)
		return inflateInit2(&s->z, GZIP_ONLY) == Z_OK ? 0 : -ENOMEM;
	s->fill = fill_plain;
	return 0;
}

struct capture_stream *capture_stream_open(const char *path, struct why *why)
{
	struct capture_stream *s = calloc(1, sizeof(*s));
	int code = s ? 0 : why_set(why, -ENOMEM, "%s", strerror(ENOMEM));

	if (s) {
		s->fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
		code = s->fd < 0 ? why_set(why, -EBADMSG, "%s", strerror(errno))
				 : choose_fill(s, why);
	}
	if (!code)
		return s;
	capture_stream_close(s);
	return NULL;
}

ssize_t capture_stream_read(struct capture_stream *s, void *to, size_t bytes, struct why *why)
{
	size_t done = 0;

	while (done < bytes) {
		size_t part = bytes - done;
		int code = s->left ? 1 : s->fill(s, why);

		if (code < 0)
			return code;
		if (!code)
			break;
		if (part > s->left)
			part = s->left;
		if (to)
			memcpy((__u8 *)to + done, s->next, part);
		s->next += part;
		s->left -= part;
		s->at += part;
		done += part;
	}
	return done;
}

__u64 capture_stream_at(const struct capture_stream *s)
{
	return s->at;
}

void capture_stream_close(struct capture_stream *s)
{
	if (!s)
		return;
	if (s->fd > STDIN_FILENO)
		close(s->fd);
	inflateEnd(&s->z);
	ZSTD_freeDStream(s->zstd);
	free(s);
}
