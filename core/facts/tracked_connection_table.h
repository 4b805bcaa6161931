// What conntrack knows of connections, for rules.
#pragma once

#include "core/facts/row.h"

namespace synfate {

struct TrackedConnection {
  Fact<Int> netns;
  Fact<Text> proto;
  Fact<IpAddress> destination;
  Fact<Int> destination_port;
  Fact<IpAddress> source;
  Fact<Int> source_port;
  Fact<IpAddress> answerer;
  Fact<Int> answerer_port;
  Fact<bool> answered;
  Fact<Int> seconds_left;
};

template <>
inline constexpr auto description_of<TrackedConnection> = describe(
    "tracked_connection", "One connection that conntrack knows, TCP or UDP.",
    key(column(&TrackedConnection::netns, "netns", "", "Inode of the network namespace.",
               "netns.inode")),
    key(column(&TrackedConnection::proto, "proto", "", "tcp or udp.")),
    key(column(&TrackedConnection::destination, "destination", "", "The address that was called.")),
    key(column(&TrackedConnection::destination_port, "destination_port", "",
               "The port that was called.")),
    key(column(&TrackedConnection::source, "source", "", "Who called.")),
    key(column(&TrackedConnection::source_port, "source_port", "", "The caller's port.")),
    column(&TrackedConnection::answerer, "answerer", "",
           "Where it goes, and who answers: another address than was called where NAT has led it."),
    column(&TrackedConnection::answerer_port, "answerer_port", "", "The port there."),
    column(&TrackedConnection::answered, "answered", "", "An answer has been seen."),
    column(&TrackedConnection::seconds_left, "seconds_left", "s",
           "When the entry goes unless a packet comes."));

} // namespace synfate
