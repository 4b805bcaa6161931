// The tables that describe nf_tables as the kernel holds it, and the programs behind queues.
//
// What decides is kept raw: a rule's expressions, an element's data, an object's parameters are
// netlink bytes, decoded by decode.h only where a walk gets to. Families and hooks are named as nft
// names them: ip, ip6, inet, arp, bridge, netdev; prerouting, input, ingress …
#pragma once

#include "core/facts/row.h"

namespace synfate {

struct NftTable {
  Fact<Int> netns;
  Fact<Text> family;
  Fact<Text> name;
  Fact<Int> handle;
  Fact<bool> dormant;
  Fact<bool> owned;
};

template <>
inline constexpr auto description_of<NftTable> = describe(
    "nft_table", "One table of nf_tables.",
    key(column(&NftTable::netns, "netns", "", "Inode of the network namespace.", "netns.inode")),
    key(column(&NftTable::family, "family", "", "ip, ip6, inet, arp, bridge or netdev.")),
    key(column(&NftTable::name, "name", "", "Its name.")),
    column(&NftTable::handle, "handle", "", "The kernel's number of it."),
    column(&NftTable::dormant, "dormant", "", "Its chains are not registered: nothing in it acts."),
    column(&NftTable::owned, "owned", "", "It belongs to a running program and goes with it."));

struct NftChain {
  Fact<Int> netns;
  Fact<Text> family;
  Fact<Text> table;
  Fact<Text> name;
  Fact<Int> handle;
  Fact<Text> type;
  Fact<Text> hook;
  Fact<Int> priority;
  Fact<Text> policy;
  Fact<Text> devices;
  Fact<Int> rules;
};

template <>
inline constexpr auto description_of<NftChain> = describe(
    "nft_chain", "One chain of nf_tables.",
    key(column(&NftChain::netns, "netns", "", "Inode of the network namespace.", "netns.inode")),
    key(column(&NftChain::family, "family", "", "Family of its table.", "nft_table.family")),
    key(column(&NftChain::table, "table", "", "Its table.", "nft_table.name")),
    key(column(&NftChain::name, "name", "", "Its name.")),
    column(&NftChain::handle, "handle", "", "The kernel's number of it."),
    column(&NftChain::type, "type", "", "filter, nat or route; absent unless it is a base chain."),
    column(
        &NftChain::hook, "hook", "",
        "prerouting, input, forward, output, postrouting, ingress or egress; absent unless it is "
        "a base chain."),
    column(&NftChain::priority, "priority", "", "Lower runs first among the chains of a hook."),
    column(&NftChain::policy, "policy", "", "accept or drop: what becomes of the rest."),
    column(&NftChain::devices, "devices", "",
           "Devices of an ingress or egress chain, separated by spaces."),
    column(&NftChain::rules, "rules", "", "What refers to it: its rules and jumps to it."));

struct NftRule {
  Fact<Int> netns;
  Fact<Text> family;
  Fact<Text> table;
  Fact<Text> chain;
  Fact<Int> handle;
  Fact<Int> position;
  Fact<Bytes> expressions;
  Fact<Text> comment;
};

template <>
inline constexpr auto description_of<NftRule> = describe(
    "nft_rule", "One rule of nf_tables, as the kernel runs it.",
    key(column(&NftRule::netns, "netns", "", "Inode of the network namespace.", "netns.inode")),
    key(column(&NftRule::family, "family", "", "Family of its table.", "nft_table.family")),
    key(column(&NftRule::table, "table", "", "Its table.", "nft_table.name")),
    key(column(&NftRule::chain, "chain", "", "Its chain.", "nft_chain.name")),
    key(column(&NftRule::handle, "handle", "", "The kernel's number of it.")),
    column(&NftRule::position, "position", "", "Its place in the chain, from 0."),
    column(&NftRule::expressions, "expressions", "", "NFTA_RULE_EXPRESSIONS, as netlink gave it."),
    column(&NftRule::comment, "comment", "", "The comment that was given with it."));

struct NftRuleDump {
  Fact<Int> netns;
  Fact<Text> family;
  Fact<Text> table;
  Fact<Text> chain;
  Fact<Int> part;
  Fact<Bytes> messages;
};

template <>
inline constexpr auto description_of<NftRuleDump> = describe_answers(
    "nft_rule_dump", "The rules of one chain of nf_tables, as the kernel's messages have them.",
    key(column(&NftRuleDump::netns, "netns", "", "Inode of the network namespace.", "netns.inode")),
    key(column(&NftRuleDump::family, "family", "", "Family of its table.", "nft_table.family")),
    key(column(&NftRuleDump::table, "table", "", "Its table.", "nft_table.name")),
    key(column(&NftRuleDump::chain, "chain", "", "Its chain.", "nft_chain.name")),
    key(column(&NftRuleDump::part, "part", "", "Which datagram of the dump, from 0.")),
    column(&NftRuleDump::messages, "messages", "",
           "NFT_MSG_NEWRULE messages one after another, in the order of the rules."));

struct NftSet {
  Fact<Int> netns;
  Fact<Text> family;
  Fact<Text> table;
  Fact<Text> name;
  Fact<Int> handle;
  Fact<Int> flags;
  Fact<Int> key_type;
  Fact<Int> key_length;
  Fact<Int> data_type;
  Fact<Int> data_length;
  Fact<Int> object_type;
  Fact<Int> size;
  Fact<Int> timeout;
  Fact<Bytes> fields;
  Fact<Bytes> userdata;
};

template <>
inline constexpr auto description_of<NftSet> = describe(
    "nft_set", "One set or map of nf_tables.",
    key(column(&NftSet::netns, "netns", "", "Inode of the network namespace.", "netns.inode")),
    key(column(&NftSet::family, "family", "", "Family of its table.", "nft_table.family")),
    key(column(&NftSet::table, "table", "", "Its table.", "nft_table.name")),
    key(column(&NftSet::name, "name", "", "Its name; __set… and __map… have none of their own.")),
    column(&NftSet::handle, "handle", "", "The kernel's number of it."),
    column(&NftSet::flags, "flags", "", "NFT_SET_ flags of the kernel."),
    column(&NftSet::key_type, "key_type", "", "nft's number of the key's type."),
    column(&NftSet::key_length, "key_length", "bytes", "Length of a key."),
    column(&NftSet::data_type, "data_type", "", "nft's number of a map's data type."),
    column(&NftSet::data_length, "data_length", "bytes", "Length of a map's data."),
    column(&NftSet::object_type, "object_type", "", "Kind of object that a map leads to."),
    column(&NftSet::size, "size", "", "Most elements it takes; absent if not limited."),
    column(&NftSet::timeout, "timeout", "ms", "After this time an element is gone."),
    column(&NftSet::fields, "fields", "", "Concatenated keys: the length of each field, a byte."),
    column(&NftSet::userdata, "userdata", "", "What nft keeps with it."));

struct NftElement {
  Fact<Int> netns;
  Fact<Text> family;
  Fact<Text> table;
  Fact<Text> set;
  Fact<Bytes> key;
  Fact<bool> interval_end;
  Fact<bool> catchall;
  Fact<Bytes> key_end;
  Fact<Bytes> data;
  Fact<Text> object;
  Fact<Int> expires;
  Fact<Bytes> expressions;
  Fact<Text> comment;
};

template <>
inline constexpr auto description_of<NftElement> = describe(
    "nft_element", "One element of a set or map of nf_tables.",
    key(column(&NftElement::netns, "netns", "", "Inode of the network namespace.", "netns.inode")),
    key(column(&NftElement::family, "family", "", "Family of its table.", "nft_table.family")),
    key(column(&NftElement::table, "table", "", "Its table.", "nft_table.name")),
    key(column(&NftElement::set, "set", "", "Its set.", "nft_set.name")),
    key(column(&NftElement::key, "key", "", "The key, as registers hold it; empty: catch-all.")),
    key(column(&NftElement::interval_end, "interval_end", "",
               "It is the first key after an interval, not an element.")),
    column(&NftElement::catchall, "catchall", "", "It is the element for all other keys."),
    key(column(&NftElement::key_end, "key_end", "",
               "The greatest key of the range, for sets of concatenated ranges.")),
    column(&NftElement::data, "data", "", "A map's data: the payload of NFTA_SET_ELEM_DATA."),
    column(&NftElement::object, "object", "", "The object it leads to.", "nft_object.name"),
    column(&NftElement::expires, "expires", "ms", "It is gone after this time."),
    column(&NftElement::expressions, "expressions", "",
           "Its own limit, counter … as a list of expressions."),
    column(&NftElement::comment, "comment", "", "The comment that was given with it."));

struct NftSetDump {
  Fact<Int> netns;
  Fact<Text> family;
  Fact<Text> table;
  Fact<Text> set;
  Fact<Int> part;
  Fact<Bytes> elements;
};

template <>
inline constexpr auto description_of<NftSetDump> = describe(
    "nft_set_dump",
    "All elements of a set or map of nf_tables, as the kernel's messages have them.",
    key(column(&NftSetDump::netns, "netns", "", "Inode of the network namespace.", "netns.inode")),
    key(column(&NftSetDump::family, "family", "", "Family of its table.", "nft_table.family")),
    key(column(&NftSetDump::table, "table", "", "Its table.", "nft_table.name")),
    key(column(&NftSetDump::set, "set", "", "Its set.", "nft_set.name")),
    key(column(&NftSetDump::part, "part", "", "Which message of the dump.")),
    column(&NftSetDump::elements, "elements", "",
           "Its elements: the payload of NFTA_SET_ELEM_LIST_ELEMENTS."));

struct NftLookup {
  Fact<Int> netns;
  Fact<Text> family;
  Fact<Text> table;
  Fact<Text> set;
  Fact<Bytes> key;
  Fact<bool> found;
  Fact<Bytes> data;
  Fact<Text> object;
  Fact<Int> expires;
  Fact<Bytes> expressions;
  Fact<bool> catchall;
  Fact<Bytes> element_key;
};

template <>
inline constexpr auto description_of<NftLookup> = describe_answers(
    "nft_lookup", "The kernel's own answer to one question: is this key in that set.",
    key(column(&NftLookup::netns, "netns", "", "Inode of the network namespace.", "netns.inode")),
    key(column(&NftLookup::family, "family", "", "Family of the table.", "nft_table.family")),
    key(column(&NftLookup::table, "table", "", "The table.", "nft_table.name")),
    key(column(&NftLookup::set, "set", "", "The set.", "nft_set.name")),
    key(column(&NftLookup::key, "key", "", "Asked: the key, as registers hold it.")),
    column(&NftLookup::found, "found", "", "An element holds the key."),
    column(&NftLookup::data, "data", "", "A map's data: the payload of NFTA_SET_ELEM_DATA."),
    column(&NftLookup::object, "object", "", "The object it leads to.", "nft_object.name"),
    column(&NftLookup::expires, "expires", "ms", "The element is gone after this time."),
    column(&NftLookup::expressions, "expressions", "", "The element's own limit, counter …"),
    column(&NftLookup::catchall, "catchall", "", "Only the element for all other keys holds it."),
    column(&NftLookup::element_key, "element_key", "",
           "The key of the element: where an interval begins."));

struct NftObject {
  Fact<Int> netns;
  Fact<Text> family;
  Fact<Text> table;
  Fact<Text> name;
  Fact<Int> type;
  Fact<Text> kind;
  Fact<Int> handle;
  Fact<Bytes> data;
};

template <>
inline constexpr auto description_of<NftObject> = describe(
    "nft_object", "One named object of nf_tables: a counter, quota, limit …",
    key(column(&NftObject::netns, "netns", "", "Inode of the network namespace.", "netns.inode")),
    key(column(&NftObject::family, "family", "", "Family of its table.", "nft_table.family")),
    key(column(&NftObject::table, "table", "", "Its table.", "nft_table.name")),
    key(column(&NftObject::name, "name", "", "Its name.")),
    key(column(&NftObject::type, "type", "", "The kernel's number of its kind.")),
    column(
        &NftObject::kind, "kind", "",
        "counter, quota, ct helper, limit, ct count, tunnel, ct timeout, secmark, ct expectation "
        "or synproxy."),
    column(&NftObject::handle, "handle", "", "The kernel's number of it."),
    column(&NftObject::data, "data", "", "NFTA_OBJ_DATA, as netlink gave it."));

struct NftFlowtable {
  Fact<Int> netns;
  Fact<Text> family;
  Fact<Text> table;
  Fact<Text> name;
  Fact<Int> handle;
  Fact<Int> priority;
  Fact<Text> devices;
};

template <>
inline constexpr auto description_of<NftFlowtable> = describe(
    "nft_flowtable", "One flow table of nf_tables: connections in it skip the rules.",
    key(column(&NftFlowtable::netns, "netns", "", "Inode of the network namespace.",
               "netns.inode")),
    key(column(&NftFlowtable::family, "family", "", "Family of its table.", "nft_table.family")),
    key(column(&NftFlowtable::table, "table", "", "Its table.", "nft_table.name")),
    key(column(&NftFlowtable::name, "name", "", "Its name.")),
    column(&NftFlowtable::handle, "handle", "", "The kernel's number of it."),
    column(&NftFlowtable::priority, "priority", "", "Its place at the ingress hook."),
    column(&NftFlowtable::devices, "devices", "", "Its devices, separated by spaces."));

struct NftGeneration {
  Fact<Int> netns;
  Fact<Int> generation;
};

template <>
inline constexpr auto description_of<NftGeneration> =
    describe("nft_generation",
             "A version of a namespace's nf_tables rules that facts are of. More than one: they "
             "changed while they were read, and facts of them need not fit together.",
             key(column(&NftGeneration::netns, "netns", "", "Inode of the network namespace.",
                        "netns.inode")),
             key(column(&NftGeneration::generation, "generation", "", "Grows with every change.")));

struct NetfilterQueue {
  Fact<Int> netns;
  Fact<Int> number;
  Fact<Int> port_id;
  Fact<Int> waiting;
  Fact<Int> dropped;
  Fact<Int> user_dropped;
};

template <>
inline constexpr auto description_of<NetfilterQueue> = describe(
    "nfnetlink_queue", "One queue that a program listens to for packets (NFQUEUE).",
    key(column(&NetfilterQueue::netns, "netns", "", "Inode of the network namespace.",
               "netns.inode")),
    key(column(&NetfilterQueue::number, "number", "", "The queue's number.")),
    column(&NetfilterQueue::port_id, "port_id", "",
           "Netlink port of the program: usually its process id."),
    column(&NetfilterQueue::waiting, "waiting", "packets", "Packets it has not decided yet."),
    column(&NetfilterQueue::dropped, "dropped", "packets", "Lost because the queue was full."),
    column(&NetfilterQueue::user_dropped, "user_dropped", "packets",
           "Lost on the way to the program."));

/// Adds every table of this file.
Status add_netfilter_tables(Schema& schema);

} // namespace synfate
