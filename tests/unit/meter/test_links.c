/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What lies above what, from messages as the kernel writes them and from tables of links. */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "meter/links.h"

#define WATCHED 8

/* --- Messages ---------------------------------------------------------------------------- */

struct message {
	char bytes[1024];
	struct nlmsghdr *header;
};

static void begin(struct message *m, __u16 type, __u8 family, __u32 ifindex, const char *name)
{
	struct ifinfomsg *info;

	memset(m->bytes, 0, sizeof(m->bytes));
	m->header = mnl_nlmsg_put_header(m->bytes);
	m->header->nlmsg_type = type;
	info = mnl_nlmsg_put_extra_header(m->header, sizeof(*info));
	info->ifi_family = family;
	info->ifi_index = ifindex;
	mnl_attr_put_strz(m->header, IFLA_IFNAME, name);
}

static void put_kind(struct message *m, const char *kind)
{
	struct nlattr *info = mnl_attr_nest_start(m->header, IFLA_LINKINFO);

	mnl_attr_put_strz(m->header, IFLA_INFO_KIND, kind);
	mnl_attr_nest_end(m->header, info);
}

static void put_bridge(struct message *m, const char *kind, __u8 vlan_filtering)
{
	struct nlattr *info = mnl_attr_nest_start(m->header, IFLA_LINKINFO), *data;

	mnl_attr_put_strz(m->header, IFLA_INFO_KIND, kind);
	data = mnl_attr_nest_start(m->header, IFLA_INFO_DATA);
	mnl_attr_put_u32(m->header, IFLA_BR_AGEING_TIME, 30000);
	mnl_attr_put_u8(m->header, IFLA_BR_VLAN_FILTERING, vlan_filtering);
	mnl_attr_nest_end(m->header, data);
	mnl_attr_nest_end(m->header, info);
}

static void a_VLAN_device_says_on_which_it_is_made(void **state)
{
	struct netlink_link link = {};
	struct message m;

	begin(&m, RTM_NEWLINK, AF_UNSPEC, 7, "eth0.55");
	mnl_attr_put_u32(m.header, IFLA_LINK, 2);
	put_kind(&m, "vlan");
	assert_true(netlink_parse_link(m.header, &link));
	assert_string_equal(link.name, "eth0.55");
	assert_string_equal(link.kind, "vlan");
	assert_int_equal(link.ifindex, 7);
	assert_int_equal(link.lower, 2);
	assert_int_equal(link.master, 0);
}

static void one_made_on_a_device_of_another_namespace_is_made_on_none_here(void **state)
{
	struct netlink_link link = {};
	struct message m;

	for (int before = 0; before < 2; before++) {
		begin(&m, RTM_NEWLINK, AF_UNSPEC, 7, "eth0");
		if (before)
			mnl_attr_put_u32(m.header, IFLA_LINK_NETNSID, 0);
		mnl_attr_put_u32(m.header, IFLA_LINK, 2);
		if (!before)
			mnl_attr_put_u32(m.header, IFLA_LINK_NETNSID, 0);
		assert_true(netlink_parse_link(m.header, &link));
		assert_int_equal(link.lower, 0);
	}
}

static void a_bridge_says_whether_it_goes_by_VLANs_and_nothing_else_does(void **state)
{
	struct netlink_link link = {};
	struct message m;

	begin(&m, RTM_NEWLINK, AF_UNSPEC, 3, "br0");
	put_bridge(&m, "bridge", 1);
	assert_true(netlink_parse_link(m.header, &link));
	assert_true(link.vlan_aware);
	begin(&m, RTM_NEWLINK, AF_UNSPEC, 3, "br0");
	put_bridge(&m, "bridge", 0);
	assert_true(netlink_parse_link(m.header, &link));
	assert_false(link.vlan_aware);
	begin(&m, RTM_NEWLINK, AF_UNSPEC, 3, "bond0"); /* the number is another attribute there */
	put_bridge(&m, "bond", 1);
	assert_true(netlink_parse_link(m.header, &link));
	assert_false(link.vlan_aware);
}

static void a_port_says_of_which_master_it_is(void **state)
{
	struct netlink_link link = {};
	struct message m;

	begin(&m, RTM_NEWLINK, AF_UNSPEC, 2, "eth0");
	mnl_attr_put_u32(m.header, IFLA_MASTER, 3);
	assert_true(netlink_parse_link(m.header, &link));
	assert_int_equal(link.master, 3);
	begin(&m, RTM_NEWLINK, AF_UNSPEC, 2, "eth0");
	assert_true(netlink_parse_link(m.header, &link));
	assert_int_equal(link.master, 0);
}

static void
what_a_bridge_says_of_its_ports_and_a_radio_of_its_events_is_not_about_links(void **state)
{
	struct netlink_link link = {.ifindex = 99};
	struct message m;

	begin(&m, RTM_DELLINK, AF_BRIDGE, 2, "eth0");
	assert_false(netlink_parse_link(m.header, &link));
	begin(&m, RTM_NEWLINK, AF_UNSPEC, 2, "wlan0");
	mnl_attr_put_u32(m.header, IFLA_WIRELESS, 0);
	assert_false(netlink_parse_link(m.header, &link));
	begin(&m, RTM_NEWADDR, AF_UNSPEC, 2, "eth0");
	assert_false(netlink_parse_link(m.header, &link));
	assert_int_equal(link.ifindex, 99);
	begin(&m, RTM_DELLINK, AF_UNSPEC, 2, "eth0");
	assert_true(netlink_parse_link(m.header, &link));
	assert_true(link.gone);
}

static void attributes_of_a_wrong_size_are_not_read(void **state)
{
	struct netlink_link link = {};
	struct message m;

	begin(&m, RTM_NEWLINK, AF_UNSPEC, 7, "eth0");
	mnl_attr_put_u8(m.header, IFLA_LINK, 2);
	mnl_attr_put_u16(m.header, IFLA_MASTER, 2);
	assert_true(netlink_parse_link(m.header, &link));
	assert_int_equal(link.lower, 0);
	assert_int_equal(link.master, 0);
}

/* --- Tables ------------------------------------------------------------------------------ */

/* Ends with ifindex 0. */
static void fill(struct links *l, const struct netlink_link *link)
{
	*l = (struct links){};
	for (; link->ifindex; link++)
		assert_true(links_put(l, link) >= 0);
}

struct scene {
	struct links links;
	__u32 ifindex[WATCHED]; /* ends with 0 */
	unsigned int count;
	struct link_place place[WATCHED];
};

static void set_scene(struct scene *s, const struct netlink_link *link, const __u32 *ifindex,
		      bool inner)
{
	*s = (struct scene){};
	fill(&s->links, link);
	for (; ifindex[s->count]; s->count++)
		s->ifindex[s->count] = ifindex[s->count];
	assert_int_equal(links_place(&s->links, s->ifindex, s->count, inner, s->place), 0);
}

#define SCENE(s, table, inner, ...) set_scene(s, table, (const __u32[]){__VA_ARGS__, 0}, inner)

static void is_below(const struct scene *s, __u32 lower, __u32 upper, bool is)
{
	unsigned int a = 0, b = 0;

	while (s->ifindex[a] != lower)
		a++;
	while (s->ifindex[b] != upper)
		b++;
	assert_int_equal(link_set_has(&s->place[b].below, a), is);
	assert_false(link_set_has(&s->place[a].below, a));
}

/* Those that are measured, as "1 3". */
static void measured(const struct scene *s, enum count_mode mode, const char *wanted)
{
	char text[64] = "";

	for (unsigned int i = 0; i < s->count; i++)
		if (links_leave_out(s->place, s->count, mode, i) < 0)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%u",
				 *text ? " " : "", s->ifindex[i]);
	assert_string_equal(text, wanted);
}

/*    5 vlan    6 br0          eth0 and eth1 in a bond, a VLAN of it in a bridge, and a tap there
 *       ╲___╱   ╲
 *   4 bond0     7 tap0
 *    ╱     ╲
 * 2 eth0  3 eth1   1 lo */
static const struct netlink_link stack[] = {
	{1, "lo"},
	{2, "eth0", .master = 4},
	{3, "eth1", .master = 4},
	{4, "bond0", "bond"},
	{5, "bond0.55", "vlan", .lower = 4, .master = 6},
	{6, "br0", "bridge"},
	{7, "tap0", "tun", .master = 6},
	{},
};

static void below_is_transitive_and_goes_through_what_is_not_measured(void **state)
{
	struct scene s;

	SCENE(&s, stack, false, 2, 6, 7, 1);
	is_below(&s, 2, 6, true);
	is_below(&s, 7, 6, true);
	is_below(&s, 6, 2, false);
	is_below(&s, 2, 7, false); /* both are ports of br0, and see different packets */
	is_below(&s, 1, 6, false);
	links_free(&s.links);
}

static void once_is_the_lowest_or_the_highest_measured_of_each_stack(void **state)
{
	struct scene s;

	SCENE(&s, stack, false, 2, 3, 4, 5, 6, 7, 1);
	measured(&s, COUNT_ALL, "2 3 4 5 6 7 1");
	measured(&s, COUNT_LOWER, "2 3 7 1");
	measured(&s, COUNT_UPPER, "6 1");
	links_free(&s.links);
	SCENE(&s, stack, false, 5, 4);
	measured(&s, COUNT_LOWER, "4");
	measured(&s, COUNT_UPPER, "5");
	links_free(&s.links);
	SCENE(&s, stack, false, 2, 7, 1);
	measured(&s, COUNT_LOWER, "2 7 1");
	measured(&s, COUNT_UPPER, "2 7 1");
	assert_int_equal(links_leave_out(s.place, s.count, COUNT_LOWER, 0), -1);
	links_free(&s.links);
}

static void the_reason_to_leave_one_out_is_one_that_is_measured(void **state)
{
	struct scene s;

	SCENE(&s, stack, false, 4, 5, 2);
	assert_int_equal(links_leave_out(s.place, s.count, COUNT_LOWER, 1), 2);
	assert_int_equal(links_leave_out(s.place, s.count, COUNT_LOWER, 0), 2);
	assert_int_equal(links_leave_out(s.place, s.count, COUNT_UPPER, 2), 1);
	links_free(&s.links);
}

static void what_is_not_there_is_around_nothing(void **state)
{
	struct scene s;
	__u32 ifindex[] = {0, 2, 99};

	SCENE(&s, stack, false, 4);
	assert_int_equal(links_place(&s.links, ifindex, 3, false, s.place), 0);
	assert_int_equal(links_leave_out(s.place, 3, COUNT_LOWER, 0), -1);
	assert_int_equal(links_leave_out(s.place, 3, COUNT_UPPER, 1), -1);
	assert_int_equal(s.place[2].peer, -1);
	links_free(&s.links);
}

static void devices_that_share_their_lower_one_are_above_it_and_not_one_another(void **state)
{
	static const struct netlink_link table[] = {
		{2, "eth0"},
		{3, "mac0", "macvlan", .lower = 2},
		{4, "ipv0", "ipvlan", .lower = 2},
		{5, "tap5", "macvtap", .lower = 2},
		{6, "eth0.5", "vlan", .lower = 2},
		{7, "eth0.5.6", "vlan", .lower = 6},
		{},
	};
	struct scene s;

	SCENE(&s, table, false, 2, 3, 4, 5, 6, 7);
	is_below(&s, 3, 4, false);
	measured(&s, COUNT_LOWER, "2");
	measured(&s, COUNT_UPPER, "3 4 5 7");
	links_free(&s.links);
}

static void a_team_and_a_VRF_are_above_their_ports_and_Open_vSwitch_is_not(void **state)
{
	static const struct netlink_link table[] = {
		{2, "eth0", .master = 3}, {3, "team0", "team", .master = 4}, {4, "red", "vrf"},
		{5, "eth1", .master = 6}, {6, "ovs-system", "openvswitch"},  {},
	};
	struct scene s;

	SCENE(&s, table, false, 2, 3, 4, 5, 6);
	measured(&s, COUNT_LOWER, "2 5 6");
	measured(&s, COUNT_UPPER, "4 5 6");
	links_free(&s.links);
}

static void a_tunnel_carries_other_packets_unless_what_is_inside_is_counted(void **state)
{
	static const struct netlink_link table[] = {
		{2, "eth0"},
		{3, "vxlan0", "vxlan", .lower = 2},
		{4, "gre0", "gretap", .lower = 2},
		{5, "macsec0", "macsec", .lower = 2},
		{},
	};
	struct scene s;

	SCENE(&s, table, false, 2, 3, 4, 5);
	measured(&s, COUNT_LOWER, "2 3 4 5");
	links_free(&s.links);
	SCENE(&s, table, true, 2, 3, 4, 5);
	measured(&s, COUNT_LOWER, "2 5"); /* what is encrypted is not entered */
	measured(&s, COUNT_UPPER, "3 4 5");
	links_free(&s.links);
}

/* In one namespace; 4 is a port of br0. */
static const struct netlink_link cable[] = {
	{3, "va", "veth", .lower = 4},
	{4, "vb", "veth", .lower = 3, .master = 5},
	{5, "br0", "bridge"},
	{},
};

static void of_the_two_ends_of_a_veth_the_first_named_is_measured(void **state)
{
	struct scene s;

	SCENE(&s, cable, false, 3, 4);
	is_below(&s, 3, 4, false);
	measured(&s, COUNT_ALL, "3 4");
	measured(&s, COUNT_LOWER, "3");
	measured(&s, COUNT_UPPER, "3");
	links_free(&s.links);
	SCENE(&s, cable, false, 4, 3);
	measured(&s, COUNT_LOWER, "4");
	links_free(&s.links);
	SCENE(&s, cable, false, 3, 4, 5);
	measured(&s, COUNT_LOWER, "3");
	links_free(&s.links);
	SCENE(&s, cable, false, 4, 3, 5); /* 4 is left out for br0, so 3 is not for 4 */
	measured(&s, COUNT_UPPER, "3 5");
	links_free(&s.links);
}

static void who_sees_the_same_packets_is_told_of_both(void **state)
{
	struct link_set also;
	struct scene s;

	SCENE(&s, cable, false, 3, 4, 5);
	also = links_also(s.place, s.count, 1);
	assert_int_equal(also.word[0], 1 | 4);
	also = links_also(s.place, s.count, 0);
	assert_int_equal(also.word[0], 2);
	also = links_also(s.place, s.count, 2);
	assert_int_equal(also.word[0], 2);
	links_free(&s.links);
}

static void more_devices_than_a_word_has_bits_are_told_apart(void **state)
{
	static struct link_place place[WEIR_INTERFACES];
	__u32 ifindex[WEIR_INTERFACES];
	struct links l = {};

	for (unsigned int i = 0; i < WEIR_INTERFACES; i++) {
		struct netlink_link link = {.ifindex = WEIR_INTERFACES + 10 - i};

		if (i % 2)
			link.lower = link.ifindex + 1;
		ifindex[i] = link.ifindex;
		assert_int_equal(links_put(&l, &link), i % 2);
	}
	assert_int_equal(links_place(&l, ifindex, WEIR_INTERFACES, false, place), 0);
	for (unsigned int i = 0; i < WEIR_INTERFACES; i++) {
		assert_int_equal(links_leave_out(place, WEIR_INTERFACES, COUNT_LOWER, i),
				 i % 2 ? (int)i - 1 : -1);
		assert_int_equal(links_leave_out(place, WEIR_INTERFACES, COUNT_UPPER, i),
				 i % 2 ? -1 : (int)i + 1);
	}
	links_free(&l);
}

/* The kernel makes none; a table may be in between two changes. */
static void a_ring_ends_and_leaves_nothing_out(void **state)
{
	static const struct netlink_link table[] = {
		{2, "a", "vlan", .lower = 3}, {3, "b", "vlan", .lower = 2}, {}};
	struct scene s;

	SCENE(&s, table, false, 2, 3);
	measured(&s, COUNT_LOWER, "2 3");
	measured(&s, COUNT_UPPER, "2 3");
	links_free(&s.links);
}

/* --- Changes ----------------------------------------------------------------------------- */

static void what_changes_is_known_and_what_does_not_matter_is_no_change(void **state)
{
	struct netlink_link link = {2, "eth0"};
	struct links l = {};

	assert_int_equal(links_put(&l, &link), 0);
	link.up = true;
	strcpy(link.name, "wan");
	assert_int_equal(links_put(&l, &link), 0);
	link.master = 3;
	assert_int_equal(links_put(&l, &link), 1);
	link.vlan_aware = true;
	assert_int_equal(links_put(&l, &link), 1);
	link.gone = true;
	assert_int_equal(links_put(&l, &link), 1);
	assert_int_equal(l.count, 0);
	assert_int_equal(links_put(&l, &link), 0);
	links_free(&l);
}

static void a_link_that_comes_or_goes_matters_if_others_are_above_or_below_it(void **state)
{
	struct netlink_link alone = {2, "eth0"}, port = {3, "tap0", .master = 4};
	struct netlink_link bridge = {4, "br0", "bridge"};
	struct links l = {};

	assert_int_equal(links_put(&l, &alone), 0);
	assert_int_equal(links_put(&l, &port), 1);
	assert_int_equal(links_put(&l, &bridge), 1);
	alone.gone = bridge.gone = port.gone = true;
	assert_int_equal(links_put(&l, &alone), 0);
	assert_int_equal(links_put(&l, &bridge), 1);
	assert_int_equal(links_put(&l, &port), 1);
	assert_int_equal(l.count, 0);
	links_free(&l);
}

static void a_table_of_many_links_is_kept_in_order_however_they_come_and_go(void **state)
{
	struct links l = {};
	unsigned int there = 0;
	bool in[1000] = {};

	srand(1);
	for (int step = 0; step < 20000; step++) {
		struct netlink_link link = {.ifindex = 1 + rand() % 999, .gone = rand() % 2};

		assert_int_equal(links_put(&l, &link), 0);
		there += !link.gone - in[link.ifindex];
		in[link.ifindex] = !link.gone;
		assert_int_equal(l.count, there);
	}
	for (unsigned int i = 1; i < l.count; i++)
		assert_true(l.link[i - 1].ifindex < l.link[i].ifindex && in[l.link[i].ifindex]);
	links_free(&l);
}

static void ports_that_come_later_and_go_again_change_what_is_measured(void **state)
{
	struct netlink_link port = stack[1];
	struct scene s;

	SCENE(&s, stack, false, 2, 4);
	measured(&s, COUNT_LOWER, "2");
	port.master = 0;
	assert_int_equal(links_put(&s.links, &port), 1);
	assert_int_equal(links_place(&s.links, s.ifindex, 2, false, s.place), 0);
	measured(&s, COUNT_LOWER, "2 4");
	port.master = 4;
	assert_int_equal(links_put(&s.links, &port), 1);
	assert_int_equal(links_place(&s.links, s.ifindex, 2, false, s.place), 0);
	measured(&s, COUNT_LOWER, "2");
	links_free(&s.links);
}

/* --- Tags -------------------------------------------------------------------------------- */

static bool has_vlans(const struct netlink_link *table, __u32 ifindex)
{
	struct scene s;

	SCENE(&s, table, false, ifindex);
	links_free(&s.links);
	return s.place[0].vlans;
}

static void tags_are_where_a_VLAN_device_is_somewhere_above(void **state)
{
	assert_true(has_vlans(stack, 2));
	assert_true(has_vlans(stack, 3));
	assert_true(has_vlans(stack, 4));
	assert_false(has_vlans(stack, 5)); /* it took them off */
	assert_false(has_vlans(stack, 6));
	assert_false(has_vlans(stack, 7));
	assert_false(has_vlans(stack, 1));
}

static void tags_are_at_a_parent_through_a_macvlan_and_below_a_second_VLAN(void **state)
{
	static const struct netlink_link table[] = {
		{2, "eth0"},
		{3, "mac0", "macvlan", .lower = 2},
		{4, "mac0.5", "vlan", .lower = 3},
		{5, "eth1"},
		{6, "eth1.6", "vlan", .lower = 5},
		{7, "eth1.6.7", "vlan", .lower = 6},
		{},
	};

	assert_true(has_vlans(table, 2));
	assert_true(has_vlans(table, 3));
	assert_true(has_vlans(table, 5));
	assert_true(has_vlans(table, 6));
	assert_false(has_vlans(table, 7));
}

static void tags_are_at_the_ports_of_a_VLAN_aware_bridge_and_below_its_VLANs(void **state)
{
	static const struct netlink_link table[] = {
		{2, "eth0", .master = 3},
		{3, "bond0", "bond", .master = 4},
		{4, "br0", "bridge", .vlan_aware = true},
		{5, "eth1", .master = 6},
		{6, "br1", "bridge"},
		{7, "br1.5", "vlan", .lower = 6},
		{8, "eth2", .master = 9},
		{9, "br2", "bridge"},
		{10, "eth3", .master = 11},
		{11, "ovs-system", "openvswitch"},
		{},
	};

	assert_true(has_vlans(table, 2));
	assert_true(has_vlans(table, 3));
	assert_true(has_vlans(table, 5));
	assert_true(has_vlans(table, 6));
	assert_false(has_vlans(table, 8));
	assert_true(has_vlans(table, 10));
}

static void tags_inside_a_tunnel_are_not_on_its_carrier(void **state)
{
	static const struct netlink_link table[] = {
		{2, "eth0"},
		{3, "vxlan0", "vxlan", .lower = 2},
		{4, "vxlan0.5", "vlan", .lower = 3},
		{},
	};
	struct scene s;

	assert_false(has_vlans(table, 2));
	assert_true(has_vlans(table, 3));
	SCENE(&s, table, true, 2);
	assert_false(s.place[0].vlans);
	links_free(&s.links);
}

static void a_device_that_the_administrator_made_hear_everything_may_hear_tags(void **state)
{
	static const struct netlink_link table[] = {{2, "span0", .promiscuous = true}, {}};

	assert_true(has_vlans(table, 2));
}

static void an_ifindex_of_another_namespace_is_no_VLAN_here(void **state)
{
	static const struct netlink_link table[] = {{2, "eth0"}, {3, "eth1", "vlan"}, {}};

	assert_false(has_vlans(table, 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_VLAN_device_says_on_which_it_is_made),
		cmocka_unit_test(one_made_on_a_device_of_another_namespace_is_made_on_none_here),
		cmocka_unit_test(a_bridge_says_whether_it_goes_by_VLANs_and_nothing_else_does),
		cmocka_unit_test(a_port_says_of_which_master_it_is),
		cmocka_unit_test(
			what_a_bridge_says_of_its_ports_and_a_radio_of_its_events_is_not_about_links),
		cmocka_unit_test(attributes_of_a_wrong_size_are_not_read),
		cmocka_unit_test(below_is_transitive_and_goes_through_what_is_not_measured),
		cmocka_unit_test(once_is_the_lowest_or_the_highest_measured_of_each_stack),
		cmocka_unit_test(the_reason_to_leave_one_out_is_one_that_is_measured),
		cmocka_unit_test(what_is_not_there_is_around_nothing),
		cmocka_unit_test(
			devices_that_share_their_lower_one_are_above_it_and_not_one_another),
		cmocka_unit_test(a_team_and_a_VRF_are_above_their_ports_and_Open_vSwitch_is_not),
		cmocka_unit_test(a_tunnel_carries_other_packets_unless_what_is_inside_is_counted),
		cmocka_unit_test(of_the_two_ends_of_a_veth_the_first_named_is_measured),
		cmocka_unit_test(who_sees_the_same_packets_is_told_of_both),
		cmocka_unit_test(more_devices_than_a_word_has_bits_are_told_apart),
		cmocka_unit_test(a_ring_ends_and_leaves_nothing_out),
		cmocka_unit_test(what_changes_is_known_and_what_does_not_matter_is_no_change),
		cmocka_unit_test(a_link_that_comes_or_goes_matters_if_others_are_above_or_below_it),
		cmocka_unit_test(a_table_of_many_links_is_kept_in_order_however_they_come_and_go),
		cmocka_unit_test(ports_that_come_later_and_go_again_change_what_is_measured),
		cmocka_unit_test(tags_are_where_a_VLAN_device_is_somewhere_above),
		cmocka_unit_test(tags_are_at_a_parent_through_a_macvlan_and_below_a_second_VLAN),
		cmocka_unit_test(tags_are_at_the_ports_of_a_VLAN_aware_bridge_and_below_its_VLANs),
		cmocka_unit_test(tags_inside_a_tunnel_are_not_on_its_carrier),
		cmocka_unit_test(
			a_device_that_the_administrator_made_hear_everything_may_hear_tags),
		cmocka_unit_test(an_ifindex_of_another_namespace_is_no_VLAN_here),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
