// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Which connections are weir's own (map `own`). The kernel programs look there by address and port
 * when a flow would begin. So a connection is entered before its first packet, and stays for some time
 * after it was closed: closing sends packets too, and TIME_WAIT keeps its port from others meanwhile.
 *
 *   opens ──→ until WEIR_OWN_OPEN ──closes──→ until now + END_NS ──→ room for another
 *                      └── the process was killed: the next one closes ──┘
 *
 * A collector that is down costs a connection at every attempt. So when the map is full, the one that
 * would end first makes room, over or not; one that is open never does.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/log.h"
#include "meter/meter_internal.h"

/* TIME_WAIT (60 s in Linux) keeps the port for so long, and the kernel sends what it had taken. */
#define END_NS (60 * WEIR_NS_PER_SEC)

/* --- The map ------------------------------------------------------------------------------ */

struct entry {
	struct weir_own key;
	__u64 until_ns;
};

/* The connection after `key`, NULL: the first. False: there is none. */
static bool entry_after(int map, const struct weir_own *key, struct entry *out)
{
	return !bpf_map_get_next_key(map, key, &out->key) &&
	       !bpf_map_lookup_elem(map, &out->key, &out->until_ns);
}

static void end_all(int map)
{
	const __u64 until_ns = meter_now() + END_NS;
	struct entry e;

	for (bool is = entry_after(map, NULL, &e); is; is = entry_after(map, &e.key, &e))
		if (e.until_ns == WEIR_OWN_OPEN)
			bpf_map_update_elem(map, &e.key, &until_ns, BPF_EXIST);
}

/* False: all are open. */
static bool drop_earliest(int map)
{
	struct entry e, earliest = {.until_ns = WEIR_OWN_OPEN};

	for (bool is = entry_after(map, NULL, &e); is; is = entry_after(map, &e.key, &e))
		if (e.until_ns < earliest.until_ns)
			earliest = e;
	return earliest.until_ns != WEIR_OWN_OPEN && !bpf_map_delete_elem(map, &earliest.key);
}

static int write_until(int map, const struct weir_own *key, __u64 until_ns)
{
	int code = bpf_map_update_elem(map, key, &until_ns, BPF_ANY) ? -errno : 0;

	if (code == -E2BIG && drop_earliest(map))
		code = bpf_map_update_elem(map, key, &until_ns, BPF_ANY) ? -errno : 0;
	return code;
}

/* Both directions, or neither. */
static int write_both(int map, const struct weir_own keys[2], __u64 until_ns)
{
	int code = write_until(map, &keys[0], until_ns);

	code = code ? code : write_until(map, &keys[1], until_ns);
	if (code) {
		bpf_map_delete_elem(map, &keys[0]);
		bpf_map_delete_elem(map, &keys[1]);
	}
	return code;
}

/* --- Sockets ------------------------------------------------------------------------------ */

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_storage room;
};

/* An IPv4 peer of an IPv6 socket is IPv4 on the wire. */
static void make_key(const union address *src, const union address *dst, __u8 proto,
		     struct weir_own *out)
{
	struct weir_flow_key key = {};
	struct weir_pair6 pair = {};
	const bool v6 = src->any.sa_family == AF_INET6;
	const bool mapped = v6 && IN6_IS_ADDR_V4MAPPED(&dst->in6.sin6_addr);
	__be32 a = src->in.sin_addr.s_addr, b = dst->in.sin_addr.s_addr;

	if (v6) {
		memcpy(pair.src, &src->in6.sin6_addr, sizeof(pair.src));
		memcpy(pair.dst, &dst->in6.sin6_addr, sizeof(pair.dst));
	}
	if (mapped) {
		memcpy(&a, pair.src + 12, sizeof(a));
		memcpy(&b, pair.dst + 12, sizeof(b));
	}
	key.addrs = weir_key_addrs(a, b);
	/* sin_port and sin6_port have one place. */
	key.rest = weir_key_rest(src->in.sin_port, dst->in.sin_port, proto,
				 v6 && !mapped ? WEIR_KEY_V6 : 0, 0);
	weir_own_of(&key, &pair, out);
}

static bool keys_of(int fd, const struct sockaddr *peer, struct weir_own keys[2])
{
	union address local = {}, remote = {};
	socklen_t bytes = sizeof(local);
	int proto = 0;

	if (getsockname(fd, &local.any, &bytes) || local.any.sa_family != peer->sa_family)
		return false;
	bytes = sizeof(proto);
	if (getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &proto, &bytes))
		return false;
	if (peer->sa_family == AF_INET)
		memcpy(&remote.in, peer, sizeof(remote.in));
	else if (peer->sa_family == AF_INET6)
		memcpy(&remote.in6, peer, sizeof(remote.in6));
	else
		return false;
	make_key(&local, &remote, proto, &keys[0]);
	make_key(&remote, &local, proto, &keys[1]);
	return true;
}

/* The place of a socket, or of none; NULL: there is no room. */
static struct meter_own_socket *find(struct meter_own *own, int fd)
{
	struct meter_own_socket *room = NULL;

	for (int i = 0; i < WEIR_OWN_CONNECTIONS; i++) {
		struct meter_own_socket *s = &own->socket[i];

		if (s->open && s->fd == fd)
			return s;
		if (!s->open && !room)
			room = s;
	}
	return room;
}

static void ends(struct meter_own *own, struct meter_own_socket *s)
{
	write_both(own->map, s->keys, meter_now() + END_NS);
	s->open = false;
}

/* One that finds no room is counted as any other. */
static void say_unknown(struct meter_own *own, int code)
{
	if (own->said || !socket_binds(&own->watch))
		return;
	own->said = true;
	log_warn("count_own: a connection of weir's own is counted like any other: %s",
		 code == -E2BIG ? "too many are open" : strerror(-code));
}

static void opens(void *context, int fd, const struct sockaddr *peer)
{
	struct meter_own *own = context;
	struct meter_own_socket *s;
	struct weir_own keys[2];
	int code = -E2BIG;

	if (!keys_of(fd, peer, keys))
		return;
	pthread_mutex_lock(&own->lock);
	s = find(own, fd);
	if (s && s->open)
		ends(own, s);
	if (s)
		code = write_both(own->map, keys, WEIR_OWN_OPEN);
	if (!code) {
		*s = (struct meter_own_socket){.open = true, .fd = fd};
		memcpy(s->keys, keys, sizeof(s->keys));
	} else {
		say_unknown(own, code);
	}
	pthread_mutex_unlock(&own->lock);
}

static void closes(void *context, int fd)
{
	struct meter_own *own = context;
	struct meter_own_socket *s;

	pthread_mutex_lock(&own->lock);
	s = find(own, fd);
	if (s && s->open)
		ends(own, s);
	pthread_mutex_unlock(&own->lock);
}

void meter_own_open(const struct meter *m, struct meter_own *out)
{
	*out = (struct meter_own){
		.map = m->map[MAP_OWN],
		.watch = {.context = out, .opens = opens, .closes = closes},
	};
	pthread_mutex_init(&out->lock, NULL);
	end_all(out->map);
}
