// The FIB model against the kernel: random tables, rules and settings in namespaces of our own, and
// thousands of questions that both answer. A failure prints the seed of its namespace; set
// SYNFATE_SEED to it to see that one again.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <random>

#include <fmt/format.h>
#include <unistd.h>

#include "messages.h"
#include "platform/linux/routing/addresses.h"
#include "platform/linux/routing/fib.h"
#include "platform/linux/routing/fib_facts.h"
#include "platform/linux/routing/neighbours.h"
#include "platform/linux/routing/policy_rules.h"
#include "platform/linux/routing/routes.h"
#include "platform/linux/routing/sysctls.h"
#include "private_netns.h"
#include "tests/unit/catch.h"

using namespace synfate;
using namespace synfate::linux_routing;

namespace {

class Dice {
public:
  explicit Dice(std::uint32_t seed) : engine_(seed) {}
  int below(int limit) { return std::uniform_int_distribution(0, limit - 1)(engine_); }
  bool one_in(int n) { return below(n) == 0; }
  template <typename T> const T& any(const std::vector<T>& from) {
    return from[static_cast<std::size_t>(below(static_cast<int>(from.size())))];
  }

private:
  std::mt19937 engine_;
};

struct World {
  bool v4 = true;
  Dice dice;
  std::vector<std::string> devices{"rt0", "rt1", "rt2", "rt3"};
  std::vector<std::string> own{};
};

std::string random_address(World& world) {
  Dice& dice = world.dice;
  if (world.v4)
    return fmt::format("10.{}.{}.{}", dice.below(4), dice.below(3),
                       dice.any<int>({0, 1, 2, 9, 255}));
  return fmt::format("fd00:{}:{}::{}", dice.below(4), dice.below(3), dice.any<int>({1, 2, 9}));
}

std::string random_prefix(World& world) {
  const auto length = world.v4 ? world.dice.any<int>({0, 8, 15, 16, 22, 24, 30, 32})
                               : world.dice.any<int>({0, 16, 31, 32, 47, 48, 64, 128});
  return IpPrefix(ip(random_address(world)), static_cast<unsigned>(length)).to_string();
}

/// A gateway that is on the link of a device.
std::string random_hop(World& world) {
  const auto device = world.dice.below(4);
  if (world.dice.one_in(3))
    return fmt::format("dev rt{}", device);
  return world.v4 ? fmt::format("via 10.{}.0.{} dev rt{} onlink", device, 2 + world.dice.below(3),
                                device)
                  : fmt::format("via fd00:{}:0::{} dev rt{} onlink", device,
                                2 + world.dice.below(3), device);
}

std::string random_route(World& world) {
  Dice& dice = world.dice;
  const auto type = dice.any<std::string>({"unicast", "unicast", "unicast", "unicast", "blackhole",
                                           "unreachable", "prohibit", "throw"});
  std::string line = fmt::format("route add {} {}", type, random_prefix(world));
  if (!world.v4 && dice.one_in(4))
    line += fmt::format(" from fd00:{}::/32", dice.below(3));
  line += fmt::format(" table {}", dice.any<int>({254, 254, 254, 100, 101, 253, 255}));
  if (dice.one_in(3))
    line += fmt::format(" metric {}", 10 + dice.below(3));
  if (world.v4 && dice.one_in(8))
    line += fmt::format(" tos {}", dice.any<int>({4, 8, 16}));
  if (!world.v4 && type == "unicast" && dice.one_in(3))
    line += dice.one_in(2) ? " pref high" : " pref low";
  if (type != "unicast")
    return line;
  if (!dice.one_in(6))
    return line + " " + random_hop(world);
  for (int hop = 0; hop < 2; ++hop)
    line += " nexthop " + random_hop(world);
  return line;
}

std::string random_rule(World& world) {
  Dice& dice = world.dice;
  std::string line =
      fmt::format("rule add pref {}", dice.any<int>({50, 100, 100, 200, 300, 400, 33000}));
  if (dice.one_in(8))
    line += " not";
  if (dice.one_in(3))
    line += " from " + random_prefix(world);
  if (dice.one_in(3))
    line += " to " + random_prefix(world);
  if (dice.one_in(5))
    line += dice.one_in(2) ? " fwmark 1" : " fwmark 0x2/0x3";
  if (dice.one_in(6))
    line += " iif " + dice.any<std::string>({"lo", "rt0", "rt1", "rt9"});
  if (dice.one_in(8))
    line += " oif " + dice.any<std::string>({"rt0", "rt1", "rt9"});
  if (dice.one_in(8))
    line += " uidrange 0-100";
  if (dice.one_in(8))
    line += " tos 8";
  if (dice.one_in(8))
    line += " ipproto tcp";
  if (dice.one_in(8))
    line += " sport 8080";
  if (dice.one_in(8))
    line += " dport 8000-9000";
  const int action = dice.below(10);
  if (action == 0)
    return line + " blackhole";
  if (action == 1)
    return line + " unreachable";
  if (action == 2)
    return line + " prohibit";
  if (action == 3)
    return line + " goto 300";
  line += fmt::format(" lookup {}", dice.any<int>({100, 101, 254, 255}));
  if (dice.one_in(4))
    line += fmt::format(" suppress_prefixlength {}", dice.any<int>({0, 16, 24, 48}));
  else if (dice.one_in(6))
    line += " suppress_ifgroup 7";
  return line;
}

std::string random_settings(World& world) {
  Dice& dice = world.dice;
  std::string text;
  const auto set = [&](const std::string& name, int value) {
    text += fmt::format("echo {} > /proc/sys/net/{} 2>/dev/null\n", value, name);
  };
  std::vector<std::string> places = world.devices;
  places.push_back("all");
  for (const auto& place : places) {
    const bool all = place == "all";
    set(fmt::format("ipv4/conf/{}/rp_filter", place), dice.one_in(all ? 4 : 2) ? dice.below(3) : 0);
    set(fmt::format("ipv4/conf/{}/accept_local", place), dice.one_in(6));
    set(fmt::format("ipv4/conf/{}/src_valid_mark", place), dice.one_in(4));
    set(fmt::format("ipv4/conf/{}/route_localnet", place), dice.one_in(6));
    set(fmt::format("ipv4/conf/{}/bc_forwarding", place), dice.one_in(3));
    set(fmt::format("ipv4/conf/{}/ignore_routes_with_linkdown", place), dice.one_in(3));
    set(fmt::format("ipv6/conf/{}/ignore_routes_with_linkdown", place), dice.one_in(3));
    if (!all)
      set(fmt::format("ipv4/conf/{}/forwarding", place), dice.below(2));
  }
  set("ipv6/conf/all/forwarding", dice.below(2));
  return text;
}

/// Interfaces, addresses, routes and rules; what the kernel refuses of it is simply not there.
void build(World& world) {
  Dice& dice = world.dice;
  std::string batch = "link set lo up\n";
  for (int device = 0; device < 4; ++device) {
    batch += fmt::format("link add rt{0} type veth peer name pt{0}\n"
                         "link set rt{0} addrgenmode none group {1}\n"
                         "link set pt{0} addrgenmode none\nlink set rt{0} up\n",
                         device, dice.one_in(3) ? 7 : 0);
    if (device != 3 || dice.one_in(2))
      batch += fmt::format("link set pt{} up\n", device);
    if (device == 2 && dice.one_in(3))
      continue; // an interface without an address
    const std::string address =
        world.v4 ? fmt::format("10.{}.0.1", device) : fmt::format("fd00:{}:0::1", device);
    world.own.push_back(address);
    batch += fmt::format("addr add {}/{} dev rt{} {}\n", address, world.v4 ? 24 : 64, device,
                         world.v4 ? "brd +" : "nodad");
  }
  for (int count = 5 + dice.below(20); count > 0; --count)
    batch += random_route(world) + "\n";
  if (!dice.one_in(4))
    for (int count = dice.below(8); count > 0; --count)
      batch += random_rule(world) + "\n";
  for (int device = 0; !world.v4 && device < 4; ++device)
    if (dice.one_in(2))
      batch += fmt::format("neigh add fd00:{0}:0::2 dev rt{0} nud failed\n", device);
  const std::string name = fmt::format("/tmp/synfate-fib-test-{}", getpid());
  std::ofstream(name) << batch;
  shell(fmt::format("ip {} -force -batch {} >/dev/null 2>&1", world.v4 ? "-4" : "-6", name));
  std::ofstream(name) << random_settings(world);
  shell(fmt::format("sh {0}; rm -f {0}; sleep 0.05", name));
}

std::optional<Int> read_number(const std::string& name) {
  const auto text = read_sysctl("", name);
  if (!text || !*text)
    return std::nullopt;
  return std::strtoll((*text)->c_str(), nullptr, 10);
}

FibFacts read_facts(RouteSocket& socket) {
  FibFacts facts;
  facts.interfaces = read_links(socket, 1).value();
  facts.addresses = read_addresses(socket, 1, nullptr).value();
  facts.routes = read_routes(socket, 1, nullptr).value();
  facts.rules = read_policy_rules(socket, 1).value();
  facts.neighbours = read_neighbours(socket, 1).value();
  for (const auto& link : facts.interfaces)
    facts.settings[link.index.value()] = interface_settings(link.name.value(), read_number);
  facts.ipv6_forwarding = read_number("net.ipv6.conf.all.forwarding").value_or(0) != 0;
  return facts;
}

struct Question {
  RouteQuestion kernel;
  FibPacket model;
};

std::string random_source(World& world, bool input) {
  if (world.dice.one_in(input ? 6 : 2) && !world.own.empty())
    return world.dice.any(world.own);
  if (world.v4 && world.dice.one_in(10))
    return world.dice.any<std::string>({"127.0.0.1", "224.0.0.5", "255.255.255.255", "0.0.0.0"});
  return random_address(world);
}

std::string random_destination(World& world) {
  if (world.dice.one_in(4) && !world.own.empty())
    return world.dice.any(world.own);
  if (world.dice.one_in(15))
    return world.v4 ? world.dice.any<std::string>({"127.0.0.1", "255.255.255.255", "192.0.2.1"})
                    : world.dice.any<std::string>({"2001:db8::1", "fe80::1"});
  return random_address(world);
}

Question random_question(World& world, const std::vector<Int>& devices, bool input) {
  Dice& dice = world.dice;
  Question question;
  auto& kernel = question.kernel;
  kernel.destination = ip(random_destination(world));
  if (input || dice.one_in(2))
    kernel.source = ip(random_source(world, input));
  if (input)
    kernel.input_interface = dice.any(devices);
  else if (dice.one_in(5))
    kernel.output_interface = dice.any(devices);
  kernel.mark = dice.below(4);
  kernel.uid = input ? 0 : dice.any<int>({0, 50, 1000});
  kernel.proto = static_cast<std::uint8_t>(dice.one_in(2) ? 6 : 17);
  kernel.source_port = dice.any<std::uint16_t>({8080, 40000});
  kernel.destination_port = dice.any<std::uint16_t>({8080, 40000});
  question.model = {.destination = kernel.destination,
                    .source = kernel.source,
                    .input_interface = kernel.input_interface.value_or(0),
                    .output_interface = kernel.output_interface.value_or(0),
                    .mark = static_cast<std::uint32_t>(*kernel.mark),
                    .uid = *kernel.uid,
                    .proto = kernel.proto.value(),
                    .source_port = kernel.source_port,
                    .destination_port = kernel.destination_port};
  return question;
}

/// RTM_GETROUTE does not forward, and since errors became drop reasons all refusals of arriving
/// packets are EINVAL.
bool agrees(const FibAnswer& model, const RouteLookup& kernel, bool v6) {
  const Int error = kernel.error.value_or(0);
  if (v6 && model.reason == FibReason::forwarding_off)
    return error == 0 && kernel.type.is("unicast");
  if (model.error == EXDEV || model.error == EINVAL)
    return error == EXDEV || error == EINVAL;
  if (model.error != 0 || error != 0)
    return model.error == error;
  const auto gateway =
      kernel.gateway.known() ? std::optional(kernel.gateway.value()) : std::nullopt;
  return kernel.type.is(model.type) &&
         kernel.interface_index.is(model.interface_index.value_or(0)) && gateway == model.gateway;
}

std::string describe_answer(const FibAnswer& answer) {
  return fmt::format("error {} ({}) type {} dev {} via {} table {} prefix {} rule {}\n",
                     answer.error, to_string(answer.reason), answer.type,
                     answer.interface_index.value_or(0),
                     answer.gateway ? answer.gateway->to_string() : "-", answer.table.value_or(0),
                     answer.prefix ? answer.prefix->to_string() : "-", answer.rule.value_or(-1));
}

std::string describe_question(const Question& question, const RouteLookup& kernel) {
  const auto& packet = question.model;
  return fmt::format(
      "to {} from {} iif {} oif {} mark {} uid {} proto {} sport {} dport {}\n"
      "kernel: error {} type {} dev {} via {} table {}\n",
      packet.destination.to_string(), packet.source ? packet.source->to_string() : "-",
      packet.input_interface, packet.output_interface, packet.mark, packet.uid, packet.proto,
      packet.source_port.value_or(0), packet.destination_port.value_or(0),
      kernel.error.value_or(-1), kernel.type.value_or("-"), kernel.interface_index.value_or(0),
      kernel.gateway.known() ? kernel.gateway.value().to_string() : "-", kernel.table.value_or(0));
}

struct Tally {
  int asked = 0;
  int certain = 0; ///< with one answer
  int open = 0;    ///< that lead somewhere
  int wrong = 0;
};

void compare(World& world, std::uint32_t seed, Tally& tally) {
  build(world);
  auto socket = RouteSocket::open();
  REQUIRE(socket);
  const FibFacts facts = read_facts(*socket);
  std::vector<Int> devices;
  for (const auto& link : facts.interfaces)
    if (link.name.value().starts_with("rt"))
      devices.push_back(link.index.value());
  if (std::getenv("SYNFATE_SEED") != nullptr)
    shell("ip rule; ip route show table all; ip -6 rule; ip -6 route show table all; ip -6 neigh; "
          "ip link");
  const Fib fib(facts);
  for (int count = 0; count < 300; ++count) {
    const bool input = count % 2 == 0;
    const Question question = random_question(world, devices, input);
    const auto kernel = read_route_lookup(*socket, 1, question.kernel);
    REQUIRE(kernel);
    const auto answers = input ? fib.input(question.model) : fib.output(question.model);
    ++tally.asked;
    tally.certain += answers.size() == 1 ? 1 : 0;
    tally.open += kernel->error.is(0) ? 1 : 0;
    if (std::ranges::any_of(
            answers, [&](const FibAnswer& answer) { return agrees(answer, *kernel, !world.v4); }))
      continue;
    if (++tally.wrong <= 5) {
      std::string text = describe_question(question, *kernel);
      for (const auto& answer : answers)
        text += "model:  " + describe_answer(answer);
      FAIL_CHECK(fmt::format("seed {} IPv{}: {}", seed, world.v4 ? 4 : 6, text));
    }
  }
}

void run(bool v4) {
  const char* fixed = std::getenv("SYNFATE_SEED");
  const auto first = fixed != nullptr ? static_cast<std::uint32_t>(std::strtoul(fixed, nullptr, 10))
                                      : std::random_device()();
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(8);
  Tally tally;
  for (std::uint32_t seed = first; std::chrono::steady_clock::now() < end && tally.wrong == 0;
       ++seed) {
    World world{.v4 = v4, .dice = Dice(seed)};
    if (!in_private_netns([&] { compare(world, seed, tally); }))
      return;
    if (fixed != nullptr)
      break;
  }
  CHECK(tally.wrong == 0);
  CHECK(tally.certain * 2 > tally.asked);
  CHECK(tally.open * 10 > tally.asked);
  WARN(fmt::format("{} questions, {} with one answer, {} lead somewhere", tally.asked,
                   tally.certain, tally.open));
}

} // namespace

TEST_CASE("the IPv4 model answers as the kernel does", "[.kernel]") {
  run(true);
}

TEST_CASE("the IPv6 model answers as the kernel does", "[.kernel]") {
  run(false);
}
