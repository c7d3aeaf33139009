// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Flow records of IPFIX and v9.
 *
 * A template is a list of names out of the table of elements. The list makes the template's
 * announcement, and it makes straight code: put() is inlined once for each name, with a row of the
 * table that the compiler knows, so that what is left of its switches is the one right store.
 *
 * What lost: a loop over the names' rows with put()'s switches in it took 36 ns a record, a list of
 * {operation, from, bytes} made beforehand and gone through with one switch 21 ns, this takes 6:
 * the others look up again for each field of each record what never changes.
 */
#include <errno.h>

#include "wire/encode_internal.h"

#define KEY4(X) X(sourceIPv4Address) X(destinationIPv4Address) X(icmpTypeCodeIPv4)
#define KEY6(X) X(sourceIPv6Address) X(destinationIPv6Address) X(icmpTypeCodeIPv6)
/* 32 is ICMP_TYPE to v9, of whatever family; nfdump knows no other there. */
#define V9_KEY6(X) X(sourceIPv6Address) X(destinationIPv6Address) X(icmpTypeCodeIPv4)
#define KEY(X) X(sourceTransportPort) X(destinationTransportPort) KEY_REST(X)
#define KEY_REST(X)                                                                                \
	X(protocolIdentifier)                                                                      \
	X(flowDirection)                                                                           \
	X(vlanId)                                                                                  \
	X(ingressInterface)                                                                        \
	X(egressInterface)
#define TRAFFIC(X)                                                                                 \
	X(packetDeltaCount)                                                                        \
	X(octetDeltaCount) X(ipClassOfService) X(tcpControlBits) X(flowEndReason)
#define TIMES(X) X(flowStartMilliseconds) X(flowEndMilliseconds)
#define UPTIMES(X) X(flowStartSysUpTime) X(flowEndSysUpTime)

/* X(name) of the forward direction, Y(name) of the reverse one (RFC 5103). ICMP comes before the
 * ports, for there are decoders that keep it where they keep the destination port. */
#define IPFIX_FLOW4(X) KEY4(X) KEY(X) TRAFFIC(X) TIMES(X)
#define IPFIX_FLOW6(X) KEY6(X) KEY(X) TRAFFIC(X) TIMES(X)
#define IPFIX_BIFLOW4(X, Y) IPFIX_FLOW4(X) X(biflowDirection) TRAFFIC(Y) TIMES(Y)
#define IPFIX_BIFLOW6(X, Y) IPFIX_FLOW6(X) X(biflowDirection) TRAFFIC(Y) TIMES(Y)
/* Of fragments without the first: there is no number for ports, a type or a code that are not known. */
#define UNSEEN4(X) X(sourceIPv4Address) X(destinationIPv4Address) KEY_REST(X) TRAFFIC(X)
#define UNSEEN6(X) X(sourceIPv6Address) X(destinationIPv6Address) KEY_REST(X) TRAFFIC(X)
#define IPFIX_UNSEEN4(X) UNSEEN4(X) TIMES(X)
#define IPFIX_UNSEEN6(X) UNSEEN6(X) TIMES(X)
#define V9_UNSEEN4(X) UNSEEN4(X) UPTIMES(X)
#define V9_UNSEEN6(X) UNSEEN6(X) UPTIMES(X)
#define V9_FLOW4(X) KEY4(X) KEY(X) TRAFFIC(X) UPTIMES(X)
#define V9_FLOW6(X) V9_KEY6(X) KEY(X) TRAFFIC(X) UPTIMES(X)

#define X(name) WIRE_##name,
#define Y(name) WIRE_##name | WIRE_REVERSE,
static const __u16 ipfix_flow4[] = {IPFIX_FLOW4(X)};
static const __u16 ipfix_flow6[] = {IPFIX_FLOW6(X)};
static const __u16 ipfix_biflow4[] = {IPFIX_BIFLOW4(X, Y)};
static const __u16 ipfix_biflow6[] = {IPFIX_BIFLOW6(X, Y)};
static const __u16 v9_flow4[] = {V9_FLOW4(X)};
static const __u16 v9_flow6[] = {V9_FLOW6(X)};
static const __u16 ipfix_unseen4[] = {IPFIX_UNSEEN4(X)};
static const __u16 ipfix_unseen6[] = {IPFIX_UNSEEN6(X)};
static const __u16 v9_unseen4[] = {V9_UNSEEN4(X)};
static const __u16 v9_unseen6[] = {V9_UNSEEN6(X)};
#undef X
#undef Y

#define SPEC(id, fields)                                                                           \
	{                                                                                          \
		WIRE_TEMPLATE_##id, 0, sizeof(fields) / sizeof(*fields), fields                    \
	}

unsigned int wire_flow_templates(const struct wire_encoder *e,
				 struct wire_template_spec out[WIRE_FLOW_TEMPLATES])
{
	static const struct wire_template_spec ipfix[] = {
		SPEC(FLOW4, ipfix_flow4),     SPEC(FLOW6, ipfix_flow6),
		SPEC(UNSEEN4, ipfix_unseen4), SPEC(UNSEEN6, ipfix_unseen6),
		SPEC(BIFLOW4, ipfix_biflow4), SPEC(BIFLOW6, ipfix_biflow6),
	};
	static const struct wire_template_spec v9[] = {
		SPEC(FLOW4, v9_flow4),
		SPEC(FLOW6, v9_flow6),
		SPEC(UNSEEN4, v9_unseen4),
		SPEC(UNSEEN6, v9_unseen6),
	};
	unsigned int count = e->protocol == WIRE_IPFIX && e->biflow ? WIRE_FLOW_TEMPLATES : 4;

	memcpy(out, e->protocol == WIRE_IPFIX ? ipfix : v9, count * sizeof(*out));
	return count;
}

/* --- One field ---------------------------------------------------------------------------- */

static const struct flow_field_row places[] = FLOW_FIELD_TABLE;
static const struct wire_element elements[] = WIRE_ELEMENT_TABLE;

static __always_inline void store(__u8 *at, unsigned int bytes, __u64 value)
{
	switch (bytes) {
	case 1:
		*at = value;
		break;
	case 2:
		wire_put16(at, value);
		break;
	case 4:
		wire_put32(at, value);
		break;
	default:
		wire_put64(at, value);
	}
}

static __always_inline __u64 value_of(const struct flow_record *f, const __u8 *from,
				      const struct wire_element *element, __u64 boot_ms)
{
	__u64 raw = flow_field_load(from, places[element->field].bytes);

	switch (element->kind) {
	case WIRE_KIND_TIME_MS:
		return raw / NS_PER_MS;
	case WIRE_KIND_UPTIME:
		return raw ? raw / NS_PER_MS - boot_ms : 0;
	case WIRE_KIND_DPORT:
		return flow_is_icmp(f) ? wire_icmp_of(f) : raw;
	case WIRE_KIND_ICMP:
		return flow_is_icmp(f) ? wire_icmp_of(f) : 0;
	default:
		return raw;
	}
}

/* `reverse`: bytes from a member of the forward direction to the reverse one's. Returns where the
 * next value goes. */
static __always_inline __u8 *put(__u8 *at, const struct flow_record *f, enum wire_row row,
				 size_t reverse, __u64 boot_ms)
{
	const struct wire_element *element = &elements[row];
	const __u8 *from = (const __u8 *)f + places[element->field].offset + reverse;
	unsigned int bytes = wire_element_bytes(element);

	if (element->kind == WIRE_KIND_ADDR4 || element->kind == WIRE_KIND_ADDR6)
		memcpy(at, from, bytes);
	else
		store(at, bytes, value_of(f, from, element, boot_ms));
	return at + bytes;
}

/* --- One record --------------------------------------------------------------------------- */

#define REVERSE (offsetof(struct flow_record, reverse) - offsetof(struct flow_record, forward))

#define BYTES(name) +wire_element_bytes(&elements[WIRE_##name])
#define PUT(name) at = put(at, f, WIRE_##name, 0, boot_ms);
#define PUT_REVERSE(name) at = put(at, f, WIRE_##name, REVERSE, boot_ms);

#define ADD(function, id, bytes, puts)                                                             \
	static int function(struct wire_encoder *e, const struct flow_record *f)                   \
	{                                                                                          \
		__u64 boot_ms = e->boot_ns / NS_PER_MS;                                            \
		__u8 *at = wire_reserve_data(e, WIRE_TEMPLATE_##id, 0 bytes);                      \
                                                                                                   \
		if (!at)                                                                           \
			return -ENOSPC;                                                            \
		puts;                                                                              \
		(void)boot_ms;                                                                     \
		return 0;                                                                          \
	}

ADD(add_ipfix4, FLOW4, IPFIX_FLOW4(BYTES), IPFIX_FLOW4(PUT))
ADD(add_ipfix6, FLOW6, IPFIX_FLOW6(BYTES), IPFIX_FLOW6(PUT))
ADD(add_biflow4, BIFLOW4, IPFIX_BIFLOW4(BYTES, BYTES), IPFIX_BIFLOW4(PUT, PUT_REVERSE))
ADD(add_biflow6, BIFLOW6, IPFIX_BIFLOW6(BYTES, BYTES), IPFIX_BIFLOW6(PUT, PUT_REVERSE))
ADD(add_v9_4, FLOW4, V9_FLOW4(BYTES), V9_FLOW4(PUT))
ADD(add_v9_6, FLOW6, V9_FLOW6(BYTES), V9_FLOW6(PUT))

ADD(add_ipfix_unseen4, UNSEEN4, IPFIX_UNSEEN4(BYTES), IPFIX_UNSEEN4(PUT))
ADD(add_ipfix_unseen6, UNSEEN6, IPFIX_UNSEEN6(BYTES), IPFIX_UNSEEN6(PUT))
ADD(add_v9_unseen4, UNSEEN4, V9_UNSEEN4(BYTES), V9_UNSEEN4(PUT))
ADD(add_v9_unseen6, UNSEEN6, V9_UNSEEN6(BYTES), V9_UNSEEN6(PUT))

/* The protocol is sent, but neither ports nor type and code. */
static bool is_unseen(const struct flow_record *flow)
{
	const __u64 transport = FIELD_BIT(SPORT) | FIELD_BIT(DPORT) | FIELD_BIT(ICMP);

	return (flow->known & (transport | FIELD_BIT(PROTO))) == FIELD_BIT(PROTO);
}

static int add_unseen(struct wire_encoder *e, const struct flow_record *flow)
{
	if (e->protocol == WIRE_IPFIX)
		return flow->family == 6 ? add_ipfix_unseen6(e, flow) : add_ipfix_unseen4(e, flow);
	return flow->family == 6 ? add_v9_unseen6(e, flow) : add_v9_unseen4(e, flow);
}

int wire_add_flow(struct wire_encoder *e, const struct flow_record *flow)
{
	bool v6 = flow->family == 6;

	if (!v6 && flow->family != 4)
		return -EAFNOSUPPORT;
	if (is_unseen(flow) && e->protocol != WIRE_V5)
		return add_unseen(e, flow);
	switch (e->protocol) {
	case WIRE_IPFIX:
		if (e->biflow && flow->reverse.packets)
			return v6 ? add_biflow6(e, flow) : add_biflow4(e, flow);
		return v6 ? add_ipfix6(e, flow) : add_ipfix4(e, flow);
	case WIRE_V9:
		return v6 ? add_v9_6(e, flow) : add_v9_4(e, flow);
	default:
		return v6 ? -EAFNOSUPPORT : wire_add_flow_v5(e, flow);
	}
}
