#include "platform/linux/netfilter/read_nft.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include "platform/linux/kernel_module.h"
#include "platform/linux/netfilter/consistent_read.h"

namespace synfate {
namespace {

std::uint16_t message_type(unsigned message) {
  return static_cast<std::uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | message);
}

netlink::Request request_of(unsigned message, std::uint16_t flags, std::string_view family) {
  netlink::Request request(message_type(message), flags);
  nfgenmsg header{};
  header.nfgen_family = nft_family_number(family).value_or(NFPROTO_UNSPEC);
  header.version = NFNETLINK_V0;
  request.append(header);
  return request;
}

} // namespace

Result<NftReader> NftReader::open(Int netns, std::chrono::milliseconds timeout, std::string root) {
  if (module_waits(root, "nf_tables"))
    return Error{ErrorCode::unsupported, "reading nf_tables", {}, 0, "nf_tables is not loaded", {}};
  SYNFATE_TRY(socket, netlink::Socket::open(NETLINK_NETFILTER, timeout));
  NftReader reader(std::move(socket), netns);
  auto generation = reader.read_generation();
  if (!generation) {
    Error error = generation.error();
    if (error.os_error == EINVAL || error.os_error == EOPNOTSUPP) // no such subsystem
      error.code = ErrorCode::unsupported;
    return error;
  }
  reader.generation_ = std::move(*generation);
  return reader;
}

template <typename Read>
auto NftReader::consistent(std::string_view doing, Read read) -> decltype(read()) {
  return read_consistent(doing, generation_, read, [this] { return read_generation(); });
}

template <typename Row, typename Parse>
Result<std::vector<Row>> NftReader::dump(std::uint16_t message, const NftPlace& place,
                                         std::initializer_list<std::uint16_t> attributes,
                                         std::string_view doing, Parse parse,
                                         std::optional<Int> limit) {
  auto request = request_of(message, NLM_F_DUMP, place.family);
  const std::array<std::string_view, 2> names{place.table, place.name};
  std::size_t at = 0;
  for (const auto attribute : attributes)
    request.attribute(attribute, names[at++]);
  std::vector<Row> rows;
  const auto status = socket_.exchange(request, doing, [&](const netlink::Message& answer) {
    parse(answer, rows);
    return !limit || !std::cmp_greater(rows.size(), *limit);
  });
  if (!status) {
    if (status.error().os_error == ENOENT)
      return std::vector<Row>(); // the table or chain went away: so did its rows
    return status.error();
  }
  for (auto& row : rows)
    row.netns = netns_;
  return rows;
}

namespace {

template <typename Row> auto into(std::optional<Row> (*parse)(const netlink::Message&)) {
  return [parse](const netlink::Message& message, std::vector<Row>& rows) {
    if (auto row = parse(message))
      rows.push_back(std::move(*row));
  };
}

} // namespace

Result<std::vector<NftTable>> NftReader::read_tables() {
  constexpr auto doing = "reading the tables of nf_tables";
  return consistent(doing, [&] {
    return dump<NftTable>(NFT_MSG_GETTABLE, {}, {}, doing, into(parse_nft_table));
  });
}

Result<std::vector<NftChain>> NftReader::read_chains() {
  constexpr auto doing = "reading the chains of nf_tables";
  return consistent(doing, [&] {
    return dump<NftChain>(NFT_MSG_GETCHAIN, {}, {}, doing, into(parse_nft_chain));
  });
}

Result<std::vector<NftRule>> NftReader::dump_rules(const NftPlace& chain) {
  auto rules = dump<NftRule>(NFT_MSG_GETRULE, chain, {NFTA_RULE_TABLE, NFTA_RULE_CHAIN},
                             "reading the rules of nf_tables", into(parse_nft_rule));
  if (!rules)
    return rules;
  Int position = 0;
  for (auto& rule : *rules)
    rule.position = position++;
  return rules;
}

Result<std::vector<NftRule>> NftReader::read_rules(const NftPlace& chain) {
  return consistent("reading the rules of nf_tables", [&] { return dump_rules(chain); });
}

Result<std::vector<NftRuleDump>> NftReader::read_rule_dump(const NftPlace& chain) {
  constexpr auto doing = "reading the rules of nf_tables";
  return consistent(doing, [&]() -> Result<std::vector<NftRuleDump>> {
    auto request = request_of(NFT_MSG_GETRULE, NLM_F_DUMP, chain.family);
    request.attribute(NFTA_RULE_TABLE, std::string_view(chain.table));
    request.attribute(NFTA_RULE_CHAIN, std::string_view(chain.name));
    std::vector<NftRuleDump> parts;
    const auto keep = [&](netlink::ByteView datagram) {
      const auto number = static_cast<Int>(parts.size());
      parts.push_back({netns_, chain.family, chain.table, chain.name, number,
                       Bytes{{reinterpret_cast<const char*>(datagram.data()), datagram.size()}}});
    };
    const auto status = socket_.exchange_whole(request, doing, keep);
    if (!status && status.error().os_error != ENOENT) // gone: so are its rules
      return status.error();
    return parts;
  });
}

Result<std::vector<NftRule>> NftReader::read_all_rules() {
  const auto read = [&]() -> Result<std::vector<NftRule>> {
    SYNFATE_TRY(chains, read_chains());
    std::vector<NftRule> all;
    for (const auto& chain : chains) {
      SYNFATE_TRY(rules, dump_rules({chain.family.value_or(""), chain.table.value_or(""),
                                     chain.name.value_or("")}));
      std::ranges::move(rules, std::back_inserter(all));
    }
    return all;
  };
  return consistent("reading the rules of nf_tables", read);
}

Result<std::vector<NftSet>> NftReader::read_sets(const NftPlace& table) {
  constexpr auto doing = "reading the sets of nf_tables";
  return consistent(doing, [&] {
    return table.table.empty()
               ? dump<NftSet>(NFT_MSG_GETSET, {}, {}, doing, into(parse_nft_set))
               : dump<NftSet>(NFT_MSG_GETSET, table, {NFTA_SET_TABLE}, doing, into(parse_nft_set));
  });
}

Result<std::vector<NftElement>> NftReader::read_elements(const NftPlace& set) {
  constexpr auto doing = "reading a set of nf_tables";
  const auto parse = [](const netlink::Message& message, std::vector<NftElement>& rows) {
    std::ranges::move(parse_nft_elements(message), std::back_inserter(rows));
  };
  return consistent(doing, [&] {
    return dump<NftElement>(NFT_MSG_GETSETELEM, set,
                            {NFTA_SET_ELEM_LIST_TABLE, NFTA_SET_ELEM_LIST_SET}, doing, parse);
  });
}

Result<std::vector<NftSetDump>> NftReader::read_set_dump(const NftPlace& set,
                                                         std::optional<Int> limit) {
  constexpr auto doing = "reading a set of nf_tables";
  return consistent(doing, [&] {
    auto parts = dump<NftSetDump>(NFT_MSG_GETSETELEM, set,
                                  {NFTA_SET_ELEM_LIST_TABLE, NFTA_SET_ELEM_LIST_SET}, doing,
                                  into(parse_nft_set_dump), limit);
    Int number = 0;
    if (parts)
      for (auto& part : *parts)
        part.part = number++;
    return parts;
  });
}

/// Non-dump NFT_MSG_GETSETELEM; without a key it asks for the catch-all element. False: not there.
Result<bool> NftReader::ask_element(const NftPlace& set, const std::string* key,
                                    NftLookup& answer) {
  auto request = request_of(NFT_MSG_GETSETELEM, 0, set.family);
  request.attribute(NFTA_SET_ELEM_LIST_TABLE, std::string_view(set.table));
  request.attribute(NFTA_SET_ELEM_LIST_SET, std::string_view(set.name));
  const auto list = request.begin_nest(NFTA_SET_ELEM_LIST_ELEMENTS);
  const auto element = request.begin_nest(NFTA_LIST_ELEM);
  if (key != nullptr) {
    const auto data = request.begin_nest(NFTA_SET_ELEM_KEY);
    request.attribute(NFTA_DATA_VALUE, std::as_bytes(std::span(*key)));
    request.end_nest(data);
  } else {
    request.attribute_big32(NFTA_SET_ELEM_FLAGS, NFT_SET_ELEM_CATCHALL);
  }
  request.end_nest(element);
  request.end_nest(list);
  bool found = false;
  const auto take = [&](const netlink::Message& message) {
    for (auto& row : parse_nft_elements(message)) {
      found = true;
      answer.data = std::move(row.data);
      answer.object = std::move(row.object);
      answer.expires = row.expires;
      answer.expressions = std::move(row.expressions);
      answer.catchall = key == nullptr;
      answer.element_key = std::move(row.key);
    }
    return true;
  };
  const auto status = socket_.exchange(request, "asking a set of nf_tables", take);
  if (status)
    return found;
  // EINVAL for the catch-all: a kernel before 5.13, which has none.
  const int error = status.error().os_error;
  if (error == ENOENT || (key == nullptr && (error == EINVAL || error == EOPNOTSUPP)))
    return false;
  return status.error();
}

Result<NftLookup> NftReader::read_lookup(const NftPlace& set, const std::string& key) {
  return consistent("asking a set of nf_tables", [&]() -> Result<NftLookup> {
    NftLookup answer;
    answer.netns = netns_;
    answer.family = set.family;
    answer.table = set.table;
    answer.set = set.name;
    answer.key = Bytes{key};
    answer.found = true;
    SYNFATE_TRY(found, ask_element(set, &key, answer));
    if (found)
      return answer;
    SYNFATE_TRY(catchall, ask_element(set, nullptr, answer));
    answer.found = catchall;
    return answer;
  });
}

Result<std::vector<NftObject>> NftReader::read_objects() {
  constexpr auto doing = "reading the objects of nf_tables";
  return consistent(doing, [&] {
    return dump<NftObject>(NFT_MSG_GETOBJ, {}, {}, doing, into(parse_nft_object));
  });
}

Result<std::vector<NftFlowtable>> NftReader::read_flowtables() {
  constexpr auto doing = "reading the flow tables of nf_tables";
  return consistent(doing, [&] {
    return dump<NftFlowtable>(NFT_MSG_GETFLOWTABLE, {}, {}, doing, into(parse_nft_flowtable));
  });
}

Result<NftGeneration> NftReader::read_generation() {
  auto request = request_of(NFT_MSG_GETGEN, 0, {});
  NftGeneration generation;
  const auto status =
      socket_.exchange(request, "asking nf_tables", [&](const netlink::Message& message) {
        if (auto row = parse_nft_generation(message))
          generation = std::move(*row);
        return true;
      });
  if (!status)
    return status.error();
  generation.netns = netns_;
  return generation;
}

} // namespace synfate
