// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Reading the ring. libbpf's reader gives an event's room back as soon as its
 * callback returns; here the caller decides, so that it can first write down,
 * where a crash cannot reach, what it took. Memory layout and protocol:
 * Documentation/bpf/ringbuf.rst.
 *
 *   page 0    consumer's position, ours to write
 *   page 1    producer's position
 *   page 2..  the ring, twice over, so that an event at its end lies in one piece
 *
 * Positions count bytes and never go back. An event is 4 bytes of length with two
 * flags, 4 of the kernel's own, and what was written, in multiples of 8.
 *
 * The ring's own descriptor is readable while there is anything in it, and a poller
 * would do nothing else under load. Edge-triggered it is readable when the kernel
 * program says so: when a quarter of the ring is full (constants.ring_wake).
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "meter/meter_internal.h"

int ring_map(struct meter *m)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info), page = getpagesize();
	struct epoll_event edge = {.events = EPOLLIN | EPOLLET};
	void *consumer, *producer;

	if (bpf_obj_get_info_by_fd(m->map[MAP_RING], &info, &size))
		return -errno;
	consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, m->map[MAP_RING], 0);
	if (consumer == MAP_FAILED)
		return -errno;
	m->ring.consumer = consumer;
	m->ring.bytes = info.max_entries;
	producer = mmap(NULL, page + 2 * (size_t)info.max_entries, PROT_READ, MAP_SHARED,
			m->map[MAP_RING], page);
	if (producer == MAP_FAILED)
		return -errno;
	m->ring.producer = producer;
	m->ring.data = (const __u8 *)producer + page;
	m->ring.wake = epoll_create1(EPOLL_CLOEXEC);
	if (m->ring.wake < 0 || epoll_ctl(m->ring.wake, EPOLL_CTL_ADD, m->map[MAP_RING], &edge))
		return -errno;
	return 0;
}

void ring_unmap(struct meter *m)
{
	__u32 page = getpagesize();

	if (m->ring.consumer)
		munmap(m->ring.consumer, page);
	if (m->ring.producer)
		munmap((void *)m->ring.producer, page + 2 * (size_t)m->ring.bytes);
	if (m->ring.wake >= 0)
		close(m->ring.wake);
}

__u64 meter_ring_position(const struct meter *m)
{
	return __atomic_load_n(m->ring.consumer, __ATOMIC_RELAXED);
}

__u64 meter_ring_end(const struct meter *m)
{
	return __atomic_load_n(m->ring.producer, __ATOMIC_ACQUIRE);
}

int meter_ring_take(const struct meter *m, __u64 *position, int limit, meter_event_fn fn, void *ctx)
{
	__u64 produced = __atomic_load_n(m->ring.producer, __ATOMIC_ACQUIRE), at = *position;
	struct epoll_event edge;
	int taken = 0;

	epoll_wait(m->ring.wake, &edge, 1, 0); /* clear the edge */
	while (at < produced && taken < limit) {
		const __u8 *header = m->ring.data + (at & (m->ring.bytes - 1));
		__u32 word = __atomic_load_n((const __u32 *)header, __ATOMIC_ACQUIRE);
		__u32 bytes = word & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
		int code = 0;

		if (word & BPF_RINGBUF_BUSY_BIT)
			break;
		if (!(word & BPF_RINGBUF_DISCARD_BIT)) {
			if (bytes < sizeof(struct weir_event))
				return -EBADMSG;
			code = fn(ctx, (const void *)(header + BPF_RINGBUF_HDR_SZ));
			taken++;
		}
		at += (bytes + BPF_RINGBUF_HDR_SZ + 7) & ~7u;
		*position = at;
		if (code)
			return code;
	}
	return taken;
}

void meter_ring_release(struct meter *m, __u64 position)
{
	__atomic_store_n(m->ring.consumer, position, __ATOMIC_RELEASE);
}

int meter_ring_drain(struct meter *m, meter_event_fn fn, void *ctx)
{
	__u64 position = meter_ring_position(m);
	int taken = meter_ring_take(m, &position, m->ring.bytes, fn, ctx);

	meter_ring_release(m, position);
	return taken;
}

int meter_ring_fd(const struct meter *m)
{
	return m->ring.wake;
}
