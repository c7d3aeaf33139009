// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Link headers of captures. The kernel programs read Ethernet, so every packet becomes a frame of
 * it: a reader finds where the network header begins and what ethertype it has, and 14 bytes are
 * written in front of that, over what was there.
 *
 *   as captured     │ radiotap │ 802.11 │ LLC/SNAP │ IP ...   │ FCS │
 *   as handed on                       │ 14 bytes │ IP ...   │
 *                                                 ↑ at             ↑ tail
 *
 * Headers that hold an Ethernet frame, or another link type, are stepped over. A header that was
 * not captured whole makes a frame without a byte: the kernel's counter `truncated` has it. Where
 * the numbers are from: https://www.tcpdump.org/linktypes.html, which describes all of them.
 */
#include "net/capture_link.h"

#include <arpa/inet.h>
#include <endian.h>
#include <stddef.h>
#include <string.h>

#define IP4 0x0800
#define IP6 0x86dd
#define NOT_IP 0x88b5 /* for local experiments (IEEE 802): any value that is not IP */
#define NESTED_MOST 4
#define FCS_BYTES 4

/* What a reader makes of a packet: the frame, or the network header and its type. */
struct layer {
	__u8 *data;
	__u32 bytes, wire_bytes;
	bool swapped;
	bool whole; /* `at` is where an Ethernet frame begins */
	__u32 at, type;
	__u32 tail; /* bytes behind it that are not of it */
	unsigned int nested;
};

/* CAPTURE_READ, or why it is not handed on. -1: the header is not there whole. */
typedef int link_reader(struct layer *l, __u32 at);

struct capture_link {
	__u32 type;
	link_reader *read;
	__u32 at; /* what is before the header that it reads */
};

#define CUT -1

static bool has(const struct layer *l, __u64 end)
{
	return end <= l->bytes;
}

static __u32 be16(const struct layer *l, __u32 at)
{
	return l->data[at] << 8 | l->data[at + 1];
}

static __u32 le16(const struct layer *l, __u32 at)
{
	return l->data[at] | l->data[at + 1] << 8;
}

static __u32 be32(const struct layer *l, __u32 at)
{
	return be16(l, at) << 16 | be16(l, at + 2);
}

static __u32 le32(const struct layer *l, __u32 at)
{
	return le16(l, at) | le16(l, at + 2) << 16;
}

/* In the byte order of the machine that captured. */
static __u32 host16(const struct layer *l, __u32 at)
{
	return l->swapped == (__BYTE_ORDER == __LITTLE_ENDIAN) ? be16(l, at) : le16(l, at);
}

static int network(struct layer *l, __u32 at, __u32 type)
{
	if (!has(l, at))
		return CUT;
	l->at = at;
	l->type = type;
	return CAPTURE_READ;
}

/* --- IP alone, or behind a header to skip ---------------------------------------------------- */

static int ip4(struct layer *l, __u32 at)
{
	return network(l, at, IP4);
}

static int ip6(struct layer *l, __u32 at)
{
	return network(l, at, IP6);
}

static int by_version(struct layer *l, __u32 at)
{
	__u32 version = has(l, at + 1) ? l->data[at] >> 4 : 0;

	return network(l, at, version == 4 ? IP4 : version == 6 ? IP6 : NOT_IP);
}

/* AF_INET and the AF_INET6 of Linux, NetBSD, FreeBSD, Darwin, of little or big machines. */
static int by_family(struct layer *l, __u32 at)
{
	__u32 family;

	if (!has(l, at))
		return CUT;
	family = be32(l, at - 4);
	if (family >> 16)
		family = le32(l, at - 4);
	switch (family) {
	case 2:
		return network(l, at, IP4);
	case 10:
	case 24:
	case 28:
	case 30:
		return network(l, at, IP6);
	}
	return network(l, at, NOT_IP);
}

static int pflog(struct layer *l, __u32 at)
{
	if (!has(l, at + 4))
		return CUT;
	return by_version(l, at + (l->data[at] + 3) / 4 * 4);
}

static int mpls(struct layer *l, __u32 at)
{
	return network(l, at, 0x8847);
}

static int pppoe(struct layer *l, __u32 at)
{
	return network(l, at, 0x8864);
}

/* --- LLC, and what ends in it ---------------------------------------------------------------- */

/* Without SNAP it is an 802.3 frame, whose header has a length in place of the type. */
static int llc(struct layer *l, __u32 at)
{
	__u32 rest;

	if (!has(l, at + 3))
		return CUT;
	if (be16(l, at) == 0xaaaa && l->data[at + 2] == 3) {
		if (!has(l, at + 8))
			return CUT;
		rest = be32(l, at + 3) >> 8; /* the organisation */
		if (!rest || rest == 0xf8)
			return network(l, at + 8, be16(l, at + 6));
	}
	if (be16(l, at) == 0x0606 && l->data[at + 2] == 3)
		return network(l, at + 3, IP4);
	rest = l->wire_bytes - at;
	return network(l, at, rest < 1500 ? rest : 1500);
}

static int cooked(struct layer *l, __u32 at)
{
	if (!has(l, at + 16))
		return CUT;
	if (be16(l, at + 14) == 4)
		return llc(l, at + 16);
	return network(l, at + 16, be16(l, at + 14));
}

static int cooked2(struct layer *l, __u32 at)
{
	if (!has(l, at + 20))
		return CUT;
	if (be16(l, at) == 4)
		return llc(l, at + 20);
	return network(l, at + 20, be16(l, at));
}

/* --- Serial lines ---------------------------------------------------------------------------- */

static int cisco_hdlc(struct layer *l, __u32 at)
{
	return has(l, at + 4) ? network(l, at + 4, be16(l, at + 2)) : CUT;
}

/* Address and control, and the first byte of the protocol, may have been left out (RFC 1661). */
static int ppp(struct layer *l, __u32 at)
{
	static const __u16 types[][2] = {
		{0x0021, IP4}, {0x0057, IP6}, {0x0281, 0x8847}, {0x0283, 0x8848}};
	__u32 protocol;

	if (!has(l, at + 2))
		return CUT;
	if (l->data[at] == 0x0f || l->data[at] == 0x8f)
		return cisco_hdlc(l, at);
	if (be16(l, at) == 0xff03)
		at += 2;
	if (!has(l, at + 2))
		return CUT;
	protocol = l->data[at] & 1 ? l->data[at] : be16(l, at);
	at += l->data[at] & 1 ? 1 : 2;
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (types[i][0] == protocol)
			return network(l, at, types[i][1]);
	return network(l, at, NOT_IP);
}

/* RFC 2427; what Cisco does has an ethertype at once. */
static int frame_relay(struct layer *l, __u32 at)
{
	do
		if (!has(l, at + 1))
			return CUT;
	while (!(l->data[at++] & 1));
	if (!has(l, at + 2))
		return CUT;
	if (l->data[at] != 3)
		return network(l, at + 2, be16(l, at));
	at++;
	if (!l->data[at]) /* padding */
		at++;
	if (!has(l, at + 1))
		return CUT;
	switch (l->data[at++]) {
	case 0xcc:
		return network(l, at, IP4);
	case 0x8e:
		return network(l, at, IP6);
	case 0x80:
		if (!has(l, at + 5))
			return CUT;
		if (!(be32(l, at) >> 8))
			return network(l, at + 5, be16(l, at + 3));
	}
	return network(l, at, NOT_IP);
}

/* --- 802.11 ---------------------------------------------------------------------------------- */

#define WLAN_DATA 2
#define WLAN_NULL 4 /* bits of a data frame's subtype */
#define WLAN_QOS 8
#define WLAN_BOTH_DS 0x03 /* flags */
#define WLAN_PROTECTED 0x40
#define WLAN_ORDER 0x80
#define WLAN_AGGREGATE 0x80 /* of QoS control */

/* `padded`: what follows the header begins at a multiple of four bytes after its beginning. */
static int wlan_data(struct layer *l, __u32 at, bool padded)
{
	__u32 subtype, flags, begin = at;

	if (!has(l, at + 24))
		return has(l, at + 1) && (l->data[at] >> 2 & 3) != WLAN_DATA ? CAPTURE_NO_DATA
									     : CUT;
	subtype = l->data[at] >> 4;
	flags = l->data[at + 1];
	if ((l->data[at] >> 2 & 3) != WLAN_DATA || subtype & WLAN_NULL)
		return CAPTURE_NO_DATA;
	if (flags & WLAN_PROTECTED)
		return CAPTURE_PROTECTED;
	if (l->data[at + 22] & 15) /* the fragment's number */
		return CAPTURE_PARTS;
	at += (flags & WLAN_BOTH_DS) == WLAN_BOTH_DS ? 30 : 24;
	if (subtype & WLAN_QOS) {
		if (!has(l, at + 2))
			return CUT;
		if (l->data[at] & WLAN_AGGREGATE)
			return CAPTURE_PARTS;
		at += flags & WLAN_ORDER ? 6 : 2;
	}
	if (padded)
		at = begin + (at - begin + 3) / 4 * 4;
	return llc(l, at);
}

static int wlan(struct layer *l, __u32 at)
{
	return wlan_data(l, at, false);
}

#define RADIOTAP_TSFT (1u << 0) /* fields that are there: a time, 8 bytes; then flags */
#define RADIOTAP_FLAGS (1u << 1)
#define RADIOTAP_MORE (1u << 31) /* another word of such bits */
#define RADIOTAP_HAS_FCS 0x10
#define RADIOTAP_PADDED 0x20

static __u8 radiotap_flags(const struct layer *l, __u32 at, __u32 end)
{
	__u32 present = le32(l, at + 4), field = at + 8;

	for (__u32 more = present; more & RADIOTAP_MORE; field += 4) {
		if (field + 4 > end)
			return 0;
		more = le32(l, field);
	}
	if (present & RADIOTAP_TSFT)
		field = at + (field - at + 7) / 8 * 8 + 8;
	return present & RADIOTAP_FLAGS && field < end ? l->data[field] : 0;
}

static int radiotap(struct layer *l, __u32 at)
{
	__u32 end;
	__u8 flags;

	if (!has(l, at + 8))
		return CUT;
	end = at + le16(l, at + 2);
	if (!has(l, end) || end < at + 8)
		return CUT;
	flags = radiotap_flags(l, at, end);
	if (flags & RADIOTAP_HAS_FCS)
		l->tail = FCS_BYTES;
	return wlan_data(l, end, flags & RADIOTAP_PADDED);
}

static int avs(struct layer *l, __u32 at)
{
	__u32 bytes = has(l, at + 8) ? be32(l, at + 4) : ~0u;

	return has(l, (__u64)at + bytes) && bytes >= 8 ? wlan(l, at + bytes) : CUT;
}

#define AVS_MAGIC 0x802110 /* and a version */
#define PRISM_BYTES 144

static int prism(struct layer *l, __u32 at)
{
	if (has(l, at + 4) && be32(l, at) >> 8 == AVS_MAGIC)
		return avs(l, at);
	return has(l, at + PRISM_BYTES) ? wlan(l, at + PRISM_BYTES) : CUT;
}

/* --- Ethernet, and switches' tags in it -------------------------------------------------------- */

static int ethernet(struct layer *l, __u32 at)
{
	if (!has(l, at))
		return CUT;
	l->whole = true;
	l->at = at;
	return CAPTURE_READ;
}

#define ADDRESSES 12

/* Takes `bytes` out behind the addresses. */
static int without(struct layer *l, __u32 at, __u32 bytes)
{
	if (!has(l, at + ADDRESSES + bytes))
		return CUT;
	memmove(l->data + at + bytes, l->data + at, ADDRESSES);
	return ethernet(l, at + bytes);
}

static int dsa_brcm(struct layer *l, __u32 at)
{
	return without(l, at, 4);
}

#define DSA_TAGGED 0x20

/* The switch's tag at `tag` stands in place of a VLAN tag, if the frame had one. */
static int dsa_at(struct layer *l, __u32 at, __u32 tag)
{
	__u8 *head = l->data + tag;

	if (!has(l, tag + 4))
		return CUT;
	if (!(*head & DSA_TAGGED))
		return without(l, at, tag + 4 - at - ADDRESSES);
	head[0] = 0x81;
	head[1] = 0x00;
	return without(l, at, tag - at - ADDRESSES);
}

static int dsa(struct layer *l, __u32 at)
{
	return dsa_at(l, at, at + ADDRESSES);
}

/* An ethertype and two bytes more before it. */
static int edsa(struct layer *l, __u32 at)
{
	return dsa_at(l, at, at + ADDRESSES + 4);
}

/* --- Headers that name their content ----------------------------------------------------------- */

static int nested(struct layer *l, __u32 at, __u32 type)
{
	const struct capture_link *link = capture_link_find(type);

	l->type = type;
	if (!link || ++l->nested > NESTED_MOST)
		return CAPTURE_LINK_TYPE;
	return link->read(l, at + link->at);
}

/* Version and flags, length, link type. */
static int ppi(struct layer *l, __u32 at)
{
	__u32 bytes = has(l, at + 8) ? le16(l, at + 2) : 0;

	return bytes >= 8 ? nested(l, at + bytes, le32(l, at + 4)) : CUT;
}

static int pktap(struct layer *l, __u32 at)
{
	__u32 bytes = has(l, at + 12) ? le32(l, at) : 0;

	return bytes >= 12 && has(l, (__u64)at + bytes) ? nested(l, at + bytes, le32(l, at + 8))
							: CUT;
}

#define NFLOG_HEADER 1 /* attributes: the ethertype; */
#define NFLOG_PAYLOAD 9

static int nflog(struct layer *l, __u32 at)
{
	__u32 type = 0, bytes;

	for (at += 4; has(l, at + 4); at += (bytes + 3) / 4 * 4) {
		bytes = host16(l, at);
		if (bytes < 4)
			return CUT;
		if (host16(l, at + 2) == NFLOG_HEADER && has(l, at + 6))
			type = be16(l, at + 4);
		else if (host16(l, at + 2) == NFLOG_PAYLOAD)
			return type ? network(l, at + 4, type) : by_version(l, at + 4);
	}
	return CUT;
}

/* --------------------------------------------------------------------------------------------- */

static const struct capture_link links[] = {
	{0, by_family, 4},
	{1, ethernet},
	{8, by_version, 16},
	{9, ppp},
	{10, llc, 13},
	{11, llc},
	{12, by_version},
	{14, by_version},
	{19, llc},
	{50, ppp},
	{51, pppoe},
	{100, llc},
	{101, by_version},
	{104, cisco_hdlc},
	{105, wlan},
	{106, llc},
	{107, frame_relay},
	{108, by_family, 4},
	{109, by_version, 12},
	{113, cooked},
	{117, pflog},
	{119, prism},
	{122, llc, 16},
	{127, radiotap},
	{163, avs},
	{166, ppp, 2},
	{192, ppi},
	{204, ppp, 1},
	{205, cisco_hdlc, 1},
	{206, frame_relay, 1},
	{219, mpls},
	{226, by_version, 24},
	{228, ip4},
	{229, ip6},
	{239, nflog},
	{240, ethernet, 4},
	{258, pktap},
	{276, cooked2},
	{281, dsa_brcm},
	{282, ethernet, 4},
	{284, dsa},
	{285, edsa},
};

/* Those that are not read. */
static const struct {
	__u32 type;
	const char *name;
} names[] = {
	{2, "EN3MB"},
	{3, "AX25"},
	{4, "PRONET"},
	{5, "CHAOS"},
	{6, "IEEE802"},
	{7, "ARCNET"},
	{99, "SYMANTEC_FIREWALL"},
	{102, "SLIP_BSDOS"},
	{103, "PPP_BSDOS"},
	{112, "HDLC"},
	{114, "LTALK"},
	{115, "ECONET"},
	{116, "IPFILTER"},
	{118, "CISCO_IOS"},
	{120, "AIRONET_HEADER"},
	{121, "HHDLC"},
	{123, "SUNATM"},
	{124, "RIO"},
	{125, "PCI_EXP"},
	{126, "AURORA"},
	{128, "TZSP"},
	{129, "ARCNET_LINUX"},
	{130, "JUNIPER_MLPPP"},
	{131, "JUNIPER_MLFR"},
	{132, "JUNIPER_ES"},
	{133, "JUNIPER_GGSN"},
	{134, "JUNIPER_MFR"},
	{135, "JUNIPER_ATM2"},
	{136, "JUNIPER_SERVICES"},
	{137, "JUNIPER_ATM1"},
	{138, "APPLE_IP_OVER_IEEE1394"},
	{139, "MTP2_WITH_PHDR"},
	{140, "MTP2"},
	{141, "MTP3"},
	{142, "SCCP"},
	{143, "DOCSIS"},
	{144, "LINUX_IRDA"},
	{145, "IBM_SP"},
	{146, "IBM_SN"},
	{147, "USER0"},
	{148, "USER1"},
	{149, "USER2"},
	{150, "USER3"},
	{151, "USER4"},
	{152, "USER5"},
	{153, "USER6"},
	{154, "USER7"},
	{155, "USER8"},
	{156, "USER9"},
	{157, "USER10"},
	{158, "USER11"},
	{159, "USER12"},
	{160, "USER13"},
	{161, "USER14"},
	{162, "USER15"},
	{164, "JUNIPER_MONITOR"},
	{165, "BACNET_MS_TP"},
	{167, "JUNIPER_PPPOE"},
	{168, "JUNIPER_PPPOE_ATM"},
	{169, "GPRS_LLC"},
	{170, "GPF_T"},
	{171, "GPF_F"},
	{172, "GCOM_T1E1"},
	{173, "GCOM_SERIAL"},
	{174, "JUNIPER_PIC_PEER"},
	{175, "ERF_ETH"},
	{176, "ERF_POS"},
	{177, "LINUX_LAPD"},
	{178, "JUNIPER_ETHER"},
	{179, "JUNIPER_PPP"},
	{180, "JUNIPER_FRELAY"},
	{181, "JUNIPER_CHDLC"},
	{182, "MFR"},
	{183, "JUNIPER_VP"},
	{184, "A429"},
	{185, "A653_ICM"},
	{186, "USB_FREEBSD"},
	{187, "BLUETOOTH_HCI_H4"},
	{188, "IEEE802_16_MAC_CPS"},
	{189, "USB_LINUX"},
	{190, "CAN20B"},
	{191, "IEEE802_15_4_LINUX"},
	{193, "IEEE802_16_MAC_CPS_RADIO"},
	{194, "JUNIPER_ISM"},
	{195, "IEEE802_15_4_WITHFCS"},
	{196, "SITA"},
	{197, "ERF"},
	{198, "RAIF1"},
	{199, "IPMB_KONTRON"},
	{200, "JUNIPER_ST"},
	{201, "BLUETOOTH_HCI_H4_WITH_PHDR"},
	{202, "AX25_KISS"},
	{203, "LAPD"},
	{207, "LAPB_WITH_DIR"},
	{209, "IPMB_LINUX"},
	{210, "FLEXRAY"},
	{211, "MOST"},
	{212, "LIN"},
	{213, "X2E_SERIAL"},
	{214, "X2E_XORAYA"},
	{215, "IEEE802_15_4_NONASK_PHY"},
	{216, "LINUX_EVDEV"},
	{217, "GSMTAP_UM"},
	{218, "GSMTAP_ABIS"},
	{220, "USB_LINUX_MMAPPED"},
	{221, "DECT"},
	{222, "AOS"},
	{223, "WIHART"},
	{224, "FC_2"},
	{225, "FC_2_WITH_FRAME_DELIMS"},
	{227, "CAN_SOCKETCAN"},
	{230, "IEEE802_15_4_NOFCS"},
	{231, "DBUS"},
	{232, "JUNIPER_VS"},
	{233, "JUNIPER_SRX_E2E"},
	{234, "JUNIPER_FIBRECHANNEL"},
	{235, "DVB_CI"},
	{236, "MUX27010"},
	{237, "STANAG_5066_D_PDU"},
	{238, "JUNIPER_ATM_CEMIC"},
	{241, "NETANALYZER_TRANSPARENT"},
	{242, "IPOIB"},
	{243, "MPEG_2_TS"},
	{244, "NG40"},
	{245, "NFC_LLCP"},
	{246, "PFSYNC"},
	{247, "INFINIBAND"},
	{248, "SCTP"},
	{249, "USBPCAP"},
	{250, "RTAC_SERIAL"},
	{251, "BLUETOOTH_LE_LL"},
	{252, "WIRESHARK_UPPER_PDU"},
	{253, "NETLINK"},
	{254, "BLUETOOTH_LINUX_MONITOR"},
	{255, "BLUETOOTH_BREDR_BB"},
	{256, "BLUETOOTH_LE_LL_WITH_PHDR"},
	{257, "PROFIBUS_DL"},
	{259, "EPON"},
	{260, "IPMI_HPM_2"},
	{261, "ZWAVE_R1_R2"},
	{262, "ZWAVE_R3"},
	{263, "WATTSTOPPER_DLM"},
	{264, "ISO_14443"},
	{265, "RDS"},
	{266, "USB_DARWIN"},
	{267, "OPENFLOW"},
	{268, "SDLC"},
	{269, "TI_LLN_SNIFFER"},
	{270, "LORATAP"},
	{271, "VSOCK"},
	{272, "NORDIC_BLE"},
	{273, "DOCSIS31_XRA31"},
	{274, "ETHERNET_MPACKET"},
	{275, "DISPLAYPORT_AUX"},
	{277, "SERCOS_MONITOR"},
	{278, "OPENVIZSLA"},
	{279, "EBHSCR"},
	{280, "VPP_DISPATCH"},
	{283, "IEEE802_15_4_TAP"},
	{286, "ELEE"},
	{287, "Z_WAVE_SERIAL"},
	{288, "USB_2_0"},
	{289, "ATSC_ALP"},
};

const struct capture_link *capture_link_find(__u32 type)
{
	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++)
		if (links[i].type == type)
			return &links[i];
	return NULL;
}

const char *capture_link_name(__u32 type)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (names[i].type == type)
			return names[i].name;
	return "unknown";
}

/* The readers have checked that `at` is within the packet; bytes behind it are cut off first. */
static void frame_of(struct layer *l, struct capture_packet *out)
{
	__u32 behind = l->bytes - l->at, wire_behind = l->wire_bytes - l->at;
	__u8 *frame = l->data + l->at;

	if (wire_behind > l->tail)
		wire_behind -= l->tail;
	if (!l->whole) {
		frame -= CAPTURE_LEAD;
		memset(frame, 0, CAPTURE_LEAD);
		frame[CAPTURE_LEAD - 2] = l->type >> 8;
		frame[CAPTURE_LEAD - 1] = l->type;
		behind += CAPTURE_LEAD;
		wire_behind += wire_behind <= ~0u - CAPTURE_LEAD ? CAPTURE_LEAD : 0;
	}
	out->frame = frame;
	out->wire_bytes = wire_behind;
	out->bytes = behind < wire_behind ? behind : wire_behind;
}

enum capture_counter capture_link_frame(const struct capture_link *link, struct capture_raw *raw,
					struct capture_packet *out)
{
	struct layer l = {
		.data = raw->data,
		.bytes = raw->bytes,
		.wire_bytes = raw->wire_bytes,
		.swapped = raw->swapped,
		.type = raw->type,
	};
	int fate = link->read(&l, link->at);

	if (fate == CUT) {
		out->frame = raw->data;
		out->bytes = 0;
		out->wire_bytes = raw->wire_bytes;
		return CAPTURE_READ;
	}
	if (fate == CAPTURE_READ)
		frame_of(&l, out);
	else
		raw->type = l.type;
	return fate;
}
