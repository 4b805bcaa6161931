// The tables that describe iptables-legacy and ipset as the kernel holds them.
//
// A table of iptables is one blob, and a walk needs nothing else: `xt_table` keeps it whole, in one
// row. `xt_rule` and `xt_policy` are the same facts rule by rule, for people and for evidence.
#pragma once

#include "core/facts/row.h"

namespace synfate {

struct XtTable {
  Fact<Int> netns;
  Fact<Text> family;
  Fact<Text> name;
  Fact<Int> hooks;
  Fact<Int> rules;
  Fact<Int> size;
  Fact<Bytes> info;
  Fact<Bytes> entries;
};

template <>
inline constexpr auto description_of<XtTable> = describe(
    "xt_table", "One table of iptables-legacy.",
    key(column(&XtTable::netns, "netns", "", "Inode of the network namespace.", "netns.inode")),
    key(column(&XtTable::family, "family", "", "ip or ip6.")),
    key(column(&XtTable::name, "name", "", "filter, nat, mangle, raw or security.")),
    column(&XtTable::hooks, "hooks", "",
           "Its hooks, one bit each: prerouting 1, input 2, forward 4, output 8, postrouting 16."),
    column(&XtTable::rules, "rules", "", "Number of entries, the chains' own marks included."),
    column(&XtTable::size, "size", "bytes", "Size of all entries."),
    column(&XtTable::info, "info", "", "struct ipt_getinfo, as the kernel gave it."),
    column(&XtTable::entries, "entries", "", "All entries, as the kernel gave them."));

struct XtRule {
  Fact<Int> netns;
  Fact<Text> family;
  Fact<Text> table;
  Fact<Text> chain;
  Fact<Int> number;
  Fact<Int> offset;
  Fact<Text> jump;
  Fact<Text> text;
  Fact<Int> packets;
  Fact<Int> bytes;
  Fact<Bytes> entry;
};

template <>
inline constexpr auto description_of<XtRule> = describe(
    "xt_rule", "One rule of iptables-legacy.",
    key(column(&XtRule::netns, "netns", "", "Inode of the network namespace.", "netns.inode")),
    key(column(&XtRule::family, "family", "", "ip or ip6.", "xt_table.family")),
    key(column(&XtRule::table, "table", "", "Its table.", "xt_table.name")),
    key(column(&XtRule::chain, "chain", "", "Its chain.")),
    key(column(&XtRule::number, "number", "", "As iptables -L --line-numbers counts, from 1.")),
    column(&XtRule::offset, "offset", "bytes", "Where it starts in its table."),
    column(&XtRule::jump, "jump", "", "The chain it jumps or goes to."),
    column(&XtRule::text, "text", "", "The rule as iptables-save writes it."),
    column(&XtRule::packets, "packets", "packets", "Packets that matched it."),
    column(&XtRule::bytes, "bytes", "bytes", "Their bytes."),
    column(&XtRule::entry, "entry", "", "struct ipt_entry, its matches and its target."));

struct XtPolicy {
  Fact<Int> netns;
  Fact<Text> family;
  Fact<Text> table;
  Fact<Text> chain;
  Fact<Text> policy;
  Fact<Int> packets;
  Fact<Int> bytes;
};

template <>
inline constexpr auto description_of<XtPolicy> = describe(
    "xt_policy", "What a built-in chain of iptables-legacy does with the rest.",
    key(column(&XtPolicy::netns, "netns", "", "Inode of the network namespace.", "netns.inode")),
    key(column(&XtPolicy::family, "family", "", "ip or ip6.", "xt_table.family")),
    key(column(&XtPolicy::table, "table", "", "Its table.", "xt_table.name")),
    key(column(&XtPolicy::chain, "chain", "", "Its chain.")),
    column(&XtPolicy::policy, "policy", "", "accept or drop."),
    column(&XtPolicy::packets, "packets", "packets", "Packets it decided."),
    column(&XtPolicy::bytes, "bytes", "bytes", "Their bytes."));

struct Ipset {
  Fact<Int> netns;
  Fact<Text> name;
  Fact<Int> index;
  Fact<Text> type;
  Fact<Text> family;
  Fact<Int> revision;
  Fact<Int> elements;
  Fact<Int> references;
  Fact<Int> max_elements;
  Fact<Int> timeout;
  Fact<Int> netmask;
  Fact<Int> markmask;
  Fact<Int> flags;
};

template <>
inline constexpr auto description_of<Ipset> = describe(
    "ipset", "One set of ipset.",
    key(column(&Ipset::netns, "netns", "", "Inode of the network namespace.", "netns.inode")),
    key(column(&Ipset::name, "name", "", "Its name.")),
    column(&Ipset::index, "index", "", "The kernel's number of it, by which rules refer to it."),
    column(&Ipset::type, "type", "", "hash:ip, hash:net, bitmap:port, list:set …"),
    column(&Ipset::family, "family", "", "ip or ip6; absent if it holds no addresses."),
    column(&Ipset::revision, "revision", "", "Revision of its type."),
    column(&Ipset::elements, "elements", "", "Number of elements."),
    column(&Ipset::references, "references", "", "Number of rules and sets that refer to it."),
    column(&Ipset::max_elements, "max_elements", "", "Most elements it takes."),
    column(&Ipset::timeout, "timeout", "s", "New elements are gone after this time; 0: never."),
    column(&Ipset::netmask, "netmask", "bits", "Addresses are cut to this length first."),
    column(&Ipset::markmask, "markmask", "", "Marks are cut to these bits first."),
    column(&Ipset::flags, "flags", "", "IPSET_FLAG_ bits of its creation."));

struct IpsetElement {
  Fact<Int> netns;
  Fact<Text> set;
  Fact<Text> element;
  Fact<IpAddress> address;
  Fact<IpAddress> address_to;
  Fact<Int> prefix_length;
  Fact<Text> proto;
  Fact<Int> port;
  Fact<Int> port_to;
  Fact<IpAddress> address2;
  Fact<Int> prefix_length2;
  Fact<Text> interface;
  Fact<Int> mark;
  Fact<Text> hardware_address;
  Fact<Text> member;
  Fact<bool> nomatch;
  Fact<bool> physical;
  Fact<bool> wildcard;
  Fact<Int> timeout;
  Fact<Int> position;
  Fact<Text> comment;
};

template <>
inline constexpr auto description_of<IpsetElement> = describe(
    "ipset_element", "One element of a set of ipset.",
    key(column(&IpsetElement::netns, "netns", "", "Inode of the network namespace.",
               "netns.inode")),
    key(column(&IpsetElement::set, "set", "", "Its set.", "ipset.name")),
    key(column(&IpsetElement::element, "element", "", "The element as ipset lists it.")),
    column(&IpsetElement::address, "address", "", "Its address, or the first of them."),
    column(&IpsetElement::address_to, "address_to", "", "The last address of a range."),
    column(&IpsetElement::prefix_length, "prefix_length", "bits", "Length of the network part."),
    column(&IpsetElement::proto, "proto", "", "tcp, udp, sctp, icmp … or a number."),
    column(&IpsetElement::port, "port", "", "Its port, or an ICMP type and code."),
    column(&IpsetElement::port_to, "port_to", "", "The last port of a range."),
    column(&IpsetElement::address2, "address2", "", "Its second address."),
    column(&IpsetElement::prefix_length2, "prefix_length2", "bits", "Length of its network part."),
    column(&IpsetElement::interface, "interface", "", "Its interface.", "interface.name"),
    column(&IpsetElement::mark, "mark", "", "Its mark."),
    column(&IpsetElement::hardware_address, "hardware_address", "", "Its link-layer address."),
    column(&IpsetElement::member, "member", "", "list:set: the set it names.", "ipset.name"),
    column(&IpsetElement::nomatch, "nomatch", "", "An exception: what it holds is not in the set."),
    column(&IpsetElement::physical, "physical", "", "Its interface is a bridge port."),
    column(&IpsetElement::wildcard, "wildcard", "", "Its interface is the start of a name."),
    column(&IpsetElement::timeout, "timeout", "s", "Gone after this time; absent: never."),
    column(&IpsetElement::position, "position", "", "Its place in the kernel's answer, from 0."),
    column(&IpsetElement::comment, "comment", "", "The comment that was given with it."));

struct IpsetTest {
  Fact<Int> netns;
  Fact<Text> set;
  Fact<Text> element;
  Fact<bool> matched;
};

template <>
inline constexpr auto description_of<IpsetTest> = describe_answers(
    "ipset_test", "The kernel's answer to: is this in the set?",
    key(column(&IpsetTest::netns, "netns", "", "Inode of the network namespace.", "netns.inode")),
    key(column(&IpsetTest::set, "set", "", "The set.", "ipset.name")),
    key(column(&IpsetTest::element, "element", "",
               "Asked: the element, its parts joined by commas: 10.0.0.1,tcp:80.")),
    column(&IpsetTest::matched, "matched", "", "It is in the set."));

struct RecentEntry {
  Fact<Int> netns;
  Fact<Text> list;
  Fact<IpAddress> address;
  Fact<Int> ttl;
  Fact<Int> stamps;
};

template <>
inline constexpr auto description_of<RecentEntry> = describe(
    "xt_recent", "An address in a list of the match recent.",
    key(column(&RecentEntry::netns, "netns", "", "Inode of the network namespace.", "netns.inode")),
    key(column(&RecentEntry::list, "list", "", "The list, as --name has it.")),
    key(column(&RecentEntry::address, "address", "", "The address, masked as the list masks.")),
    column(&RecentEntry::ttl, "ttl", "", "TTL or hop limit of its last packet."),
    column(&RecentEntry::stamps, "stamps", "packets",
           "How many of its packets the list remembers the time of."));

struct HashlimitEntry {
  Fact<Int> netns;
  Fact<Text> family;
  Fact<Text> list;
  Fact<IpAddress> source;
  Fact<Int> source_port;
  Fact<IpAddress> destination;
  Fact<Int> destination_port;
  Fact<Int> expires_in;
  Fact<Int> credit;
  Fact<Int> credit_cap;
  Fact<Int> cost;
};

template <>
inline constexpr auto description_of<HashlimitEntry> = describe(
    "xt_hashlimit", "A client, or what else is told apart, in a table of the match hashlimit.",
    key(column(&HashlimitEntry::netns, "netns", "", "Inode of the network namespace.",
               "netns.inode")),
    key(column(&HashlimitEntry::family, "family", "", "ip or ip6.")),
    key(column(&HashlimitEntry::list, "list", "", "The table, as --hashlimit-name has it.")),
    key(column(&HashlimitEntry::source, "source", "", "Masked source; all zero: not asked.")),
    key(column(&HashlimitEntry::source_port, "source_port", "", "Source port; 0: not asked.")),
    key(column(&HashlimitEntry::destination, "destination", "",
               "Masked destination; all zero: not asked.")),
    key(column(&HashlimitEntry::destination_port, "destination_port", "",
               "Destination port; 0: not asked.")),
    column(&HashlimitEntry::expires_in, "expires_in", "s", "Forgotten after this time."),
    column(&HashlimitEntry::credit, "credit", "",
           "What it has left; a packet that passes takes `cost` of it. Absent: beyond 63 bits."),
    column(&HashlimitEntry::credit_cap, "credit_cap", "",
           "The most it can have; of a limit in bytes, how often it is filled up at once."),
    column(&HashlimitEntry::cost, "cost", "", "Of a packet, or of 16 bytes."));

/// Adds every table of this file.
Status add_xtables_tables(Schema& schema);

} // namespace synfate
